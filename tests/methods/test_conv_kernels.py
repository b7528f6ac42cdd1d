from __future__ import annotations

import keras
import numpy as np
import pytest

from tbviz.errors import TbvizError
from tbviz.methods.conv_kernels.kernels import (
    chosen_kernels,
    kernels,
    layer_kernels,
    reason_without_kernel,
)
from tbviz.methods.conv_kernels.tiles import MAX_INPUTS, kernel_tiles, principal_slices
from tbviz.taps.inspector import inspector_for
from tbviz.taps.select import LayerNotFoundError

K = keras.layers


def built(layer, *shape):
    """A layer with weights that count up from 0, so that one sees where each of them went."""
    layer.build((None, *shape))
    layer.set_weights([
        np.arange(weight.size, dtype=np.float32).reshape(weight.shape)
        for weight in layer.get_weights()
    ])  # fmt: skip
    return layer


def only(layer, filters=64):
    [kernel] = layer_kernels(layer, filters)
    return kernel


# Every sort of convolution


def test_one_input_channel_is_drawn_as_it_is():
    layer = built(K.Conv2D(2, (2, 3)), 8, 8, 1)
    kernel = only(layer)
    weights = layer.get_weights()[0]  # (2, 3, 1, 2)
    assert kernel.tiles.shape == (2, 2, 3)
    np.testing.assert_array_equal(kernel.tiles[1], weights[:, :, 0, 1])
    assert kernel.tiles[1].tolist() == [[1, 3, 5], [7, 9, 11]]
    assert (kernel.channels, kernel.total, kernel.shares) == ([0, 1], 2, None)
    assert kernel.title == "2 x 3 kernels"
    assert only(layer, [1]).channels == [1]
    np.testing.assert_array_equal(only(layer, [1]).tiles[0], kernel.tiles[1])


def test_a_depthwise_kernel_has_a_tile_per_output_channel():
    layer = built(K.DepthwiseConv2D(3, depth_multiplier=2), 8, 8, 4)
    kernel = only(layer)
    weights = layer.get_weights()[0]  # (3, 3, 4, 2)
    assert (kernel.tiles.shape, kernel.total) == ((8, 3, 3), 8)
    # What the layer answers to a point in one channel is that channel's filters, turned round.
    image = np.zeros((1, 5, 5, 4), np.float32)
    image[0, 2, 2, 3] = 1
    layer.set_weights([weights, np.zeros(8, np.float32)])
    answer = keras.ops.convert_to_numpy(layer(image))[0]
    for channel in range(8):
        expected = answer[::-1, ::-1, channel] if channel in {6, 7} else np.zeros((3, 3))
        np.testing.assert_array_equal(kernel.tiles[channel] * (channel > 5), expected)
    assert kernel.title == "Depthwise 3 x 3 kernels"


def test_a_separable_kernel_is_two_pictures():
    layer = built(K.SeparableConv2D(5, 3, depth_multiplier=2), 8, 8, 4)
    depthwise, pointwise = layer_kernels(layer)
    weights, mixing, _ = layer.get_weights()
    assert (depthwise.tiles.shape, pointwise.tiles.shape) == ((8, 3, 3), (1, 5, 8))
    np.testing.assert_array_equal(depthwise.tiles[5], weights[:, :, 2, 1])
    np.testing.assert_array_equal(pointwise.tiles[0], mixing[0, 0].T)
    assert (depthwise.variant, pointwise.variant) == ("", "pointwise")
    assert pointwise.title.startswith("Pointwise 1 x 1 weights")
    assert pointwise.channels == []


