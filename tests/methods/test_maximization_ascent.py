"""Ascents with known results: closed forms, penalties, faulty or dead channels, classes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from tbviz.errors import TbvizError
from tbviz.methods.maximization import maximize_classes, maximize_filters
from tbviz.methods.maximization.ascent import maximize
from tbviz.methods.maximization.canvas import canvas_of
from tbviz.methods.maximization.classes import select_classes
from tbviz.methods.maximization.regularizers import total_variation
from tbviz.methods.maximization.settings import Ascent
from tbviz.methods.maximization.transforms import Transforms
from tbviz.taps.inspector import ModelInspector

STILL = Transforms(jitter=0, scale=0)
# One column is the whole map, so that its window is 1: a weighted sum of the pixels.
PATTERN = np.outer([1, 2, 3, 2, 1], [-1, -2, 0, 2, 1]).astype(np.float32)


def quick(*stack, **kwargs):
    """Runs eagerly: a few steps of a tiny net take less than compiling them."""
    model = keras.Sequential([*stack], **kwargs)
    model.run_eagerly = True
    return model


@pytest.fixture(scope="module")
def linear():
    """Compiled, for many steps."""
    model = keras.Sequential(
        [keras.Input((5, 5, 1)), layers.Conv2D(1, 5, use_bias=False, name="filter")]
    )
    model.layers[0].set_weights([PATTERN[..., None, None]])
    return model


def maximized(model, layer, channels, settings, bounds=None, **kwargs):
    inspector = ModelInspector(model)
    canvas = canvas_of(model, bounds=bounds)
    output = inspector.model_outputs(canvas.blank(1)).outputs[layer]
    return maximize(inspector, output, channels, canvas, settings, **kwargs)


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(2)
    model = quick(
        keras.Input((12, 12, 3)),
        layers.Conv2D(6, 3, name="conv"),
        layers.BatchNormalization(name="norm"),
        layers.ReLU(name="relu"),
        layers.Activation("relu", name="again"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(4, activation="softmax", name="classes"),
    )
    model.compile(run_eagerly=True)
    return model


@pytest.mark.parametrize(
    ("image", "bounds"), [("fourier", (0.0, 1.0)), ("pixel", (0.0, 1.0)), ("pixel", (-1.0, 1.0))]
)
def test_a_linear_filter_reaches_its_greatest_value_in_the_box(linear, image, bounds):
    """White where a weight is positive and black where it is negative, whatever the basis."""
    settings = Ascent(steps=60, rate=0.4, start=0.0, image=image, transforms=STILL)
    found = maximized(linear, "filter", [0], settings, bounds)
    greatest = np.where(PATTERN > 0, bounds[1], bounds[0])
    assert found.after[0] == pytest.approx((PATTERN * greatest).sum(), rel=0.06)
    painted = found.images[0, ..., 0]
    assert np.all(painted[PATTERN > 0] > 0.8)
    assert np.all(painted[PATTERN < 0] < 0.2)


def test_l2_ends_where_its_slope_is_the_scores(linear):
    """ln(s) - w * mean((x - 1/2)^2) with s = sum(p x): x - 1/2 = p n / (2 w s), inside the box."""
    weight = 40.0
    settings = Ascent(steps=200, rate=0.03, start=0, image="pixel", transforms=STILL, l2=weight)
    found = maximized(linear, "filter", [0], settings)
    # The sum of the pattern is 0, so s = |p|^2 n / (2 w s).
    power = float((PATTERN**2).sum())
    score = np.sqrt(power * PATTERN.size / (2 * weight))
    expected = 0.5 + PATTERN * PATTERN.size / (2 * weight * score)
    assert found.after[0] == pytest.approx(score, rel=0.02)
    np.testing.assert_allclose(found.images[0, ..., 0], expected, atol=0.03)


def test_total_variation_falls_with_its_weight(net):
    variations = []
    for weight in (0.0, 3.0, 30.0):
        settings = Ascent(steps=12, transforms=STILL, total_variation=weight)
        images = maximized(net, "conv", [1], settings).images
        tensor = keras.ops.convert_to_tensor(images)
        variations.append(float(keras.ops.convert_to_numpy(total_variation(tensor))[0]))
    assert variations[0] > 1.2 * variations[1] > 1.2**2 * variations[2]


def test_diversity_pushes_the_images_of_a_channel_apart(net):
    def correlation(apart):
        settings = Ascent(steps=24, diversity=3, apart=apart, start=0.2, transforms=STILL)
        found = maximized(net, "conv", [4, 1], settings)
        assert found.channels == [4, 4, 4, 1, 1, 1]
        assert np.all(found.after > found.before)
        flat = found.images.reshape(2, 3, -1)
        return [np.corrcoef(each)[np.triu_indices(3, 1)].mean() for each in flat]

    free, pushed = correlation(0.0), correlation(3.0)
    assert np.all(np.array(pushed) < np.array(free) - 0.05)


@pytest.mark.parametrize(
    "settings",
    [
        Ascent(steps=6, image="pixel"),
        Ascent(steps=6, transforms=Transforms(rotate=10, pad=True)),
        Ascent(steps=6, decay=1.5, total_variation=1, l2=1),
    ],
)
def test_every_setting_rises_and_repeats(net, settings):
    found = maximized(net, "conv", [0, 5], settings)
    assert np.all(found.after > found.before)
    assert found.notes == [None, None]
    np.testing.assert_array_equal(found.images, maximized(net, "conv", [0, 5], settings).images)


def test_a_channel_of_nan_leaves_the_others_alone(net):
    conv = net.get_layer("conv")
    kernel, bias = conv.get_weights()
    settings = Ascent(steps=4)
    whole = maximized(net, "conv", [0, 1, 2], settings)
    faulty = kernel.copy()
    faulty[0, 0, 0, 1] = np.nan
    conv.set_weights([faulty, bias])
    try:
        found = maximized(net, "conv", [0, 1, 2], settings)
        with pytest.raises(TbvizError, match="NaN or infinite for every image"):
            maximized(net, "conv", [1], settings)
    finally:
        conv.set_weights([kernel, bias])
    np.testing.assert_allclose(found.images[[0, 2]], whole.images[[0, 2]], atol=1e-5)
    np.testing.assert_allclose(found.after[[0, 2]], whole.after[[0, 2]], rtol=1e-4)
    assert np.isnan(found.after[1])
    assert np.all(found.images[1] == 0.5)
    assert found.notes == [None, "produces NaN or infinity", None]
    assert np.all(np.isfinite(found.coefficients))


@pytest.mark.parametrize("layer", ["relu", "again"])
def test_an_activation_that_is_off_rises_by_its_input(layer):
    keras.utils.set_random_seed(3)
    model = quick(
        keras.Input((8, 8, 1)),
        layers.Conv2D(3, 3, bias_initializer=keras.initializers.Constant(-4.0)),
        layers.BatchNormalization(name="norm"),
        layers.ReLU(name="relu") if layer == "relu" else layers.Activation("relu", name=layer),
    )
    settings = Ascent(steps=8, transforms=STILL)
    found = maximized(model, layer, [0, 1, 2], settings)
    assert np.all(found.before < 0)  # the ReLU's output is nowhere negative
    assert np.all(found.after > found.before)
    # Its input is the output of the layer before it.
    before = maximized(model, "norm", [0, 1, 2], settings)
    np.testing.assert_allclose(found.images, before.images, atol=1e-5)


def test_a_pooling_after_a_dead_layer_wakes_up():
    """No slope at an even gray: the contrast of the start grows until there is one."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(2, 3, activation="relu", name="conv"),
            layers.MaxPooling2D(name="pool"),
        ]
    )
    kernel = np.zeros((3, 3, 1, 2), np.float32)
    kernel[1, 1, 0] = 1.0
    model.get_layer("conv").set_weights([kernel, np.array([-0.8, -9.0], np.float32)])
    found = maximized(model, "pool", [0, 1], Ascent(steps=40))
    assert found.before[0] == 0
    assert found.after[0] > 0.02
    assert found.notes[0] is None
    assert "no gradient reaches the input" in found.notes[1]  # no pixel can be so bright
    assert np.all(found.images[1] == 0.5)


