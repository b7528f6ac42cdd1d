"""Training is never killed: errors are reported once, and the rest goes on."""

from __future__ import annotations

import shutil
import warnings

import keras
import numpy as np
import pytest
from callbacks.nets import (
    cached_model,
    data,
    ends,
    metas,
    notices,
    positions,
    tiles,
    wait_for_writer,
)

import tbviz
from tbviz.callbacks.grad_cam import GradCAM
from tbviz.methods.cams.grad_cam import GradCam
from tbviz.methods.maximization.settings import Ascent
from tbviz.store.errors import StoreError
from tbviz.store.read.reader import open_reader
from tbviz.taps.select import LayerNotFoundError


def fit(callbacks, epochs=3, **settings):
    x, y = data(8)
    return cached_model().fit(x, y, 4, epochs, verbose=0, callbacks=callbacks, **settings)


def three_callbacks(log_dir, strict=False):
    x, y = data(8)
    return [
        tbviz.ActivationGrid(log_dir, x[:2], strict=strict),
        tbviz.LayerHealth(log_dir, x[:2], strict=strict),
        GradCAM(log_dir, x[:2], y[:2], strict=strict),
    ]


@pytest.fixture
def failing_from_epoch_1(monkeypatch):
    calls = []

    class FailingCam(GradCam):
        def combine(self, evidence):
            calls.append(1)
            if len(calls) > 2:  # two roles in epoch 0
                raise RuntimeError("no map today\nand much more on this line")
            return super().combine(evidence)

    def make(callback):
        monkeypatch.setattr(callback, "cams", [FailingCam()])
        return callback

    return make


@pytest.mark.parametrize("as_errors", [False, True])
def test_a_method_that_raises_is_reported_once(tmp_path, messages, failing_from_epoch_1, as_errors):
    callbacks = three_callbacks(tmp_path)
    failing_from_epoch_1(callbacks[2])
    with warnings.catch_warnings():
        if as_errors:
            warnings.simplefilter("error")
        history = fit(callbacks, 4)
    assert len(history.history["loss"]) == 4
    assert len(messages()) == 1
    [notice] = notices(tmp_path, "warning")
    assert (notice["method"], notice["layer"], notice["epoch"]) == ("GradCAM", "relu", 1)
    assert "RuntimeError: no map today" in notice["text"]
    assert "strict=True" in notice["remedy"]
    store = open_reader(tmp_path)
    assert store.columns("cam", "relu")[0][2].positions.total == 1
    assert store.columns("activations", "relu")[0][2].positions.total == 4
    assert ends(tmp_path) == ["finished"]


def test_strict_raises_and_the_segment_has_failed(tmp_path, failing_from_epoch_1):
    callbacks = three_callbacks(tmp_path)
    failing_from_epoch_1(callbacks[2]).strict = True
    with pytest.raises(RuntimeError, match="no map today"):
        fit(callbacks)
    assert ends(tmp_path) == ["failed"]
    [_, end] = metas(tmp_path, "fit")
    assert end["reason"].startswith("RuntimeError: no map today")
    assert positions(tmp_path) == [(1, 0, None, False), (1, 1, None, False)]


def test_a_filter_that_matches_nothing(tmp_path, messages):
    x, _ = data(2)
    near = tbviz.ActivationGrid(tmp_path, x, layers="conv3")
    fit([near, tbviz.LayerHealth(tmp_path, x)])
    [notice] = notices(tmp_path, "warning")
    assert "no layer matches 'conv3'; did you mean" in notice["text"]
    assert "? Layers that would fit: " in notice["text"]
    assert "would fit: conv1, pool" in notice["text"]
    assert len(messages()) == 1
    assert len(metas(tmp_path, "health")) == 3
    epochs = []
    count = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    with pytest.raises(LayerNotFoundError, match="conv3"):
        fit([count, tbviz.ActivationGrid(tmp_path, x, layers="conv3", strict=True)])
    assert epochs == []  # at once, not when the first epoch has been trained


def test_strict_raises_what_cannot_be_written(tmp_path):
    x, _ = data(1)
    (tmp_path / "run").write_text("a file where the log directory should be")
    with pytest.raises(StoreError):
        fit([tbviz.ActivationGrid(tmp_path / "run", x, strict=True)])


