from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops
from one_layer import class_gradients

from tbviz.methods import grad_cam
from tbviz.methods.maximization.ascent import maximize
from tbviz.methods.maximization.canvas import canvas_of
from tbviz.methods.maximization.settings import Ascent
from tbviz.scores.recording import record
from tbviz.taps.inspector import inspector_for
from tbviz.taps.model_outputs import find_model_outputs
from tbviz.taps.outputs import as_maps
from tbviz.taps.select import LayerNotFoundError, cam_layer, default_convolutions, default_layers

PICTURES = np.random.default_rng(0).normal(size=(2, 8, 12, 3)).astype(np.float32)


class ClassToken(layers.Layer):
    """Sets one token before the others."""

    def build(self, shape):
        self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")

    def call(self, values):
        repeated = ops.repeat(self.token, ops.shape(values)[0], axis=0)
        return ops.concatenate([repeated, values], axis=1)


class Patches(layers.Layer):
    """Cuts a picture into patches of 4 x 4 pixels, without any weight."""

    def call(self, values):
        cut = ops.image.extract_patches(values, 4)
        return ops.reshape(cut, (-1, cut.shape[1] * cut.shape[2], cut.shape[3]))


def block(values, name):
    normal = layers.LayerNormalization(name=f"{name}_before")(values)
    attention = layers.MultiHeadAttention(2, 2, dropout=0.1, name=f"{name}_attention")
    values = layers.Add(name=f"{name}_add")([values, attention(normal, normal)])
    normal = layers.LayerNormalization(name=f"{name}_after")(values)
    hidden = layers.Dense(6, activation="gelu", name=f"{name}_dense")(normal)
    return layers.Add(name=f"{name}_sum")([values, layers.Dense(4, name=f"{name}_out")(hidden)])


def transformer(class_token=False, convolution=True):
    """A picture of 8 x 12 pixels as 2 x 3 tokens of 4 channels, two blocks, three classes."""
    inputs = keras.Input((8, 12, 3))
    if convolution:
        values = layers.Conv2D(4, 4, strides=4, name="patches")(inputs)
        values = layers.Reshape((6, 4), name="tokens")(values)
    else:
        values = Patches(name="patches")(layers.Rescaling(2.0)(inputs))
        values = layers.Dense(4, name="tokens")(values)
    if class_token:
        values = ClassToken(name="class_token")(values)
    values = block(block(values, "one"), "two")
    values = layers.LayerNormalization(name="last")(values)
    values = values[:, 0] if class_token else layers.GlobalAveragePooling1D()(values)
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="classes")(values))


@pytest.fixture(scope="module")
def small():
    """A transformer with a class token, and its model outputs."""
    keras.utils.set_random_seed(0)
    model = transformer(class_token=True)
    model.run_eagerly = True  # faster than compiling these few passes
    return model, find_model_outputs(model, PICTURES)


def keys(outputs):
    return [output.key for output in outputs]


def outputs_of(inputs, outputs, values):
    return find_model_outputs(keras.Model(inputs, outputs), values).outputs


# Tokens


def test_tokens_are_a_grid_as_large_as_the_map_that_they_were_cut_from():
    found = find_model_outputs(transformer(), PICTURES).outputs
    for key in ("patches", "tokens", "one_before", "one_attention", "two_dense", "last"):
        assert found[key].size == (2, 3), key
        assert found[key].spatial
        assert found[key].skipped == 0
    assert (found["one_dense"].channels, found["one_dense"].shape) == (6, (2, 6, 6))
    assert found["classes"].size is None


def test_a_class_token_is_no_cell_of_the_grid(small):
    found = small[1].outputs
    assert (found["tokens"].size, found["tokens"].skipped) == ((2, 3), 0)
    assert (found["last"].size, found["last"].skipped) == ((2, 3), 1)
    tokens = np.arange(7 * 4, dtype=np.float16).reshape(1, 7, 4)
    maps = ops.convert_to_numpy(as_maps(found["last"], tokens))
    assert maps.dtype == np.float32
    np.testing.assert_array_equal(maps[0, 0, 0], [4, 5, 6, 7])  # the second token comes first
    np.testing.assert_array_equal(maps[0, :, :, 0], [[4, 8, 12], [16, 20, 24]])


