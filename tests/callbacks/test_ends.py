"""How a `fit` ends, and what the next one finds."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
import types
from pathlib import Path

import keras
import pytest
from callbacks.nets import cached_model, data, ends, metas, notices, positions
from children.starting import run_program

import tbviz
from tbviz.store.read.reader import open_reader

ROOT = Path(__file__).parents[2]


def fit(callbacks, epochs=2, **settings):
    x, y = data(8)
    return cached_model().fit(x, y, 4, epochs=epochs, verbose=0, callbacks=callbacks, **settings)


def two_callbacks(log_dir):
    x, _ = data(8)
    return [
        tbviz.ActivationGrid(log_dir, x[:2], layers="conv1"),
        tbviz.LayerHealth(log_dir, x[:2]),
    ]


class Raises(keras.callbacks.Callback):
    def __init__(self, error, epoch=1):
        super().__init__()
        self.error, self.at = error, epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.at:
            self.at = None
            raise self.error


@pytest.mark.parametrize("new", [False, True])
def test_a_second_fit_is_a_second_segment(tmp_path, new):
    callbacks = two_callbacks(tmp_path)
    fit(callbacks)
    fit(two_callbacks(tmp_path) if new else callbacks, epochs=4, initial_epoch=1)
    assert positions(tmp_path) == [
        *((1, epoch, None, False) for epoch in (0, 1)),
        *((2, epoch, None, False) for epoch in (1, 2, 3)),
    ]
    assert ends(tmp_path) == ["finished", "finished"]
    begins = [meta for meta in metas(tmp_path, "fit") if meta["event"] == "begin"]
    assert [meta["initial_epoch"] for meta in begins] == [0, 1]
    assert len(metas(tmp_path, "probe")) == len(metas(tmp_path, "model")) == 2
    changes = [meta["layers"]["conv1"]["output_change"] for meta in metas(tmp_path, "health")]
    assert [change == "NaN" for change in changes] == [True, False, True, False, False]
    text = [n["text"] for n in notices(tmp_path) if "epoch" in n["text"]]
    assert ["for 2 epochs" in text[0], "for 3 epochs" in text[1]] == [True, True]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("error", [ValueError("elsewhere"), KeyboardInterrupt()])
def test_an_exception_of_another_callback_then_a_second_fit(tmp_path, error, first):
    callbacks = two_callbacks(tmp_path)
    raises = Raises(error)
    order = [raises, *callbacks] if first else [*callbacks, raises]
    with pytest.raises(type(error)):
        fit(order, 3)
    assert ends(tmp_path) == [None]
    fit(order, 1)
    assert ends(tmp_path) == ["failed", "finished"]
    died = [(1, 0, None, False)] if first else [(1, 0, None, False), (1, 1, None, False)]
    assert positions(tmp_path) == [*died, (2, 0, None, False)]


def test_new_callbacks_after_an_exception_find_the_old_fit(tmp_path):
    old = two_callbacks(tmp_path)
    with pytest.raises(ValueError, match="elsewhere"):
        fit([*old, Raises(ValueError("elsewhere"), 0)])
    fit(two_callbacks(tmp_path), 1)
    assert ends(tmp_path) == ["failed", "finished"]
    del old


def test_callbacks_that_are_dropped_end_their_fit(tmp_path):
    with contextlib.suppress(ValueError):
        fit([*two_callbacks(tmp_path), Raises(ValueError("elsewhere"), 0)])
    gc.collect()
    assert ends(tmp_path) == ["failed"]
    [_, end] = metas(tmp_path, "fit")
    assert "before its end" in end["reason"]


class Shell:
    """What IPython's shell is to those who wait for the end of a cell."""

    def __init__(self):
        self.events, self.waiting = self, []

    def register(self, event, function):
        assert event == "post_run_cell"
        self.waiting.append(function)

    def unregister(self, event, function):
        self.waiting.remove(function)

    def end_cell(self):
        for function in self.waiting[:]:
            function(None)


@pytest.fixture
def shell(monkeypatch):
    shell = Shell()
    ipython = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    return shell