def test_the_axes_of_a_transposed_kernel_are_swapped():
    layer = built(K.Conv2DTranspose(2, 3, use_bias=False), 4, 4, 1)
    kernel = only(layer)
    assert kernel.tiles.shape == (2, 3, 3)
    # It stamps its kernel on what it gets: the answer to a point is the kernel itself.
    answer = keras.ops.convert_to_numpy(layer(np.ones((1, 1, 1, 1), np.float32)))
    np.testing.assert_array_equal(np.moveaxis(answer[0], -1, 0), kernel.tiles)
    several = only(built(K.Conv2DTranspose(2, 3), 4, 4, 5))
    assert (several.tiles.shape, several.total) == ((2, 3, 3), 2)
    assert several.title == (
        "Transposed 3 x 3 kernels, each the first principal component of its 5 input slices"
    )


def test_grouped_filters_have_the_slices_of_their_group():
    kernel = only(built(K.Conv2D(6, 3, groups=2), 8, 8, 4))
    assert (kernel.tiles.shape, kernel.weights.shape) == ((6, 3, 3), (6, 2 * 9))
    assert kernel.title.startswith("3 x 3 kernels in 2 groups, each the first principal component")


def test_kernels_of_one_pixel_are_a_matrix():
    layer = built(K.Conv2D(3, 1), 8, 8, 5)
    kernel = only(layer)
    np.testing.assert_array_equal(kernel.tiles[0], layer.get_weights()[0][0, 0].T)
    assert kernel.title == ("1 x 1 weights, one filter per row: all 3, one input per column: all 5")
    assert "one filter per row: filters 2, 0," in only(layer, [2, 0]).title
    np.testing.assert_array_equal(only(layer, [2, 0]).tiles[0], kernel.tiles[0, [2, 0]])
    wide = only(built(K.Conv2D(80, 1), 8, 8, MAX_INPUTS + 4))
    assert wide.tiles.shape == (1, 64, MAX_INPUTS)
    assert wide.title == (
        "1 x 1 weights, one filter per row: the first 64 of 80, "
        "one input per column: the first 256 of 260"
    )


def test_kernels_over_steps_have_an_input_per_row():
    layer = built(K.Conv1D(2, 4), 9, 3)
    kernel = only(layer)
    weights = layer.get_weights()[0]  # (4, 3, 2)
    np.testing.assert_array_equal(kernel.tiles[1], weights[:, :, 1].T)
    assert kernel.title == "Kernels of 4 steps, one step per column, one input per row: all 3"
    many = only(built(K.Conv1D(2, 4), 9, 70))
    assert many.tiles.shape == (2, 64, 4)
    assert many.title.endswith("the first 64 of 70")
    assert many.weights.shape == (2, 280)
    assert only(built(K.DepthwiseConv1D(4), 9, 3)).tiles.shape == (3, 1, 4)


def test_the_depths_of_a_volume_stand_side_by_side():
    layer = built(K.Conv3D(2, (2, 3, 4)), 4, 4, 4, 1)
    kernel = only(layer)
    weights = layer.get_weights()[0]  # (2, 3, 4, 1, 2)
    assert kernel.tiles.shape == (2, 3, 8)
    np.testing.assert_array_equal(kernel.tiles[0, :, 4:], weights[1, :, :, 0, 0])
    assert kernel.title == "2 x 3 x 4 kernels, depth from left to right"


# Several slices as one


def test_equal_slices_are_drawn_as_one_of_them():
    pattern = np.array([[1.0, -2.0], [0.0, 3.0]])
    equal = np.stack([pattern] * 5)[None]
    patterns, shares = principal_slices(equal)
    np.testing.assert_allclose(patterns[0], pattern, atol=1e-6)
    assert shares == pytest.approx([1])
    # Weighted 3, 4 and 0: the root mean square of the weights, and the sign of their sum.
    weighted = np.stack([3 * pattern, -4 * pattern, 0 * pattern])[None]
    patterns, shares = principal_slices(weighted)
    np.testing.assert_allclose(patterns[0], -pattern * 5 / np.sqrt(3), atol=1e-6)
    assert shares == pytest.approx([1])


