"""Budgets and orders in real fits; time is a clock that the tests set."""

from __future__ import annotations

import itertools
import threading

import keras
import numpy as np
import pytest
from callbacks.nets import data, kept, metas, notices, positions

import tbviz
from tbviz.amounts import bytes_of, in_bytes, share_of
from tbviz.callbacks import costs as costs_module
from tbviz.callbacks import journal as journal_module
from tbviz.callbacks import ledger as ledger_module
from tbviz.callbacks import orders as orders_module
from tbviz.callbacks.base import Visual
from tbviz.callbacks.factor import WriterFactor
from tbviz.callbacks.pages import Written
from tbviz.errors import TbvizError
from tbviz.images.sheet import decode
from tbviz.methods.maximization import Ascent
from tbviz.store import open_run, store_directory
from tbviz.store.control import Orders, write_orders

X, Y = data(16)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(costs_module, "clock", made)
    monkeypatch.setattr(ledger_module, "clock", made)
    monkeypatch.setattr(orders_module, "clock", made)
    return made


class Looks(Visual):
    """Takes so many seconds a look, in so many parts; notes at which epochs."""

    wants_recording = runs_model = False

    def __init__(self, log_dir, clock, seconds, parts=1, **settings):
        super().__init__(log_dir, strict=True, **settings)
        self.clock, self.seconds, self.parts = clock, seconds, parts
        self.begun, self.finished, self.taken = [], [], []

    def choose(self, survey, journal):
        self.forget()

    def look(self, view, journal):
        self.begun.append(journal.position.epoch)
        for part in range(self.parts):
            if part:
                yield
            self.clock.now += self.seconds / self.parts
            self.taken.append(journal.position.epoch)
        self.finished.append(journal.position.epoch)


class Trains(keras.callbacks.Callback):
    """What training takes, an epoch."""

    def __init__(self, clock, seconds):
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def on_train_batch_end(self, batch, logs=None):
        self.clock.now += self.seconds(self.epoch)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch


def fit(*callbacks, epochs):
    kept().fit(X, Y, batch_size=16, epochs=epochs, verbose=0, callbacks=list(callbacks))


def test_dear_callbacks_are_thinned_and_cheap_ones_are_not(tmp_path, clock):
    cheap = Looks(tmp_path, clock, 0.1, max_overhead=0.05)
    dear = Looks(tmp_path, clock, 2.0)
    fit(Trains(clock, lambda _: 10.0), cheap, dear, epochs=40)
    assert cheap.finished == list(range(40))
    # 0.5 s an epoch, 0.1 of them for the cheap one: the first look is paid back by epoch 4, and
    # from then on 0.4 s an epoch are two seconds every fifth. The last epoch is always kept, and
    # saved for on the way.
    assert dear.finished[0] == 0
    assert dear.finished[-1] == 39
    gaps = np.diff(dear.finished[1:-1])
    assert gaps.min() >= 5
    assert 5 <= np.mean(gaps) <= 10
    spent = 40 * 0.1 + len(dear.finished) * 2.0
    assert spent / 400 <= 0.05
    record = metas(tmp_path, "cost")[-2]
    assert record["budget"] == 0.05
    assert record["left_out"] == ["Looks"]
    said = [notice["text"] for notice in notices(tmp_path, "info")]
    assert "looks less often, to stay below max_overhead=0.05: a look takes about 2 s" in said
    assert said[-1].startswith("looks took 4.")


def test_it_recovers_when_training_slows(tmp_path, clock):
    dear = Looks(tmp_path, clock, 2.0, max_overhead=0.05)
    fit(Trains(clock, lambda epoch: 1.0 if epoch < 30 else 50.0), dear, epochs=45)
    assert not [epoch for epoch in dear.finished if 0 < epoch < 30]
    # 2.5 s an epoch: after the debt, and what is saved for the last look, every one.
    assert set(range(34, 45)) <= set(dear.finished)


def test_parts_go_on_at_later_epochs(tmp_path, clock):
    split = Looks(tmp_path, clock, 4.0, parts=8, max_overhead=0.05)
    fit(Trains(clock, lambda _: 10.0), split, epochs=30)
    assert split.taken[0] == 0
    once = np.bincount(split.taken[:-8])
    assert once.max() <= 2  # half a second a part, and half a second an epoch
    assert split.begun[1] > split.finished[0] > 4
    interrupted = [meta["epoch"] for meta in metas(tmp_path, "cost") if meta.get("parts")]
    assert interrupted[0] == 0
    assert split.finished[0] not in interrupted
    # At the end all of it, at one state of the model.
    assert split.taken[-8:] == [29] * 8