def test_patches_cut_by_a_layer_of_the_users_are_a_grid_of_the_picture():
    found = find_model_outputs(transformer(convolution=False, class_token=True), PICTURES).outputs
    assert (found["patches"].size, found["patches"].shape) == ((2, 3), (2, 6, 48))
    assert (found["last"].size, found["last"].skipped) == ((2, 3), 1)


def test_rows_of_a_picture_are_no_patches():
    inputs = keras.Input((8, 8, 1))
    rows = layers.Reshape((4, 16), name="rows")(inputs)  # as many as patches of 4 x 4 pixels
    assert outputs_of(inputs, rows, np.zeros((1, 8, 8, 1), np.float32))["rows"].size is None


def test_a_sequence_is_no_grid_though_a_map_has_as_many_pixels():
    pictures, sequence = keras.Input((4, 4, 1)), keras.Input((16, 2))
    maps = layers.Flatten()(layers.Conv2D(2, 1)(pictures))
    steps = layers.Conv1D(2, 1, name="steps")(sequence)
    outputs = layers.Concatenate()([maps, layers.Flatten()(steps)])
    values = [np.zeros((1, 4, 4, 1), np.float32), np.zeros((1, 16, 2), np.float32)]
    found = outputs_of([pictures, sequence], outputs, values)["steps"]
    assert found.size is None
    assert "sequence of 16 steps with 2 channels" in found.reason


@pytest.mark.parametrize(
    "unroll",
    [
        lambda maps: layers.RepeatVector(6)(layers.Flatten()(maps)),
        lambda maps: layers.RepeatVector(7)(layers.Flatten()(maps)),  # 6 and a class token?
        lambda maps: layers.Reshape((6, 8))(layers.Dense(48)(layers.Flatten()(maps))),
        lambda maps: ops.reshape(layers.Dense(48)(layers.Flatten()(maps)), (-1, 6, 8)),
        lambda maps: layers.LSTM(2, return_sequences=True)(layers.Reshape((6, 4))(maps)),
        lambda maps: ClassToken()(layers.RepeatVector(6)(layers.Flatten()(maps))),
    ],
)
def test_steps_in_time_are_no_grid_though_the_map_has_as_many_pixels(unroll):
    inputs = keras.Input((8, 12, 3))
    steps = unroll(layers.Conv2D(4, 4, strides=4)(inputs))  # 2 x 3
    both = layers.Bidirectional(layers.GRU(2, return_sequences=True), name="both")(steps)
    found = outputs_of(inputs, layers.Dense(3, name="words")(both), PICTURES)
    assert found["conv2d"].size == (2, 3)
    assert (found["both"].size, found["words"].size) == (None, None)
    assert found["words"].reason.startswith("its output is a sequence of")


def test_a_vector_reshaped_inside_a_call_becomes_no_grid():
    class Decoder(keras.Model):
        def __init__(self):
            super().__init__()
            self.maps = layers.Conv2D(4, 4, strides=4, name="maps")
            self.flat, self.cut = layers.Flatten(), layers.Reshape((6, 4), name="cut")

        def call(self, values):
            return self.cut(self.flat(self.maps(values)))

    model = Decoder()
    model(PICTURES)
    found = find_model_outputs(model, PICTURES).outputs
    assert (found["maps"].size, found["cut"].size) == ((2, 3), None)


def test_as_many_steps_as_the_picture_is_high_are_no_patches():
    class Rows(layers.Layer):
        def call(self, values):
            return ops.reshape(values, (-1, 16, 48))

    inputs = keras.Input((16, 16, 3))
    for cut, size in ((Rows(name="cut"), None), (Patches(name="cut"), (4, 4))):
        values = np.zeros((1, 16, 16, 3), np.float32)
        found = outputs_of(inputs, ClassToken(name="token")(cut(inputs)), values)
        assert found["cut"].shape == (1, 16, 48)
        assert (found["cut"].size, found["token"].size) == (size, size)


