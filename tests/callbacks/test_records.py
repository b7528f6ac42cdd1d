"""One real run of a dozen epochs with everything on, read back."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from callbacks.nets import (
    NAMES,
    data,
    ends,
    metas,
    monitor,
    notices,
    positions,
    sequential,
    tiles,
    tree,
)

from tbviz.callbacks.run.records import Predicted, predictions_of
from tbviz.images.sheet import decode
from tbviz.store.read.reader import open_reader

EPOCHS = 12  # more than the ten steps that TensorBoard keeps of an unknown plugin
IMAGES = 3


class Outputs(keras.callbacks.Callback):
    """What two layers put out at each epoch's end, by sub-models of its own."""

    def __init__(self, images):
        super().__init__()
        self.images = images
        self.conv1, self.relu, self.scores = [], [], []

    def on_epoch_end(self, epoch, logs=None):
        value = keras.ops.convert_to_tensor(self.images)
        for layer in self.model.layers:
            value = layer(value, training=False) if layer.name == "dropout" else layer(value)
            if layer.name in {"conv1", "relu"}:
                getattr(self, layer.name).append(keras.ops.convert_to_numpy(value))
        self.scores.append(keras.ops.convert_to_numpy(value))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    log_dir = tmp_path_factory.mktemp("records")
    x, y = data(24)
    model = sequential(rate=0.3, metrics=["accuracy"])
    outputs = Outputs(x[:IMAGES])
    callback = monitor(log_dir, x[:IMAGES], y[:IMAGES], NAMES, maximized=["conv1", "conv2"])
    history = model.fit(
        x, y, 8, EPOCHS, verbose=0, validation_split=0.25, callbacks=[outputs, callback]
    )
    return log_dir, outputs, history.history, y[:IMAGES]


def test_every_epoch_is_a_position_of_every_layer_and_image(run):
    log_dir = run[0]
    assert positions(log_dir) == [(1, epoch, None, False) for epoch in range(EPOCHS)]
    store = open_reader(log_dir)
    expected = {
        *(("activations", layer) for layer in ("conv1", "pool", "conv2", "relu")),
        *(("activations:colors", layer) for layer in ("conv1", "pool", "conv2", "relu")),
        *((kind, "") for kind in ("overview", "hypercolumns", "hypercolumns:colors")),
        ("cam", "relu"),
        *((kind, layer) for kind in ("kernels", "maximization") for layer in ("conv1", "conv2")),
        ("kernels:colors", "conv2"),  # of three input channels
    }
    of_no_image = {kind for kind, _ in expected if kind.endswith(":colors")}
    of_no_image |= {"kernels", "maximization"}
    assert set(store.series()) == expected
    for kind, layer in expected:
        [(base, _, columns)] = store.columns(kind, layer)
        assert base == 0
        assert columns.positions.total == EPOCHS
        assert columns.sheets == (1 if kind in of_no_image else IMAGES)
    assert [segment.damaged for segment in store.segments] == [0]
    assert ends(log_dir) == ["finished"]


@pytest.mark.parametrize("layer", ["conv1", "relu"])
@pytest.mark.parametrize("epoch", [0, 5, EPOCHS - 1])
def test_sheets_hold_what_the_layer_put_out(run, layer, epoch):
    log_dir, outputs = run[:2]
    maps = getattr(outputs, layer)[epoch]
    for image in range(IMAGES):
        values, half = tiles(log_dir, "activations", layer, epoch, image)
        expected = np.moveaxis(maps[image], -1, 0)
        assert values.shape == expected.shape
        assert np.all(np.abs(values - expected) <= half * 1.01 + 1e-6)


def test_metrics_are_those_of_the_history(run):
    log_dir, _, history, _ = run
    found = [meta["values"] for meta in metas(log_dir, "metrics")]
    assert set(found[0]) == {"accuracy", "loss", "val_accuracy", "val_loss"}
    for name, values in history.items():
        assert [epoch[name] for epoch in found] == values


def test_predictions_are_the_models(run):
    log_dir, outputs = run[:2]
    for epoch, meta in enumerate(metas(log_dir, "predictions")):
        assert meta["scale"] == "probability"
        for image, best in enumerate(meta["images"]):
            probabilities = outputs.scores[epoch][image]
            assert [name for name, _ in best] == np.argsort(-probabilities).tolist()
            np.testing.assert_allclose(
                [value for _, value in best], np.sort(probabilities)[::-1], atol=2e-6
            )


def test_the_true_class_stands_behind_the_best_five():
    values = np.array([[0.1, 0.3, 0.05, 0.2, 0.15, 0.12, 0.08]] * 3)
    recording = SimpleNamespace(probabilities=values, scores=None)
    best = [[1, 0.3], [3, 0.2], [4, 0.15], [5, 0.12], [0, 0.1]]
    found = predictions_of([(3, Predicted(recording, [2, 3, None]))])["images"]
    assert found == [[*best, [2, 0.05]], best, best]


def test_cams_say_what_they_show(run):
    log_dir, outputs, _, labels = run
    store = open_reader(log_dir)
    for image in range(IMAGES):
        text = decode(store.picture("cam", "relu", EPOCHS - 1, image)).text
        predicted, true = text["tiles"]
        probabilities = outputs.scores[-1][image]
        assert (predicted["role"], true["role"]) == ("predicted", "true")
        assert predicted["class"] == int(probabilities.argmax())
        assert true["class"] == int(labels[image])
        assert true["name"] == NAMES[labels[image]]
        assert true["probability"] == pytest.approx(probabilities[labels[image]], abs=2e-6)
        assert true["target"] == "score before softmax"
    [layout] = [meta for meta in metas(log_dir, "layout") if meta["picture"] == "cam"]
    assert layout["map"] == [2, 2]