def test_the_share_of_two_patterns_by_hand():
    slices = np.array([[[3.0, 0.0]], [[0.0, 4.0]]])[None]  # of length 3 and 4, at a right angle
    patterns, shares = principal_slices(slices)
    np.testing.assert_allclose(patterns[0], [[0, 4 / np.sqrt(2)]], atol=1e-6)
    assert shares == pytest.approx([16 / 25])


def test_no_rank_one_kernel_is_nearer():
    random = np.random.default_rng(0)
    kernel = random.normal(size=(1, 6, 3, 3))
    patterns, shares = principal_slices(kernel)
    rest = 1 - shares[0]
    for pattern in [patterns[0], *random.normal(size=(20, 3, 3))]:
        flat, unit = kernel.reshape(6, 9), pattern.reshape(9) / np.linalg.norm(pattern)
        left = flat - np.outer(flat @ unit, unit)
        assert (left**2).sum() / (flat**2).sum() >= rest - 1e-6


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_filter_that_is_not_finite_spoils_no_other(wrong):
    kernel = np.ones((3, 2, 2, 2), np.float32)
    kernel[1, 0, 0, 0] = wrong
    kernel[2] = 0
    found = kernel_tiles(kernel, 64)
    np.testing.assert_allclose(found.tiles[0], 1, atol=1e-6)
    assert np.isnan(found.tiles[1]).all()
    assert not found.tiles[2].any()
    assert found.shares[0] == pytest.approx(1)
    assert np.isnan(found.shares[1:]).all()
    assert found.largest == 1


def test_a_component_keeps_the_sign_that_it_had():
    slices = np.array([[[3.0, 0.0]], [[-2.9, 0.0]]])[None]  # the mean is nearly zero
    then = kernel_tiles(slices, 1)
    now = kernel_tiles(slices * [[[[1.0]], [[1.1]]]], 1)
    assert then.tiles[0, 0, 0] > 0 > now.tiles[0, 0, 0]
    assert now.facing(then).tiles[0, 0, 0] > 0
    plain = kernel_tiles(slices[:, :1], 1)  # one slice: its sign means something
    assert plain.facing(kernel_tiles(-slices[:, :1], 1)).tiles[0, 0, 0] == 3


# In color, and how far


def test_three_inputs_are_colors_about_gray():
    weights = np.zeros((2, 3, 1, 2), np.float32)
    weights[0, :, 0, 0] = [2, -2, 1]
    weights[1, 0, 0, 1] = np.nan
    kernel = kernel_tiles(weights, 64)
    shown = kernel.shown_in_color()
    assert shown.shape == (2, 1, 2, 3)
    assert shown[0, 0].tolist() == [[1, 0, 0.75], [0.5, 0.5, 0.5]]
    assert np.isnan(shown[1, 0, 1, 0])
    assert kernel.shown_in_color(4.0)[0, 0, 0].tolist() == [0.75, 0.25, 0.625]
    assert kernel.shown_in_color(1.0)[0, 0, 0].tolist() == [1, 0, 1]
    blank = kernel_tiles(np.zeros((1, 3, 2, 2), np.float32), 64)
    assert (blank.shown_in_color() == 0.5).all()
    with pytest.raises(TbvizError, match="expected weights on three input channels"):
        kernel_tiles(np.zeros((1, 4, 2, 2), np.float32), 64).shown_in_color()


def test_how_far_each_filter_has_moved_by_hand():
    then = np.zeros((4, 2, 2, 1), np.float32)
    then[0, :, 0, 0] = [3, 4]
    then[1, 0, 0, 0] = 2
    then[3] = np.inf
    now = then.copy()
    now[0, 0, 1, 0] = 5  # as far as it is long
    now[2] = 1
    moved = kernel_tiles(now, 64).moved(kernel_tiles(then, 64))
    assert moved[:2].tolist() == [1, 0]
    assert np.isnan(moved[2:]).all()  # it was zero; it is not finite


# Which layers, and as they are used