def test_several_log_directories_share_one_limit(tmp_path, clock):
    one = Looks(tmp_path / "one", clock, 1.0, max_overhead=0.05)
    other = Looks(tmp_path / "other", clock, 1.0)
    fit(Trains(clock, lambda _: 10.0), one, other, epochs=80)
    looks = len(one.finished) + len(other.finished)
    assert 30 < looks <= 40 + 2
    assert abs(len(one.finished) - len(other.finished)) < 5
    assert metas(tmp_path / "other", "cost")[-1]["budget"] == 0.05


def test_a_training_step_that_logs_nothing_is_no_way_round_the_limit(tmp_path, clock):
    class Silent(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs.clear()

    dear = Looks(tmp_path, clock, 2.0, max_overhead=0.05)
    fit(Trains(clock, lambda _: 10.0), Silent(), dear, epochs=40)
    assert len(dear.finished) * 2.0 / 400 <= 0.05 + 0.005


def test_the_writers_cpu_seconds_count(tmp_path, clock, monkeypatch):
    cheap = Looks(tmp_path, clock, 0.0, max_overhead=0.05)
    told = [[Written(cheap.author, 4.0, 100)] for _ in range(100)]
    monkeypatch.setattr(journal_module.Journal, "written", lambda _: told.pop())
    monkeypatch.setattr(WriterFactor, "value", 0.5)
    fit(Trains(clock, lambda _: 10.0), cheap, epochs=20)
    # Two of ten seconds an epoch, told anew at each: far above half a second.
    assert cheap.finished == [0, 19]
    assert metas(tmp_path, "cost")[-2]["left_out"] == ["Looks"]


def test_waiting_for_the_disk_counts(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(journal_module.Journal, "waited", lambda _: 3.0)
    cheap = Looks(tmp_path, clock, 0.0, max_overhead=0.05)
    fit(Trains(clock, lambda _: 10.0), cheap, epochs=20)
    assert cheap.finished == [0, 19]


def test_looks_that_are_due_by_batches_are_left_out_and_noted(tmp_path, clock):
    dear = Looks(tmp_path, clock, 2.0, max_overhead=0.05, schedule=tbviz.every(batches=1))
    fit(Trains(clock, lambda _: 10.0), dear, epochs=30)
    left_out = sum(len(meta.get("left_out", ())) for meta in metas(tmp_path, "cost"))
    assert left_out == 30 - (len(dear.finished) - 2)
    assert len(dear.finished) * 2.0 / 300 <= 0.05 + 0.005


def test_without_a_limit_nothing_is_left_out(tmp_path, clock):
    dear = Looks(tmp_path, clock, 100.0, parts=4)
    fit(Trains(clock, lambda _: 1.0), dear, epochs=4)
    assert dear.finished == [0, 1, 2, 3]
    assert "budget" not in metas(tmp_path, "cost")[-1]


def test_compiling_is_not_in_the_budget(tmp_path, clock, monkeypatch):
    class Compiles(Looks):
        def look(self, view, journal):
            if not self.begun:
                clock.now += 60.0
                view.looker.compile_seconds += 60.0
            yield from super().look(view, journal)

    made = Compiles(tmp_path, clock, 0.2, max_overhead=0.05)
    fit(Trains(clock, lambda _: 10.0), made, epochs=5)
    assert made.finished == [0, 1, 2, 3, 4]
    assert metas(tmp_path, "cost")[0]["compile"]["Compiles"] == 60.0


# Orders


class Gives(keras.callbacks.Callback):
    """Gives an order at the beginning of an epoch."""

    def __init__(self, log_dir, orders):
        super().__init__()
        self.log_dir, self.orders = log_dir, orders

    def on_epoch_begin(self, epoch, logs=None):
        if epoch in self.orders:
            store = store_directory(self.log_dir)
            store.mkdir(parents=True, exist_ok=True)
            write_orders(store, self.orders[epoch])


def test_a_run_is_paused_and_goes_on(tmp_path, clock):
    ours = Looks(tmp_path, clock, 0.1)
    orders = {2: Orders(paused=True), 5: Orders()}
    fit(Gives(tmp_path, orders), ours, epochs=8)
    assert ours.finished == [0, 1, 5, 6, 7]
    # The numbers go on.
    assert len(metas(tmp_path, "metrics")) == 8
    said = [
        (n["epoch"], n["text"].split(":")[0]) for n in notices(tmp_path) if n["method"] == "control"
    ]
    assert said == [(2, "paused"), (5, "goes on")]


def test_a_run_that_ends_paused_looks_at_nothing(tmp_path, clock):
    ours = Looks(tmp_path, clock, 0.1)
    fit(Gives(tmp_path, {1: Orders(paused=True)}), ours, epochs=3)
    assert ours.finished == [0]


def test_a_run_that_is_paused_before_it_begins_looks_at_no_batch(tmp_path, clock):
    store_directory(tmp_path).mkdir(parents=True)
    write_orders(store_directory(tmp_path), Orders(paused=True))
    ours = Looks(tmp_path, clock, 0.1, schedule=tbviz.every(batches=1))
    fit(ours, epochs=3)
    assert ours.finished == []


def test_an_order_that_is_deleted_is_no_order(tmp_path, clock):
    store = store_directory(tmp_path)
    store.mkdir(parents=True)
    write_orders(store, Orders(now="a"))

    class Deletes(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            (store / "control.json").unlink(missing_ok=True)

    ours = Looks(tmp_path, clock, 0.1, schedule=tbviz.every(epochs=100))
    fit(Deletes(), ours, epochs=4)
    assert ours.finished == [0, 3]


def test_a_store_that_hangs_does_not_hang_training(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(orders_module, "_PATIENCE", 0.01)
    hangs = threading.Event()
    monkeypatch.setattr(orders_module, "read_orders", lambda _: hangs.wait(60))
    ours = Looks(tmp_path, clock, 0.1)
    fit(ours, epochs=3)
    assert ours.finished == [0, 1, 2]
    hangs.set()
    for thread in threading.enumerate():
        if thread.name == "tbviz-asks":
            thread.join()


def test_every_so_many_epochs(tmp_path, clock):
    ours = Looks(tmp_path, clock, 0.1)
    fit(Gives(tmp_path, {1: Orders(every=3)}), ours, epochs=9)
    assert ours.finished == [0, 3, 6, 8]


def test_a_look_now_comes_at_the_next_batch(tmp_path, clock):
    ours = Looks(tmp_path, clock, 0.1, schedule=tbviz.every(epochs=100))

    class Asks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            clock.now += 1.0
            if self.params["epochs"] and batch == 1 and not getattr(self, "asked", False):
                self.asked = True
                write_orders(store_directory(tmp_path), Orders(now="a"))

    store_directory(tmp_path).mkdir(parents=True)
    write_orders(store_directory(tmp_path), Orders(now="long ago"))
    model = kept()
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[Asks(), ours])
    # Batches take a second, and orders are read every two: 1 is given, 2 seconds are over then.
    assert (1, 0, 2, False) in positions(tmp_path)
    assert len(ours.finished) == 3
    assert not [n for n in notices(tmp_path) if "long ago" in n["text"]]


def test_orders_that_make_no_sense_are_said_once(tmp_path, clock, said):
    ours = Looks(tmp_path, clock, 0.1)
    store_directory(tmp_path).mkdir(parents=True)
    (store_directory(tmp_path) / "control.json").write_text("pause, please")
    fit(ours, epochs=3)
    assert ours.finished == [0, 1, 2]
    [text] = said()
    assert "pause, please" in text


# Disk


def test_a_store_stays_below_max_disk(tmp_path):
    def run(name, **settings):
        maps = tbviz.ActivationGrid(tmp_path / name, X[:4], strict=True, **settings)
        fit(maps, epochs=24)
        files = store_directory(tmp_path / name).iterdir()
        logged = [e for _, e, _, _ in positions(tmp_path / name)]
        run = open_run(tmp_path / name)
        shown = list(run.columns("activations", "conv1")[0][2].positions.values())
        return sum(path.stat().st_size for path in files), logged, shown

    free, epochs, shown = run("free")
    assert shown == epochs == list(range(24))
    limit = free // 3
    size, epochs, shown = run("limited", max_disk=limit)
    assert epochs == list(range(24))
    assert shown[0] == 0
    assert shown[-1] == 23
    assert 3 < len(shown) < 12
    assert 0.5 * limit < size <= limit
    # What is there already counts: there is no room for a picture more.
    _, epochs, again = run("limited", max_disk=size + 100)
    assert len(epochs) == 48
    assert again == shown
    said = [n["text"] for n in notices(tmp_path / "limited")]
    assert any(text.startswith("looks at nothing more: the store has") for text in said)


def test_what_users_write_for_amounts():
    assert bytes_of("5 GB") == 5_000_000_000
    assert bytes_of("1.5MiB") == 1_572_864
    assert bytes_of(1000) == bytes_of("1kB") == bytes_of(1e3) == 1000
    assert bytes_of(None) is None
    assert share_of(None) is None
    assert share_of(0.05) == 0.05
    assert in_bytes(5_000_000_000) == "5.0 GB"


@pytest.mark.parametrize("given", [0, -1, "5 parsecs", "", True, "GB", "20"])
def test_no_size(given, tmp_path):
    with pytest.raises(TbvizError, match="max_disk"):
        tbviz.ActivationGrid(tmp_path, X, max_disk=given)


@pytest.mark.parametrize("given", [0, -0.1, "5 %", 5, True, float("nan"), float("inf")])
def test_no_share(given, tmp_path):
    with pytest.raises(TbvizError, match="max_overhead"):
        tbviz.Monitor(tmp_path, X, max_overhead=given)


# Parts of what is drawn


def in_parts_and_whole(tmp_path, make):
    """A look in parts, a part an epoch, of a model that does not learn; and a whole one."""
    logged = []
    for name, settings in (("parts", {"max_overhead": 1e-9}), ("whole", {})):
        model = kept()
        model.optimizer.learning_rate = 0.0
        callbacks = [make(tmp_path / name, **settings)]
        model.fit(X, Y, epochs=3, verbose=0, callbacks=callbacks)
        model.optimizer.learning_rate = 0.01
        logged.append(open_run(tmp_path / name))
    return logged


@pytest.mark.parametrize("what", ["filters", "score-cam", "occlusion"])
def test_what_is_made_in_parts_is_what_is_made_at_once(tmp_path, what, monkeypatch):
    from tbviz.callbacks import limits, maximization

    monkeypatch.setattr(maximization, "PART", 2)
    # One part at the first epoch, whatever it costs, and one at the second.
    answers = itertools.cycle([False, True])
    monkeypatch.setattr(limits.Limits, "affords", lambda *_: next(answers))
    make = {
        "filters": lambda log_dir, **s: tbviz.FilterMaximization(
            log_dir, "conv2", images=X[:2], settings=Ascent(steps=2), strict=True, **s
        ),
        "score-cam": lambda log_dir, **s: tbviz.GradCAM(
            log_dir, X[:2], method="score-cam", strict=True, **s
        ),
        "occlusion": lambda log_dir, **s: tbviz.Saliency(
            log_dir, X[:2], method="occlusion", strict=True, **s
        ),
    }[what]
    kind, layer = {
        "filters": ("maximization", "conv2"),
        "score-cam": ("cam:score-cam", "relu"),
        "occlusion": ("saliency:occlusion", ""),
    }[what]
    parts, whole = in_parts_and_whole(tmp_path, make)
    [first, *_] = parts.columns(kind, layer)[0][2].positions.values()
    assert first == 1  # two parts
    sheets = 1 if what == "filters" else 2
    notes = []
    for image in range(sheets):
        mine = decode(parts.picture(kind, layer, first, image))
        theirs = decode(whole.picture(kind, layer, 0, image))
        assert np.abs(mine.pixels.astype(int) - theirs.pixels.astype(int)).max() <= 1
        notes.append((mine.text or {}).get("note"))
    assert notes == (
        ["made in parts from epoch 0 to epoch 1"]
        if what == "filters"
        else ["as it was at epoch 0", None]
    )


# A slow disk


def test_a_hanging_disk_costs_pictures_not_training(tmp_path, monkeypatch, said):
    monkeypatch.setattr(journal_module, "PATIENCE", 0.05)
    monkeypatch.setattr(journal_module, "LAST_PATIENCE", 0.05)
    disk, calls = threading.Event(), []
    from tbviz.store.writer import Writer

    flush = Writer.flush

    def hangs(self):
        calls.append(len(calls))
        if len(calls) == 3:
            disk.wait(30)
        flush(self)

    monkeypatch.setattr(Writer, "flush", hangs)
    maps = tbviz.ActivationGrid(tmp_path, X[:2])

    class Heals(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 4:
                disk.set()

    fit(maps, Heals(), epochs=8)
    slow = [text for text in said() if "the disk took over" in text]
    assert len(slow) == 1
    assert [e for _, e, _, _ in positions(tmp_path)] == list(range(8))
    assert len(metas(tmp_path, "metrics")) == 8
    run = open_run(tmp_path)
    shown = list(run.columns("activations", "conv1")[0][2].positions.values())
    assert shown[0] == 0
    assert shown[-1] == 7
    assert len(shown) < 8