def test_classes_rise_and_have_probabilities(net):
    found = maximize_classes(net, classes=[3, 0], ascent=Ascent(steps=10))
    assert found.channels == [3, 0]
    assert np.all(found.after > found.before)
    seen = np.asarray(net.predict_on_batch(found.images))
    np.testing.assert_allclose(found.probabilities, seen[[0, 1], [3, 0]], rtol=1e-4)
    assert found.target == "score before softmax"


def test_a_linear_class_reaches_its_greatest_score():
    top = layers.Dense(2, activation="softmax", name="top")
    model = keras.Sequential([keras.Input((5, 5, 1)), layers.Flatten(), top])
    kernel = np.stack([PATTERN.ravel(), -PATTERN.ravel()], axis=1)
    top.set_weights([kernel, np.array([0.5, -0.5], np.float32)])
    settings = Ascent(steps=60, rate=0.4, start=0.0, image="pixel", transforms=STILL)
    found = maximize_classes(model, ascent=settings)
    greatest = PATTERN[PATTERN > 0].sum()
    np.testing.assert_allclose(found.after, [greatest + 0.5, greatest - 0.5], rtol=0.05)
    np.testing.assert_allclose(found.images[0] + found.images[1], 1, atol=1e-3)


def test_several_images_of_a_class(net):
    found = maximize_classes(
        net, classes=["b"], ascent=Ascent(steps=3, diversity=2), class_names="abcd"
    )
    assert found.channels == [1, 1]
    assert not np.allclose(*found.images, atol=0.01)


def test_classes_are_chosen_by_number_or_name():
    names = ["cat", "cup", "rocket"]
    assert select_classes(["cup", 0, np.int64(2)], 3, names) == [1, 0, 2]
    assert select_classes(None, 12) == list(range(10))
    with pytest.raises(TbvizError, match=r"'cap'.*did you mean 'cup' or 'cat'"):
        select_classes(["cap"], 3, names)
    with pytest.raises(TbvizError, match="pass class_names="):
        select_classes(["cup"], 3)
    with pytest.raises(TbvizError, match="classes received 3; the model has 3"):
        select_classes([3], 3)


def test_settings_that_mean_nothing_are_refused():
    with pytest.raises(TbvizError, match="Ascent received image='fft'"):
        Ascent(image="fft")
    with pytest.raises(TbvizError, match="diversity=0"):
        Ascent(diversity=0)


def test_the_range_of_standardized_images_is_theirs(net):
    """Learned from the images that are given; what is drawn is between 0 and 1 all the same."""
    images = np.random.default_rng(0).normal(size=(2, 12, 12, 3)).astype(np.float32)
    found = maximize_filters(
        net, layers="conv", filters=[2], images=images, ascent=Ascent(steps=4)
    )["conv"]
    assert found.images.min() >= 0
    assert found.images.max() <= 1
    outside = maximize_filters(
        net, layers="conv", filters=[2], images=images * 100, ascent=Ascent(steps=4)
    )["conv"]
    assert outside.after[0] > 10 * found.after[0]