def test_positions_do_not_hide_the_tokens_that_they_are_added_to():
    inputs = keras.Input((8, 12, 3))
    tokens = layers.Reshape((6, 4))(layers.Conv2D(4, 4, strides=4)(inputs))
    positions = layers.Embedding(6, 4)(ops.expand_dims(ops.arange(6), 0))
    found = outputs_of(inputs, layers.LayerNormalization(name="last")(tokens + positions), PICTURES)
    assert found["last"].size == (2, 3)


def test_a_transformer_is_drawn_explained_and_maximized(small):
    model, found = small
    inspector, outputs = inspector_for(model), found.outputs
    recorded = record(inspector, [outputs["two_sum"]], PICTURES).maps["two_sum"]
    last = keras.Model(model.input, model.get_layer("two_sum").output)(PICTURES)
    expected = ops.convert_to_numpy(last)[:, 1:].reshape(2, 2, 3, 4)
    np.testing.assert_allclose(recorded, expected, atol=1e-6)
    explained = grad_cam(model, PICTURES)
    assert (explained.layer, explained.maps.shape) == ("two_before", (2, 2, 3))
    canvas = canvas_of(model, PICTURES)
    images = maximize(inspector, outputs["one_dense"], [5], canvas, Ascent(steps=12))
    assert images.images.shape == (1, 8, 12, 3)
    assert images.after > images.before


# Attention


def test_the_parts_of_an_attention_are_no_maps(small):
    found = small[1]
    inside = [output for output in found.outputs.values() if "attention/" in output.key]
    assert {output.node.name for output in inside} >= {"query", "key", "value", "attention_output"}
    for output in inside:
        assert output.size is None, output.key
        assert "part of the attention layer" in output.reason
        assert repr(output.node.parent) in output.reason


@pytest.mark.parametrize(
    "attend",
    [
        lambda tokens: layers.MultiHeadAttention(2, 2, name="attention")(tokens, tokens),
        lambda tokens: layers.GroupQueryAttention(2, 2, 1, name="attention")(tokens, tokens),
        lambda tokens: layers.Attention(name="attention")([tokens, tokens]),
    ],
)
def test_an_attention_is_chosen_as_a_whole(attend):
    inputs = keras.Input((8, 12, 3))
    tokens = layers.Reshape((6, 4))(layers.Conv2D(4, 4, strides=4, name="patches")(inputs))
    found = find_model_outputs(keras.Model(inputs, layers.Flatten()(attend(tokens))), PICTURES)
    assert keys(default_layers(found)) == ["patches", "attention"]
    assert cam_layer(found).key == "attention"


def test_an_attention_written_by_hand_is_no_map():
    inputs = keras.Input((6, 4))
    heads = [layers.Reshape((6, 2, 2), name=f"h{i}")(layers.Dense(4)(inputs)) for i in range(2)]
    scores = ops.einsum("bqhd,bkhd->bhqk", *heads)
    weights = layers.Softmax(name="weights")(scores)
    outputs = layers.Flatten()(ops.einsum("bhqk,bkhd->bqhd", weights, heads[1]))
    model = keras.Model(inputs, outputs)
    found = find_model_outputs(model, np.zeros((1, 6, 4), np.float32))
    assert default_layers(found) == []
    for key in ("h0", "h1", "weights", "einsum", "einsum_1"):
        assert "splits a sequence of 6 tokens into the heads" in found.outputs[key].reason


def test_an_axis_for_the_one_channel_of_a_gray_picture_makes_a_map():
    inputs = keras.Input((5, 6))
    pictures = layers.Reshape((5, 6, 1), name="gray")(layers.Rescaling(2.0)(inputs))
    found = outputs_of(inputs, pictures, np.zeros((1, 5, 6), np.float32))
    assert found["gray"].size == (5, 6)


def test_after_the_last_attention_only_the_class_token_counts(small):
    model, found = small
    assert cam_layer(found).key == "two_before"
    moved = [
        np.abs(
            class_gradients(inspector_for(model), found.outputs[key], PICTURES, [0, 1]).gradients
        )
        for key in ("two_before", "last")
    ]
    assert moved[0].max() > 0
    assert moved[1].max() == 0
    assert cam_layer(find_model_outputs(transformer(), PICTURES)).key == "last"  # all tokens count


# What has no height and width