def test_maximizations_have_a_score_each_and_fill_the_sheet(run):
    log_dir = run[0]
    layouts = [meta for meta in metas(log_dir, "layout") if meta["picture"] == "maximization"]
    assert [layout["layer"] for layout in layouts] == ["conv1", "conv2"]
    layout = layouts[1]
    assert (layout["images"], layout["tile"]) == (0, [8, 8])
    assert layout["channels"] == [0, 1, 2, 3]
    text = decode(open_reader(log_dir).picture("maximization", "conv2", 0)).text
    assert len(text["scores"]) == 4
    pixels, _ = tiles(log_dir, "maximization", "conv2", 0)
    assert pixels.shape == (4, 8, 8, 3)
    assert pixels.std() > 5


def test_health_is_that_of_the_maps(run):
    log_dir, outputs = run[:2]
    found = metas(log_dir, "health")
    assert len(found) == EPOCHS
    for epoch in (0, 5):
        numbers = found[epoch]["layers"]["relu"]
        maps = outputs.relu[epoch]
        assert numbers["channels"] == 4
        assert numbers["mean"] == pytest.approx(float(maps.mean()), rel=1e-4, abs=1e-6)
        assert numbers["sparsity"] == pytest.approx(float((maps == 0).mean()), abs=1e-5)
    assert found[0]["layers"]["relu"]["output_change"] == "NaN"
    before, after = outputs.conv1[4], outputs.conv1[5]
    change = np.linalg.norm(after - before) / np.linalg.norm(before)
    assert found[5]["layers"]["conv1"]["output_change"] == pytest.approx(change, rel=1e-3)
    [segment] = open_reader(log_dir).segments
    tables = [segment.health.table("conv1", ordinal) for ordinal in range(EPOCHS)]
    assert len({table[0] for table in tables}) == EPOCHS


def test_the_tree_tells_what_is_drawn_and_why_not(run):
    nodes = tree(run[0])
    assert list(nodes) == ["conv1", "pool", "conv2", "relu", "average", "classes"]
    assert nodes["relu"]["kinds"] == ["activations", "activations:colors", "health", "cam"]
    pictures = ["activations", "activations:colors", "health", "kernels", "maximization"]
    assert nodes["conv1"]["kinds"] == pictures
    assert nodes["conv2"]["kinds"] == [*pictures[:4], "kernels:colors", "maximization"]
    assert nodes["conv1"]["shape"] == [8, 8, 3]
    assert nodes["conv1"]["parameters"] == 30
    assert nodes["conv1"]["config"]["activation"] == "relu"
    assert nodes["conv1"]["reason"] is None
    assert "4 values has no height" in nodes["average"]["reason"]
    [model] = metas(run[0], "model")
    assert (model["name"], model["class"], model["parameters"]) == ("tiny", "Sequential", 157)


def test_the_fit_record_comes_first_and_tells_what_is_planned(run):
    kinds = [meta["kind"] for meta in metas(run[0])]
    assert kinds[:4] == ["writer", "fit", "probe", "model"]
    begin, end = metas(run[0], "fit")
    assert (begin["epochs"], begin["initial_epoch"], begin["steps"]) == (EPOCHS, 0, 3)
    assert begin["backend"] == "tensorflow"
    assert begin["versions"]["keras"] == keras.__version__
    assert begin["model"] == "tiny"
    assert end["reason"] is None


def test_costs_are_counted_by_callback(run):
    found = metas(run[0], "cost")
    assert [meta["epoch"] for meta in found] == list(range(EPOCHS))
    assert set(found[0]["compile"]) >= {"ActivationGrid", "GradCAM", "FilterMaximization"}
    names = {
        "ActivationGrid",
        "LayerHealth",
        "GradCAM",
        "Hypercolumns",
        "Kernels",
        "FilterMaximization",
    }
    for cost in found[1:]:
        rare = {"Augmentation"} if cost["epoch"] == EPOCHS - 1 else set()
        assert set(cost["seconds"]) == names | rare
        assert min(cost["seconds"].values()) > 0
        assert sum(cost["seconds"].values()) + cost["wait"] < cost["wall"]
        assert cost["writer"] >= 0
    assert sum(cost["writer"] for cost in found) > 0
    assert all(cost["compile"] == {} for cost in found[1:])


def test_the_size_of_the_run_is_reported_once(run):
    [notice] = [notice for notice in notices(run[0]) if notice["method"] == "tbviz"]
    assert notice["level"] == "info"
    assert notice["text"].endswith(f"for {EPOCHS} epochs, written to {run[0]}")
    [pack] = (run[0] / "plugins" / "tbviz").glob("*.pack")
    number, unit = notice["text"].split()[1:3]
    assert unit == "kB"
    assert 0.7 < float(number) * 1000 * EPOCHS / pack.stat().st_size < 1.3


def test_what_the_model_lacks_is_reported_in_one_line(run):
    [notice] = [notice for notice in notices(run[0]) if notice["method"] != "tbviz"]
    assert (notice["method"], notice["level"]) == ("Augmentation", "info")
    assert notice["text"] == "left out: this model has no augmentation layer"


def test_index_and_pack_agree(run):
    # The reader hops from the index' end: all that was written is in both.
    store = open_reader(run[0])
    assert len(metas(run[0], "metrics")) == len(store) == EPOCHS
