from __future__ import annotations

import gc

import keras
import numpy as np
from keras import layers, ops

from tbviz.taps.model_outputs import find_model_outputs
from tbviz.taps.paths import walk


def paths(model):
    return [node.path for node in walk(model)]


def test_functional_and_sequential_models_have_their_layers_names():
    inputs = keras.Input((8, 8, 3))
    values = layers.Conv2D(2, 3, name="first")(inputs)
    values = layers.Conv2D(2, 3)(values)
    functional = keras.Model(inputs, layers.Conv2D(2, 3)(values))
    assert paths(functional) == ["first", "conv2d", "conv2d_1"]

    sequential = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3), layers.Flatten()])
    assert paths(sequential) == ["conv2d", "flatten"]


def test_a_sequential_model_has_the_same_paths_before_and_after_it_is_built():
    late = keras.Sequential([layers.Conv2D(2, 3), layers.Dense(1), layers.Dense(1)])
    before = paths(late)
    late(np.zeros((1, 8, 8, 3)))
    assert before == paths(late) == ["conv2d", "dense", "dense_1"]


def test_names_are_nested_three_deep():
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3)], name="inner")
    inputs = keras.Input((8, 8, 3))
    middle = keras.Model(inputs, layers.ReLU()(inner(inputs)), name="middle")
    outer = keras.Sequential([keras.Input((8, 8, 3)), middle])
    assert paths(outer) == ["middle", "middle/inner", "middle/inner/conv2d", "middle/re_lu"]
    leaves = {node.path: (node.parent, node.leaf) for node in walk(outer)}
    assert leaves["middle"] == (None, False)
    assert leaves["middle/inner/conv2d"] == ("middle/inner", True)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.stem = layers.Conv2D(2, 3, name="conv")
        self.blocks = [[layers.Conv2D(2, 3, name="conv"), layers.Conv2D(2, 3, name="conv")]]
        self.heads = {"a": layers.Dense(2, name="head"), "b": layers.Dense(2, name="head")}
        self.once = layers.Dense(2, name="last")

    def call(self, values):
        for layer in (self.stem, *self.blocks[0]):
            values = layer(values)
        return self.once(self.heads["a"](values) + self.heads["b"](values))


def test_siblings_with_one_name_are_called_by_their_attributes():
    assert sorted(paths(Subclassed())) == [
        "blocks.0.0",
        "blocks.0.1",
        "heads.a",
        "heads.b",
        "last",
        "stem",
    ]


def test_equal_names_without_an_attribute_are_numbered():
    class Hidden(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self._pair = [layers.Dense(1, name="d"), layers.Dense(1, name="d")]

    assert paths(Hidden()) == ["d", "d.1"]


def test_two_models_of_one_process_have_the_same_paths():
    def build():
        inputs = keras.Input((8, 8, 3))
        base = keras.Sequential([layers.Conv2D(2, 3), layers.Conv2D(2, 3)])
        values = layers.Add()([base(inputs), base(inputs)])
        return keras.Model(inputs, layers.Dense(1)(ops.relu(values)))

    first, second = build(), build()
    assert paths(first) == paths(second)
    names = [node.layer.name for node in walk(first)]
    assert names != [node.layer.name for node in walk(second)]
    assert paths(first) == [
        "sequential",
        "sequential/conv2d",
        "sequential/conv2d_1",
        "add",
        "relu",
        "dense",
    ]


def test_operations_and_both_directions_of_a_layer_are_counted_anew():
    def build():
        inputs = keras.Input((4, 2))
        values = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(inputs)
        values = ops.relu(values + 1.0) + ops.relu(values)
        return keras.Model(inputs, values[:, 0])

    first, second = build(), build()
    assert paths(first) == paths(second)
    assert sorted(paths(first)) == [
        "add",
        "add_1",
        "bidirectional",
        "bidirectional/backward_lstm",
        "bidirectional/backward_lstm/lstm_cell",
        "bidirectional/forward_lstm",
        "bidirectional/forward_lstm/lstm_cell",
        "get_item",
        "relu",
        "relu_1",
    ]


def test_layers_beside_the_graph_of_a_functional_model_are_listed():
    class WithHead(keras.Model):
        def __init__(self):
            inputs = keras.Input((2,))
            super().__init__(inputs, layers.Dense(2, name="body")(inputs))
            self.extra = layers.Dense(1, name="extra")

    model = WithHead()
    assert paths(model) == ["body", "extra"]
    found = find_model_outputs(model, np.zeros((1, 2), np.float32))
    assert "does not call it" in found.unreachable["extra"]


def test_a_saved_and_loaded_model_has_the_same_paths(tmp_path):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(2)])
    model.save(tmp_path / "model.keras")
    assert paths(keras.models.load_model(tmp_path / "model.keras")) == paths(model)