def test_a_shared_pass_that_fails_is_not_tried_by_each(tmp_path, monkeypatch, messages):
    from tbviz.callbacks.run import model_view

    tries = []

    def record(*arguments):
        tries.append(1)
        raise MemoryError("too many maps")

    monkeypatch.setattr(model_view, "record", record)
    fit(three_callbacks(tmp_path), 1)
    assert len(tries) == 1
    assert len(messages()) == 3
    assert all("MemoryError: too many maps" in text for text in messages())


def test_model_outputs_that_fail_once_are_tried_again(tmp_path, monkeypatch, messages):
    from tbviz.taps.inspector import ModelInspector

    model_outputs, tries = ModelInspector.model_outputs, []

    def fails_once(self, inputs):
        tries.append(1)
        if len(tries) <= 2:  # before training, and at the first epoch's end
            raise RuntimeError("not now")
        return model_outputs(self, inputs)

    monkeypatch.setattr(ModelInspector, "model_outputs", fails_once)
    fit(three_callbacks(tmp_path))
    assert [text.split(":")[0] for text in messages()] == ["tbviz"]
    assert [meta["epoch"] for meta in metas(tmp_path, "health")] == [1, 2]
    assert [meta["epoch"] for meta in metas(tmp_path, "metrics")] == [0, 1, 2]


def test_a_file_instead_of_the_log_directory(tmp_path, messages):
    log_dir = tmp_path / "logs"
    log_dir.write_text("I was here first")
    assert len(fit(three_callbacks(log_dir)).history["loss"]) == 3
    [text] = messages()
    assert "store: a position could not be written" in text
    assert str(log_dir) in text
    assert log_dir.read_text() == "I was here first"


class DoesAt(keras.callbacks.Callback):
    """Does something at the end of an epoch."""

    def __init__(self, epoch, act):
        super().__init__()
        self.epoch, self.act = epoch, act

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            self.act()


def test_a_directory_removed_while_training_begins_anew(tmp_path, messages):
    log_dir = tmp_path / "run"
    callbacks = three_callbacks(log_dir)
    remove = DoesAt(1, lambda: (wait_for_writer(), shutil.rmtree(log_dir)))
    fit([remove, *callbacks], 5)
    [text] = messages()
    assert "deleted while it was being written" in text
    assert "new segment" in text
    # What was in hand when the store was found missing is lost, all that follows is whole.
    found = positions(log_dir)
    assert [epoch for _, epoch, _, _ in found][-2:] == [3, 4]
    segment = open_reader(log_dir).segments[-1]
    assert segment.begin["epochs"] == 5
    assert len(segment.models) == len(segment.probes) == 1
    assert segment.damaged == 0
    tiles(log_dir, "activations", "conv1", len(found) - 1, 1)
    assert ends(log_dir)[-1] == "finished"


def test_nan_loss_is_logged_as_such(tmp_path):
    x, y = data(8)
    model = cached_model()
    model.optimizer.learning_rate = 1e30
    quick = tbviz.FilterMaximization(tmp_path, layers="conv1", filters=2, ascent=Ascent(steps=2))
    model.fit(x, y, 4, 3, verbose=0, callbacks=[*three_callbacks(tmp_path), quick])
    assert np.isnan(model.get_weights()[0]).all()
    assert metas(tmp_path, "metrics")[-1]["values"]["loss"] == "NaN"
    assert metas(tmp_path, "predictions")[-1]["images"][0][0][1] == "NaN"
    health = metas(tmp_path, "health")[-1]["layers"]["conv1"]
    assert (health["mean"], health["dead"]) == ("NaN", 0)
    last, _ = tiles(tmp_path, "activations", "conv1", 2)
    assert np.isnan(last).all()
    assert len(positions(tmp_path)) == 3
    loss, weights, maximized = notices(tmp_path, "warning")
    assert (loss["method"], loss["text"]) == ("tbviz", "loss became NaN at epoch 0")
    assert (weights["method"], weights["layer"]) == ("tbviz", "conv1")
    assert weights["text"] == "Weights of conv1 and 2 more layers became NaN at epoch 0"
    [advice] = metas(tmp_path, "health")[-1]["advice"]
    assert (advice["layer"], advice["rule"]) == ("conv1", "weights-nonfinite")
    assert advice["text"].startswith(weights["text"])
    assert maximized["method"] == "FilterMaximization"
    assert "'conv1' is NaN or infinite for every image" in maximized["text"]