def test_a_notebooks_cell_that_was_interrupted_ends_its_fit(tmp_path, shell):
    callbacks = two_callbacks(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fit([*callbacks, Raises(KeyboardInterrupt(), 0)])
    assert ends(tmp_path) == [None]  # the cell may still catch it
    shell.end_cell()
    assert ends(tmp_path) == ["failed"]
    assert shell.waiting == []
    fit(callbacks, 1)
    shell.end_cell()
    assert ends(tmp_path) == ["failed", "finished"]


def test_a_cell_that_ends_within_fit_or_beside_it_does_not_end_it(tmp_path, shell):
    class Cells(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            shell.end_cell()
            thread = threading.Thread(target=shell.end_cell)
            thread.start()
            thread.join()

    fit([Cells(), *two_callbacks(tmp_path)], 2)
    assert ends(tmp_path) == ["finished"]
    shell.end_cell()
    assert shell.waiting == []


def test_callbacks_that_are_called_by_hand(tmp_path, shell):
    """Each told what is planned by an object of its own, and maybe cell by cell."""
    callbacks, model = two_callbacks(tmp_path), cached_model()
    for callback in callbacks:
        callback.set_params({"epochs": 2, "steps": 1})
        callback.set_model(model)
    by_hand = keras.callbacks.CallbackList(callbacks, model=None)
    by_hand.on_train_begin()
    assert shell.waiting == []
    for epoch in range(2):
        by_hand.on_epoch_begin(epoch)
        by_hand.on_epoch_end(epoch, {"loss": 1.0})
    by_hand.on_train_end()
    assert ends(tmp_path) == ["finished"]
    assert positions(tmp_path) == [(1, 0, None, False), (1, 1, None, False)]


def test_a_loop_of_ones_own_may_be_called_fit(tmp_path, shell):
    """As by hand, for nothing but Keras' own `fit` tells all callbacks of one object."""

    def fit(model, callbacks):
        for callback in callbacks:
            callback.set_params({"epochs": 1})
            callback.set_model(model)
        for callback in callbacks:
            callback.on_train_begin()
        for hook, logs in (("on_epoch_begin", None), ("on_epoch_end", {"loss": 1.0})):
            for callback in callbacks:
                getattr(callback, hook)(0, logs)
        for callback in callbacks:
            callback.on_train_end()

    fit(cached_model(), two_callbacks(tmp_path))
    assert shell.waiting == []
    assert ends(tmp_path) == ["finished"]
    assert positions(tmp_path) == [(1, 0, None, False)]


class Interrupts(keras.callbacks.Callback):
    """Raises KeyboardInterrupt in the middle of a snapshot."""

    def __init__(self, grid):
        super().__init__()
        self.capture, grid.capture = grid.capture, self.interrupted

    def interrupted(self, view, log):
        self.capture(view, log)
        raise KeyboardInterrupt


def test_an_interrupted_snapshot_ends_the_fit_at_once(tmp_path):
    grid, health = two_callbacks(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fit([Interrupts(grid), grid, health])
    assert ends(tmp_path) == ["failed"]
    assert metas(tmp_path, "activations")[0]["epoch"] == 0


def test_stopping_early_is_recorded(tmp_path):
    stop = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(cached_model(), "stop_training", True)
    )
    fit([stop, *two_callbacks(tmp_path)], 5)
    assert ends(tmp_path) == ["stopped"]


def test_a_fit_without_an_epoch_leaves_nothing(tmp_path):
    fit(two_callbacks(tmp_path), epochs=2, initial_epoch=2)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_side_by_side(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    fit([*two_callbacks(one), *two_callbacks(other)])
    assert positions(one) == positions(other) == [(1, 0, None, False), (1, 1, None, False)]


def test_no_thread_outlives_fit(tmp_path):
    before = set(threading.enumerate())
    fit(two_callbacks(tmp_path))
    assert set(threading.enumerate()) <= before


def test_one_path_written_in_two_ways_is_one_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    grid, health = two_callbacks("run")
    health.log_dir = tmp_path / "run"
    fit([grid, health])
    assert len(open_reader(tmp_path / "run").segments) == 1


# One process imports TensorFlow, which takes longer than all the rest, and dies in two children:
# nothing of it runs before they part.
DIES = """
import os, signal, sys
sys.path.insert(0, "tests")
from callbacks.nets import data, sequential
import keras, tbviz

class Ends(keras.callbacks.Callback):
    def __init__(self, how):
        super().__init__()
        self.how = how

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            self.how()

def trains(log_dir, how):
    x, y = data(8)
    model = sequential(run_eagerly=True)
    grid = tbviz.ActivationGrid(log_dir, x[:2], layers="conv1")
    model.fit(x, y, 8, 5, verbose=0, callbacks=[grid, Ends(how)])

if os.fork() == 0:
    trains(sys.argv[1], lambda: sys.exit(3))
elif os.fork() == 0:
    trains(sys.argv[2], lambda: os.kill(os.getpid(), signal.SIGKILL))
else:
    statuses = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(2)]
    assert sorted(statuses) == [-signal.SIGKILL, 3], statuses
"""


@pytest.mark.slow
def test_a_process_that_ends_in_training_leaves_a_readable_store(tmp_path):
    exits, killed = tmp_path / "exits", tmp_path / "killed"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run_program([sys.executable, "-c", DIES, exits, killed], cwd=ROOT, env=environment, check=True)
    assert ends(exits) == ["failed"]
    assert ends(killed) == [None]
    assert positions(exits) == [(1, 0, None, False), (1, 1, None, False)]
    # A kill may leave a part of the position in hand, and no other.
    assert positions(killed) in (positions(exits)[:1], positions(exits))
    for log_dir, whole in ((exits, 2), (killed, 1)):
        run = open_reader(log_dir)
        assert run.segments[0].damaged == 0
        for position in range(whole):
            run.picture("activations", "conv1", position, 1)