def model():
    image = keras.Input((8, 8, 3))
    value = K.Conv2D(4, 3, padding="same", name="conv")(K.Rescaling(0.5, name="scale")(image))
    stack = [K.Conv2D(2, 1, name="mix"), K.Conv2D(2, 3, padding="same", name="conv")]
    inner = keras.Sequential(stack, name="in")
    value = inner(inner(K.Conv2D(2, 1, name="small")(value)))
    return keras.Model(image, K.Dense(3, name="dense")(K.Flatten(name="flat")(value)))


def test_every_convolution_at_any_depth_is_found_and_the_model_not_run():
    net = model()
    found = kernels(net, filters=3)
    assert list(found) == ["conv", "small", "in/mix", "in/conv"]
    assert found["conv"].tiles.shape == (3, 3, 3)
    assert found["in/conv"].title.startswith("3 x 3 kernels")
    assert list(kernels(net, layers=["in/*", "conv"])) == ["conv", "in/mix", "in/conv"]
    assert list(kernels(net, layers=K.Conv2D)) == list(found)
    assert inspector_for(net).traces == 0
    separable = keras.Sequential([keras.Input((8, 8, 2)), K.SeparableConv2D(4, 3, name="sep")])
    assert list(kernels(separable)) == ["sep", "sep:pointwise"]


def test_a_layer_without_kernel_is_an_error_with_layers_that_would_fit():
    with pytest.raises(
        LayerNotFoundError, match=r"Dense is not a convolution. Layers.*: conv, small"
    ):
        kernels(model(), layers="dense")
    with pytest.raises(LayerNotFoundError, match="did you mean 'small'"):
        kernels(model(), layers="smal")
    with pytest.raises(TbvizError, match="received channels"):
        kernels(model(), layers="conv", filters=[4])
    with pytest.raises(TbvizError, match="is not built"):
        kernels(keras.Sequential([K.Conv2D(2, 3)]))
    with pytest.raises(TbvizError, match="has no kernel to draw: ReLU is not a convolution"):
        layer_kernels(K.ReLU())
    assert "gates" in reason_without_kernel(K.ConvLSTM2D(2, 3))
    assert "no weights yet" in reason_without_kernel(K.Conv2D(2, 3))


def test_kernels_of_one_pixel_come_last_by_default():
    net = model()
    model_outputs = inspector_for(net).model_outputs(np.zeros((1, 8, 8, 3), np.float32))
    assert [o.node.path for o in chosen_kernels(model_outputs)] == [
        "conv",
        "small",
        "in/mix",
        "in/conv",
    ]
    assert [o.node.path for o in chosen_kernels(model_outputs, limit=3)] == [
        "conv",
        "in/mix",
        "in/conv",
    ]
    assert [o.node.path for o in chosen_kernels(model_outputs, limit=1)] == ["in/conv"]
    # A layer that is called twice is one, under the name of its first call.
    assert [o.key for o in chosen_kernels(model_outputs, "in/mix")] == ["in/mix#0"]


def test_lora_is_part_of_the_kernel():
    layer = built(K.Conv2D(2, 3), 8, 8, 1)
    before = only(layer)
    layer.enable_lora(1)
    layer.lora_kernel_b.assign(np.ones(layer.lora_kernel_b.shape, np.float32))
    layer.lora_kernel_a.assign(np.ones(layer.lora_kernel_a.shape, np.float32))
    np.testing.assert_allclose(only(layer).tiles, before.tiles + 1)


@pytest.mark.parametrize("policy", ["mixed_float16", "float16", "bfloat16", "float64"])
def test_any_float_is_read(policy):
    kernel = only(built(K.Conv2D(2, 3, dtype=policy), 8, 8, 1))
    assert kernel.tiles.dtype == np.float32
    assert kernel.tiles[1, 0].tolist() == [1, 3, 5]


def test_torch_modules_have_no_kernel_to_draw():
    class TorchModuleWrapper(K.Layer):  # Keras' own needs torch to be there
        pass

    assert "torch module" in reason_without_kernel(TorchModuleWrapper())