def test_metrics_losses_and_inputs_are_no_layers():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    model.compile(loss=keras.losses.MeanSquaredError(), metrics=[keras.metrics.MeanSquaredError()])
    model.fit(np.zeros((2, 4)), np.zeros((2, 3)), verbose=0)
    assert paths(model) == ["dense"]


def test_the_calls_of_a_shared_layer_are_numbered():
    left, right = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
    shared = layers.Conv2D(2, 3, name="shared")
    model = keras.Model([left, right], layers.Add()([shared(left), shared(right)]))
    found = find_model_outputs(model, [np.zeros((1, 8, 8, 1), np.float32)] * 2)
    assert list(found.outputs) == ["shared#0", "shared#1", "add"]
    assert [output.key for output in found.outputs_at("shared")] == ["shared#0", "shared#1"]


def test_the_frames_of_a_time_distributed_layer_are_one_series():
    video = keras.Input((3, 8, 8, 1))
    block = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3, name="conv")], name="b")
    model = keras.Model(video, layers.TimeDistributed(block, name="frames")(video))
    found = find_model_outputs(model, np.zeros((1, 3, 8, 8, 1), np.float32))
    assert set(found.outputs) == {"frames", "frames/b", "frames/b/conv"}
    assert found.outputs["frames/b/conv"].shape == (1, 6, 6, 2)
    assert found.outputs["frames"].shape == (1, 3, 6, 6, 2)


def test_the_cells_of_recurrent_layers_are_named_with_the_reason():
    cells = [layers.LSTMCell(2), layers.LSTMCell(2)]
    model = keras.Sequential([keras.Input((4, 3)), layers.RNN(cells), layers.Dense(1)])
    found = find_model_outputs(model, np.zeros((1, 4, 3), np.float32))
    assert list(found.outputs) == ["rnn", "dense"]
    assert set(found.unreachable) == {
        "rnn/stacked_rnn_cells",
        "rnn/stacked_rnn_cells/lstm_cell",
        "rnn/stacked_rnn_cells/lstm_cell_1",
    }
    assert "cell of a recurrent layer" in found.unreachable["rnn/stacked_rnn_cells/lstm_cell"]


def test_a_layer_inside_a_loop_is_named_with_the_reason():
    class Loop(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(3, name="inner")

        def build(self, shape):
            self.inner.build(shape)

        def call(self, values):
            return ops.fori_loop(0, 4, lambda _, value: self.inner(value), values)

    model = keras.Sequential([keras.Input((3,)), Loop(), layers.Dense(1)])
    found = find_model_outputs(model, np.zeros((2, 3), np.float32))
    assert list(found.outputs) == ["loop", "dense"]
    assert "loop" in found.unreachable["loop/inner"]


def test_a_layer_that_is_never_called_is_named_with_the_reason():
    class Spare(keras.Model):
        def __init__(self):
            super().__init__()
            self.used, self.spare = layers.Dense(1, name="used"), layers.Dense(1, name="spare")
            self.build((None, 2))

        def build(self, shape):
            self.used.build(shape)
            self.spare.build(shape)
            self.built = True

        def call(self, values):
            return self.used(values)

    found = find_model_outputs(Spare(), np.zeros((1, 2), np.float32))
    assert list(found.outputs) == ["used"]
    assert "does not call it" in found.unreachable["spare"]


def test_a_node_does_not_keep_its_layer_alive():
    node = walk(keras.Sequential([keras.Input((2,)), layers.Dense(1)]))[0]
    keras.backend.clear_session()
    gc.collect()
    assert node.layer is None