class Puts(keras.callbacks.Callback):
    """Puts things into the logs that everybody shares."""

    def __init__(self, **values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs.update(self.values)
        self.shared = logs


def test_logs_are_only_read_and_may_hold_anything(tmp_path):
    odd = {"name": "x", "none": None, "array": np.arange(3), "one": np.float32(2.5)}
    puts = Puts(**odd)
    fit([puts, *three_callbacks(tmp_path)], 2)
    assert set(puts.shared) == {"loss", *odd}
    assert puts.shared["array"] is odd["array"]
    assert metas(tmp_path, "metrics")[0]["values"].keys() == {"loss", "one"}
    left_out = [n for n in notices(tmp_path, "info") if "metrics" in n["text"]]
    assert [n["text"] for n in left_out] == [
        "metrics name, none, array are not scalars and are skipped"
    ]


def test_probes_of_two_sizes_leave_the_second_out(tmp_path, messages):
    x, _ = data(2)
    fit([tbviz.LayerHealth(tmp_path, x), GradCAM(tmp_path, np.zeros((2, 9, 9, 1)))], 2)
    [text] = messages()
    assert text.startswith(
        "tbviz GradCAM: disabled for this fit: the probe images of this fit's callbacks have"
    )
    assert len(metas(tmp_path, "health")) == 2
    assert ends(tmp_path) == ["finished"]


def test_missing_image_files_are_reported_when_training_begins(tmp_path, messages):
    fit([tbviz.ActivationGrid(tmp_path / "run", ["nowhere.png"])], 1)
    assert "do not exist: ['nowhere.png']" in messages()[0]
    with pytest.raises(tbviz.TbvizError, match="do not exist"):
        fit([tbviz.ActivationGrid(tmp_path / "run", ["nowhere.png"], strict=True)], 1)
    assert not (tmp_path / "run").exists()


def test_a_wrong_argument_is_an_error_at_once(tmp_path):
    x, _ = data(2)
    with pytest.raises(tbviz.TbvizError, match=r"'scorecam'.*'score-cam'"):
        GradCAM(tmp_path, x, method="scorecam")
    with pytest.raises(tbviz.TbvizError, match="2 images"):
        tbviz.Monitor(tmp_path, x, labels=[1])


def test_two_callbacks_that_draw_the_same_layer_are_reported_once(tmp_path, messages):
    x, _ = data(4)
    fit(
        [
            tbviz.ActivationGrid(tmp_path, x[:2], layers="conv1"),
            tbviz.ActivationGrid(tmp_path, x[2:], layers=["conv1", "conv2"]),
        ]
    )
    assert (
        sum(
            "two callbacks of this fit log activations of the same layer" in text
            for text in messages()
        )
        == 1
    )
    run = open_reader(tmp_path)
    assert all(segment.damaged == 0 for segment in run.segments)
    assert ("activations", "conv2") in run.series()


def test_one_picture_that_cannot_be_encoded_takes_no_other_along(tmp_path, monkeypatch, messages):
    from tbviz.callbacks.run.pictures import GrayPicture

    write = GrayPicture.write

    def broken(self, writer, position):
        if self.layer == "conv1":
            raise ValueError("no such picture")
        write(self, writer, position)

    monkeypatch.setattr(GrayPicture, "write", broken)
    x, _ = data(2)
    fit(
        [
            tbviz.ActivationGrid(tmp_path, x, layers=["conv1", "conv2"]),
            tbviz.LayerHealth(tmp_path, x),
        ]
    )
    assert sum("could not be encoded" in text for text in messages()) == 1
    run = open_reader(tmp_path)
    drawn = [layer for kind, layer in run.series() if kind == "activations"]
    assert drawn == ["conv2"]
    assert len(metas(tmp_path, "health")) == len(run)
