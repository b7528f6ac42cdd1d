"""Orders from outside, in real fits."""

from __future__ import annotations

import threading

import keras
from callbacks.limited_runs import SlowCallback, SlowTraining, X, Y, fit
from callbacks.nets import cached_model, metas, notices, positions

import tbviz
from tbviz.callbacks.limits import remote_control as remote_control_module
from tbviz.callbacks.limits.remote_control import RemoteControl
from tbviz.store.control import Orders, write_orders
from tbviz.store.disk.locations import store_directory
from tbviz.store.errors import StoreError


class GivesOrders(keras.callbacks.Callback):
    """Gives an order at the beginning of an epoch."""

    def __init__(self, log_dir, remote_control):
        super().__init__()
        self.log_dir, self.orders = log_dir, remote_control

    def on_epoch_begin(self, epoch, logs=None):
        if epoch in self.orders:
            store = store_directory(self.log_dir)
            store.mkdir(parents=True, exist_ok=True)
            write_orders(store, self.orders[epoch])


def test_a_run_is_paused_and_goes_on(tmp_path, clock):
    ours = SlowCallback(tmp_path, clock, 0.1)
    orders = {2: Orders(paused=True), 5: Orders()}
    fit(GivesOrders(tmp_path, orders), ours, epochs=8)
    assert ours.finished == [0, 1, 5, 6, 7]
    # The numbers go on.
    assert len(metas(tmp_path, "metrics")) == 8
    messages = [
        (n["epoch"], n["text"].split(":")[0]) for n in notices(tmp_path) if n["method"] == "control"
    ]
    assert messages == [(2, "paused"), (5, "resumed")]


def test_a_run_that_ends_paused_captures_nothing(tmp_path, clock):
    ours = SlowCallback(tmp_path, clock, 0.1)
    fit(GivesOrders(tmp_path, {1: Orders(paused=True)}), ours, epochs=3)
    assert ours.finished == [0]


def test_a_run_that_is_paused_before_it_begins_captures_no_batch(tmp_path, clock):
    store_directory(tmp_path).mkdir(parents=True)
    write_orders(store_directory(tmp_path), Orders(paused=True))
    ours = SlowCallback(tmp_path, clock, 0.1, schedule=tbviz.every(batches=1))
    fit(ours, epochs=3)
    assert ours.finished == []


def test_an_order_that_is_deleted_is_no_order(tmp_path, clock):
    store = store_directory(tmp_path)
    store.mkdir(parents=True)
    write_orders(store, Orders(now="a"))

    class Deletes(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            (store / "control.json").unlink(missing_ok=True)

    ours = SlowCallback(tmp_path, clock, 0.1, schedule=tbviz.every(epochs=100))
    fit(Deletes(), ours, epochs=4)
    assert ours.finished == [0, 3]


def test_a_store_that_hangs_does_not_hang_training(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(remote_control_module, "_TIMEOUT", 0.01)
    monkeypatch.setattr(remote_control_module, "_BATCH_TIMEOUT", 0.01)
    hangs = threading.Event()
    monkeypatch.setattr(
        remote_control_module, "read_orders", lambda _: hangs.wait(240) and Orders()
    )
    ours = SlowCallback(tmp_path, clock, 0.1)
    fit(ours, epochs=3)
    assert ours.finished == [0, 1, 2]
    hangs.set()
    for thread in threading.enumerate():
        if thread.name == "tbviz-call":
            thread.join()


def test_an_old_request_is_ignored_if_the_store_answers_late(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(remote_control_module, "_TIMEOUT", 0.05)
    store_directory(tmp_path).mkdir(parents=True)
    write_orders(store_directory(tmp_path), Orders(now="long ago"))
    answers = threading.Event()
    reading = remote_control_module.read_orders
    monkeypatch.setattr(
        remote_control_module, "read_orders", lambda s: answers.wait(60) and reading(s)
    )

    class Answers(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                answers.set()

    ours = SlowCallback(tmp_path, clock, 0.1, schedule=tbviz.every(epochs=100))
    asks = GivesOrders(tmp_path, {5: Orders(now="just now")})
    fit(Answers(), asks, ours, epochs=8)
    assert ours.finished == [0, 5, 7]


def test_every_so_many_epochs(tmp_path, clock):
    ours = SlowCallback(tmp_path, clock, 0.1)
    fit(GivesOrders(tmp_path, {1: Orders(every=3)}), ours, epochs=9)
    assert ours.finished == [0, 3, 6, 8]


def test_a_snapshot_requested_now_comes_at_the_next_batch(tmp_path, clock):
    ours = SlowCallback(tmp_path, clock, 0.1, schedule=tbviz.every(epochs=100))

    class Asks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            clock.now += 1.0
            if self.params["epochs"] and batch == 1 and not getattr(self, "asked", False):
                self.asked = True
                write_orders(store_directory(tmp_path), Orders(now="a"))

    store_directory(tmp_path).mkdir(parents=True)
    write_orders(store_directory(tmp_path), Orders(now="long ago"))
    model = cached_model()
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[Asks(), ours])
    # Batches take a second, and orders are read every two: 1 is given, 2 seconds are over then.
    assert (1, 0, 2, False) in positions(tmp_path)
    assert len(ours.finished) == 3
    assert not [n for n in notices(tmp_path) if "long ago" in n["text"]]


def test_orders_that_make_no_sense_are_reported_once(tmp_path, clock, messages):
    ours = SlowCallback(tmp_path, clock, 0.1)
    store_directory(tmp_path).mkdir(parents=True)
    (store_directory(tmp_path) / "control.json").write_text("pause, please")
    fit(ours, epochs=3)
    assert ours.finished == [0, 1, 2]
    [text] = messages()
    assert "pause, please" in text


def test_an_old_request_is_ignored_if_the_first_read_failed(tmp_path, monkeypatch):
    write_orders(tmp_path, Orders(now="long ago"))

    def fails(store):
        raise StoreError("the share is away")

    remote_control = RemoteControl(tmp_path, lambda *_, **__: None, lambda _: None)
    with monkeypatch.context() as away:
        away.setattr(remote_control_module, "read_orders", fails)
        remote_control.begin()
    assert not remote_control.poll()
    write_orders(tmp_path, Orders(now="just now"))
    assert remote_control.poll()


def test_orders_and_limits(tmp_path, clock):
    """A snapshot that is requested is captured whatever it takes; others are postponed."""
    ours = SlowCallback(tmp_path, clock, 2.0, max_overhead=0.05)
    orders = {3: Orders(now="a"), 20: Orders(now="a", every=5)}
    fit(GivesOrders(tmp_path, orders), SlowTraining(clock, lambda _: 10.05), ours, epochs=60)
    # 0, 3, the next and the last one are 8 s, allowed after 16 epochs; then one per four epochs.
    # Of those that are ordered then, 20, 25 and 30 come a little later.
    assert ours.finished == [0, 3, 15, 19, 23, 27, 31, 35, 40, 45, 50, 55, 59]


def test_a_pause_ends_what_was_postponed(tmp_path, clock):
    ours = SlowCallback(tmp_path, clock, 2.0, max_overhead=0.05, schedule=tbviz.every(epochs=5))
    orders = {6: Orders(paused=True), 8: Orders()}
    fit(GivesOrders(tmp_path, orders), SlowTraining(clock, lambda _: 10.05), ours, epochs=20)
    # Postponed at 5, forgotten at 6; postponed at 10, and captured at 11; due at 15.
    assert ours.finished == [0, 11, 15, 19]
