from __future__ import annotations

import re

import keras
import numpy as np
import pytest
from keras import layers, ops

from tbviz.taps.model_outputs import find_model_outputs
from tbviz.taps.select import (
    LayerNotFoundError,
    cam_layer,
    default_convolutions,
    default_layers,
    select,
    spread,
)


def conv(filters, name):
    return layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)


@pytest.fixture(scope="module")
def small():
    inputs = keras.Input((16, 16, 3))
    values = layers.MaxPooling2D(name="pool1")(conv(2, "conv1")(inputs))
    values = conv(2, "conv3")(ops.relu(conv(2, "conv2")(values)))
    values = layers.Flatten(name="flat")(layers.MaxPooling2D(name="pool2")(values))
    model = keras.Model(inputs, layers.Dense(2, name="classes")(values))
    yield find_model_outputs(model, np.zeros((1, 16, 16, 3), np.float32))
    assert model.built  # model outputs do not keep the model alive


@pytest.fixture(scope="module")
def mobile():
    base = keras.applications.MobileNetV2(
        input_shape=(64, 64, 3), weights=None, include_top=False, alpha=0.35
    )
    inputs = [keras.Input((64, 64, 3)), layers.Rescaling(1 / 127.5, -1)]
    model = keras.Sequential(
        [*inputs, base, layers.GlobalAveragePooling2D(), layers.Dense(2, activation="softmax")]
    )
    yield find_model_outputs(model, np.zeros((1, 64, 64, 3), np.float32))
    assert model.built


def keys(outputs):
    return [output.key for output in outputs]


def maps(output):
    return output.spatial


@pytest.mark.parametrize(
    ("layer_filter", "found"),
    [
        ("conv2", ["conv2"]),
        ("conv*", ["conv1", "conv2", "conv3"]),
        (re.compile("[13]$"), ["conv1", "pool1", "conv3"]),
        (layers.MaxPooling2D, ["pool1", "pool2"]),
        (lambda layer: getattr(layer, "filters", 0) == 2, ["conv1", "conv2", "conv3"]),
        (["conv3", ["pool1", "conv3"]], ["pool1", "conv3"]),
        (("pool2", re.compile("^relu$")), ["relu", "pool2"]),
    ],
)
def test_each_kind_of_filter(small, layer_filter, found):
    assert keys(select(small, layer_filter, maps)) == found


def test_a_layer_itself_is_a_filter(small):
    layer = small.outputs["conv2"].node.layer
    assert keys(select(small, layer, maps)) == ["conv2"]
    assert keys(select(small, [layer], maps)) == ["conv2"]


def test_a_path_is_read_before_a_name_and_a_name_before_a_glob():
    first, second = layers.Dense(2, name="dense_1"), layers.Dense(2, name="dense_2")
    inputs = keras.Input((2,))
    found = find_model_outputs(
        keras.Model(inputs, second(first(inputs))), np.zeros((1, 2), np.float32)
    )
    assert keys(found.outputs.values()) == ["dense", "dense_1"]  # counted anew
    everything = lambda output: True  # noqa: E731
    assert keys(select(found, "dense_1", everything)) == ["dense_1"]
    assert keys(select(found, "dense_2", everything)) == ["dense_1"]  # Keras' name of that layer


def test_a_miss_names_near_names_and_what_would_fit(small):
    with pytest.raises(LayerNotFoundError) as raised:
        select(small, "conv_2", maps)
    text = str(raised.value)
    assert "no layer matches 'conv_2'" in text
    assert "'conv2'" in text
    assert text.endswith("would fit: conv1, pool1, conv2, relu, conv3, pool2")


def test_the_error_for_a_match_that_cannot_be_drawn_has_its_shape(small):
    with pytest.raises(LayerNotFoundError, match=r"'classes' has the output shape \(1, 2\)"):
        select(small, "classes", maps)


def test_the_error_for_a_match_without_maps_has_the_reason(small):
    with pytest.raises(LayerNotFoundError, match="2 values has no height and width") as raised:
        select(small, "classes")
    assert str(raised.value).endswith("would fit: conv1, pool1, conv2, relu, conv3, pool2")


