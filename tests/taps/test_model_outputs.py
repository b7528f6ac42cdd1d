from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from tbviz.scores.output_head import head_of
from tbviz.taps.model_outputs import find_model_outputs
from tbviz.taps.select import cam_layer, default_layers

PICTURES = np.random.default_rng(0).normal(size=(2, 8, 12, 3)).astype(np.float32)


def keys(outputs):
    return [output.key for output in outputs]


def outputs_of(inputs, outputs, values):
    return find_model_outputs(keras.Model(inputs, outputs), values).outputs


class Branches(keras.Model):
    def __init__(self):
        super().__init__()
        self.stem = layers.Conv2D(2, 1, name="conv")
        self.lists = [[layers.Conv2D(2, 1, name="conv")], (layers.Conv2D(3, 1, name="conv"),)]
        self.named = {"deep": [layers.Conv2D(4, 1, name="conv")]}

    def call(self, values):
        for layer in (self.stem, self.lists[0][0], self.lists[1][0]):
            values = layer(values)
        return {"a": ops.mean(values, (1, 2)), "b": self.named["deep"][0](values)}


def test_layers_of_one_name_have_different_keys():
    inputs = keras.Input((8, 12, 3))
    inside = Branches()
    found = outputs_of(inputs, inside(inputs)["b"], PICTURES)
    shapes = {key: output.channels for key, output in found.items() if output.node.leaf}
    assert shapes == {
        "branches/stem": 2,
        "branches/lists.0.0": 2,
        "branches/lists.1.0": 3,
        "branches/named.deep.0": 4,
    }


def test_a_model_that_returns_a_dictionary_is_read_by_its_first_output():
    model = Branches()
    model(PICTURES)
    found = find_model_outputs(model, PICTURES)
    assert head_of(found).classes == 3
    assert found.final_output().last == frozenset()  # an operation makes it, inside `call`
    assert list(found.outputs) == ["stem", "lists.0.0", "lists.1.0", "named.deep.0"]


def test_a_base_that_is_called_twice_has_an_output_per_call():
    base = keras.Sequential([keras.Input((8, 12, 3)), layers.Conv2D(2, 3)], name="base")
    pair = {name: keras.Input((8, 12, 3), name=name) for name in ("left", "right")}
    difference = ops.subtract(base(pair["left"]), base(pair["right"]))
    found = outputs_of(pair, {"d": difference}, {"left": PICTURES, "right": PICTURES})
    assert list(found) == ["base/conv2d#0", "base#0", "base/conv2d#1", "base#1", "subtract"]


def test_operations_that_merge_branches_are_default_layers():
    inputs = keras.Input((8, 12, 3))
    left = layers.Conv2D(2, 3, padding="same", name="left")(inputs)
    right = layers.Conv2D(2, 3, padding="same", name="right")(left)
    joined = ops.relu(left + right) * 0.5 + 1.0
    outputs = ops.concatenate([joined, left], axis=-1)
    model = keras.Model(inputs, layers.Flatten()(layers.Lambda(lambda values: values)(outputs)))
    found = find_model_outputs(model, PICTURES)
    assert {"multiply", "add_1", "lambda"} < set(found.outputs)
    assert keys(default_layers(found)) == ["left", "right", "add", "relu", "concatenate"]


def test_a_normalized_layer_is_chosen_instead_of_its_wrapper():
    inputs = keras.Input((8, 12, 3))
    values = layers.SpectralNormalization(layers.Conv2D(2, 3, name="conv"), name="normal")(inputs)
    model = keras.Model(inputs, layers.Flatten()(values))
    found = find_model_outputs(model, PICTURES)
    assert {"normal", "normal/conv"} < set(found.outputs)
    assert keys(default_layers(found)) == ["normal/conv"] == [cam_layer(found).key]


def test_a_rematerialized_layer_is_found():
    with keras.RematScope(mode="full"):
        conv = layers.Conv2D(2, 3, name="conv")
    found = find_model_outputs(keras.Sequential([keras.Input((8, 12, 3)), conv]), PICTURES)
    assert found.outputs["conv"].size == (6, 10)
    assert found.unreachable == {}


def test_a_quantized_layer_is_found():
    model = keras.Sequential([keras.Input((8, 12, 3)), layers.Dense(2, name="dense")])
    model.layers[0].quantize("int8")
    found = find_model_outputs(model, PICTURES)
    assert found.outputs["dense"].size == (8, 12)
    assert found.unreachable == {}


def test_sizes_that_the_model_leaves_open_are_those_of_the_probe():
    inputs = keras.Input((None, None, 3))
    found = outputs_of(inputs, layers.Conv2D(2, 3, name="conv")(inputs), PICTURES)["conv"]
    assert found.shape == (2, 6, 10, 2)


def test_sizes_that_a_trace_leaves_open_are_found_by_running_it():
    class UnknownSize(layers.Layer):
        """Runs in a trace only, and its output's height depends on the picture."""

        def call(self, values):
            if keras.backend.backend() == "tensorflow":
                import tensorflow as tf

                assert not tf.executing_eagerly()
                height = ops.cast(ops.sum(values) * 0, "int32") + 5
                return ops.concatenate([values[:, :height], values[:, :1]], axis=1)
            return values[:, :6]

        def compute_output_spec(self, values):
            return keras.KerasTensor((values.shape[0], None, *values.shape[2:]))

    model = keras.Sequential([keras.Input((8, 12, 3)), UnknownSize(name="unknown")])
    assert find_model_outputs(model, PICTURES).outputs["unknown"].shape == (2, 6, 12, 3)


# Models whose output is a map


@pytest.mark.parametrize(
    "end",
    [
        layers.Conv2D(3, 1, activation="softmax"),
        layers.Conv2D(3, 1),
        lambda values: layers.Activation("softmax")(layers.Conv2D(3, 1)(values)),
        lambda values: layers.Softmax()(layers.Reshape((96, 3))(layers.Conv2D(3, 1)(values))),
        lambda values: ops.sigmoid(layers.UpSampling2D()(layers.Conv2D(3, 1)(values))),
    ],
)
def test_a_segmentation_is_explained_by_the_features_before_its_scores(end):
    inputs = keras.Input((8, 12, 3))
    down = layers.Conv2D(2, 3, padding="same", name="down")(inputs)
    middle = layers.Conv2D(2, 3, padding="same", name="middle")(layers.MaxPooling2D()(down))
    joined = layers.Concatenate(name="joined")([layers.UpSampling2D()(middle), down])
    features = layers.Conv2D(2, 3, padding="same", activation="relu", name="features")(joined)
    assert (
        cam_layer(find_model_outputs(keras.Model(inputs, end(features)), PICTURES)).key
        == "features"
    )


def test_an_autoencoder_is_explained_by_the_features_before_its_picture():
    encoder = keras.Sequential(
        [keras.Input((8, 12, 3)), layers.Conv2D(2, 3, strides=2, padding="same")], name="encoder"
    )
    decoder = keras.Sequential(
        [
            keras.Input((4, 6, 2)),
            layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="larger"),
            layers.Conv2D(3, 3, padding="same", activation="sigmoid", name="picture"),
        ],
        name="decoder",
    )
    model = keras.Sequential([keras.Input((8, 12, 3)), encoder, decoder])
    found = find_model_outputs(model, PICTURES)
    assert found.final_output().last == {"decoder", "decoder/picture"}
    assert cam_layer(found).key == "decoder/larger"