def test_the_reason_for_a_sequence_states_its_steps():
    inputs = keras.Input((30, 3))
    values = layers.Conv1D(2, 3, name="conv")(inputs)
    values = layers.Bidirectional(layers.LSTM(2), name="both")(layers.ReLU(name="relu")(values))
    model_outputs = find_model_outputs(
        keras.Model(inputs, values), np.zeros((1, 30, 3), np.float32)
    )
    found = model_outputs.outputs
    expected = "its output is a sequence of 28 steps with 2 channels, which has no height and width"
    assert found["conv"].reason == found["relu"].reason == expected
    with pytest.raises(LayerNotFoundError, match=r"'conv': its output is a sequence of 28 steps"):
        cam_layer(model_outputs)
    assert found["both"].reason == "its output of 4 values has no height and width to draw"


def test_a_sequence_with_channels_first_is_recognized():
    class First(layers.Layer):
        """Stands for a convolution, which TensorFlow has on a CPU with its channels last only."""

        data_format = "channels_first"

        def call(self, values):
            return values + 0

    inputs = keras.Input((3, 30))
    found = outputs_of(inputs, First(name="first")(inputs), np.zeros((1, 3, 30), np.float32))[
        "first"
    ]
    assert found.channels == 3
    assert "30 steps with 3 channels" in found.reason
    assert as_maps(found, np.zeros((1, 3, 30), np.float32)).shape == (1, 30, 3)


def test_the_reason_for_a_volume_states_its_depth():
    inputs = keras.Input((4, 6, 6, 1))
    values = layers.ReLU(name="relu")(layers.Conv3D(2, 3, name="conv")(inputs))
    found = outputs_of(inputs, values, np.zeros((1, 4, 6, 6, 1), np.float32))
    expected = "its output of 2 x 4 x 4 x 2 is a volume: it has a depth beside height and width"
    assert found["conv"].reason == found["relu"].reason == expected


def test_the_reason_for_frames_states_which_can_be_drawn():
    inputs = keras.Input((3, 8, 8, 1))
    values = layers.ConvLSTM2D(2, 3, return_sequences=True, name="all")(inputs)
    values = layers.ConvLSTM2D(2, 3, name="one")(layers.ReLU(name="relu")(values))
    model = keras.Model(inputs, layers.Flatten()(values))
    found = find_model_outputs(model, np.zeros((1, 3, 8, 8, 1), np.float32))
    assert "series of 3 frames; with return_sequences=False" in found.outputs["all"].reason
    assert "series of 3 frames" in found.outputs["relu"].reason
    assert found.outputs["one"].size == (4, 4)
    assert keys(default_layers(found)) == ["one"]
    assert default_convolutions(found, 4) == []  # a video cannot be painted


def test_a_layer_for_each_frame_names_the_one_inside_it():
    inputs = keras.Input((9, 4, 4, 1))
    base = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(2, 2, name="conv")], name="base")
    maps = layers.TimeDistributed(base, name="frames")(inputs)
    means = layers.TimeDistributed(layers.GlobalAveragePooling2D(), name="means")(maps)
    outputs = layers.GRU(2, return_sequences=True, name="steps")(means)
    model = keras.Model(inputs, outputs)
    found = find_model_outputs(model, np.zeros((1, 9, 4, 4, 1), np.float32))
    assert "series of 9 frames" in found.outputs["frames"].reason
    assert "'frames/base'" in found.outputs["frames"].reason
    conv = found.outputs["frames/base/conv"]
    assert (conv.size, conv.frames, conv.call) == ((3, 3), 9, 0)
    # Nine steps in time are no grid, though a frame's map has nine pixels.
    assert "sequence of 9 steps" in found.outputs["steps"].reason


def test_text_for_each_frame_is_no_map():
    inputs = keras.Input((3, 5, 2))
    values = layers.TimeDistributed(layers.Conv1D(4, 2), name="frames")(inputs)
    found = outputs_of(inputs, layers.ReLU(name="relu")(values), np.zeros((1, 3, 5, 2), np.float32))
    assert "series of 3 frames, which together" in found["frames"].reason
    assert found["relu"].reason == found["frames"].reason
    assert found["frames/conv1d"].frames == 3