def test_the_error_for_a_layer_that_cannot_be_tapped_has_the_reason():
    model = keras.Sequential([keras.Input((4, 3)), layers.SimpleRNN(2)])
    found = find_model_outputs(model, np.zeros((1, 4, 3), np.float32))
    with pytest.raises(LayerNotFoundError, match="cell of a recurrent layer"):
        select(found, "simple_rnn_cell", lambda output: True)


def test_one_wrong_part_of_a_list_is_an_error(small):
    with pytest.raises(LayerNotFoundError, match="'nothing'"):
        select(small, ["conv1", "nothing"], maps)


def test_a_layer_deep_inside_is_found_by_its_name_and_its_path(mobile):
    by_name = select(mobile, "out_relu", maps)
    assert len(by_name) == 1
    assert by_name[0].key.endswith("/out_relu")
    assert select(mobile, by_name[0].key, maps) == by_name
    assert len(select(mobile, "*/block_*_add", maps)) == 10


def test_defaults_of_a_small_network_are_all_that_has_maps(small):
    assert keys(default_layers(small)) == ["conv1", "pool1", "conv2", "relu", "conv3", "pool2"]
    assert keys(default_convolutions(small, 2)) == ["conv1", "conv3"]
    assert cam_layer(small).key == "conv3"


def test_defaults_of_a_large_network_are_spread_over_its_depth(mobile):
    found = default_layers(mobile)
    assert len(found) == 12
    assert [output.order for output in found] == sorted(output.order for output in found)
    assert found[0].node.name == "Conv1_relu"
    assert found[-1].node.name == "out_relu"
    assert all("relu" in o.node.name or "add" in o.node.name for o in found)
    convolutions = default_convolutions(mobile, 4)
    assert [o.node.name for o in convolutions][::3] == ["Conv1", "Conv_1"]


def test_the_layer_for_maps_lies_inside_the_nested_network(mobile):
    assert cam_layer(mobile).node.name == "out_relu"


def test_a_network_like_vgg_gives_its_last_convolution_not_the_pool():
    blocks = [keras.Input((16, 16, 3))]
    for block in (1, 2):
        blocks += [conv(2, f"b{block}c{i}") for i in (1, 2)]
        blocks += [layers.MaxPooling2D(name=f"b{block}p"), layers.Dropout(0.5)]
    model = keras.Sequential([*blocks, layers.Flatten(), layers.Dense(2)])
    assert cam_layer(find_model_outputs(model, np.zeros((1, 16, 16, 3), np.float32))).key == "b2c2"


def test_pictures_that_are_only_rescaled_are_no_feature_maps():
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Rescaling(1.0), layers.Flatten(), layers.Dense(2)]
    )
    with pytest.raises(LayerNotFoundError, match="no layer whose output is a feature map"):
        cam_layer(find_model_outputs(model, np.zeros((1, 8, 8, 3), np.float32)))


def test_spread_takes_the_first_and_the_last():
    outputs = list(range(10))
    assert spread(outputs, 4) == [0, 3, 6, 9]
    assert spread(outputs, 1) == [9]
    assert spread(outputs, 20) == outputs


class ChannelsFirst(layers.Layer):
    """Stands for a convolution, which TensorFlow has on a CPU with its channels last only."""

    data_format = "channels_first"

    def call(self, values):
        return ops.concatenate([values, values], axis=1)


def test_channels_are_where_the_last_convolution_has_them():
    inputs = keras.Input((3, 8, 6))
    model = keras.Model(inputs, layers.ReLU(name="r")(ChannelsFirst()(inputs)))
    found = find_model_outputs(model, np.zeros((1, 3, 8, 6), np.float32)).outputs["r"]
    assert (found.channels_first, found.channels, found.size) == (True, 6, (8, 6))


def test_the_cam_layer_of_a_map_is_not_the_map_itself():
    for activation in ("softmax", "sigmoid"):
        model = keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                layers.Conv2D(4, 3, padding="same", activation="relu", name="features"),
                layers.Conv2D(3, 1, activation=activation, name="map"),
            ]
        )
        found = find_model_outputs(model, np.ones((2, 8, 8, 1), np.float32))
        assert cam_layer(found).key == "features"
