from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
from keras import layers

from tbviz.arrays.resample import enlarge
from tbviz.errors import TbvizError
from tbviz.methods.cams.maps import grad_cam
from tbviz.methods.saliency.gradients import Gradients
from tbviz.methods.saliency.integrated_gradients import IntegratedGradients
from tbviz.methods.saliency.maps import saliency_maps
from tbviz.methods.saliency.occlusion import Occlusion
from tbviz.methods.saliency.registry import ATTRIBUTIONS
from tbviz.methods.saliency.smoothgrad import SmoothGrad
from tbviz.scores.class_target import ClassTarget
from tbviz.scores.gradients import input_gradients
from tbviz.scores.target import Target
from tbviz.taps.inspector import inspector_for

HEIGHT, WIDTH = 6, 10
RANDOM = np.random.default_rng(3)
X = RANDOM.random((3, HEIGHT, WIDTH, 2)).astype(np.float32)
WEIGHTS = RANDOM.normal(size=(HEIGHT, WIDTH, 2, 3)).astype(np.float32)


@functools.cache
def linear():
    """Scores are weighted sums of the pixels."""
    model = keras.Sequential(
        [
            keras.Input((HEIGHT, WIDTH, 2)),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", use_bias=False),
        ]
    )
    model.set_weights([WEIGHTS.reshape(-1, 3)])
    return model


def test_gradients_of_a_linear_network_are_its_weights():
    found = saliency_maps(linear(), X, targets=np.arange(3))
    expected = np.abs(WEIGHTS).max(2).transpose(2, 0, 1)
    np.testing.assert_allclose(found.maps, expected, atol=1e-5)
    scores = np.einsum("nhwc,hwck->nk", X, WEIGHTS)
    np.testing.assert_allclose(found.scores, np.diag(scores), atol=1e-4)
    assert (found.signed, found.target) == (False, "score before softmax")
    assert (found.completeness, found.against, found.notes) == (None, None, (None,) * 3)
    # The probability is that of the class that was asked for.
    chances = np.exp(scores - scores.max(1, keepdims=True))
    chances /= chances.sum(1, keepdims=True)
    np.testing.assert_allclose(found.probabilities, np.diag(chances), atol=1e-5)
    assert saliency_maps(linear(), X).classes.tolist() == scores.argmax(1).tolist()


def test_gradients_times_input_of_a_linear_network_add_up_to_the_score():
    found = saliency_maps(linear(), X, targets=1, method="gradients-x-input")
    np.testing.assert_allclose(found.maps, (WEIGHTS[..., 1] * X).sum(-1), atol=1e-5)
    np.testing.assert_allclose(found.maps.sum((1, 2)), found.scores, atol=1e-4)
    assert found.signed


def test_smoothgrad_of_a_linear_network_is_the_gradient_whatever_the_noise():
    found = saliency_maps(linear(), X, targets=1, method=SmoothGrad(samples=3))
    np.testing.assert_allclose(found.maps, saliency_maps(linear(), X, targets=1).maps, atol=1e-5)


def test_integrated_gradients_of_a_linear_network_are_weight_times_the_path():
    method = IntegratedGradients(points=3, baseline=-1.0)
    found = saliency_maps(linear(), X, targets=2, method=method)
    expected = (WEIGHTS[..., 2] * (X + 1)).sum(-1)
    np.testing.assert_allclose(found.maps, expected, atol=1e-5)
    np.testing.assert_allclose(found.completeness, 1, atol=1e-5)


def test_the_difference_of_two_classes_is_the_difference_of_their_maps():
    target = Target([0, 1, 2], against=[2, 2, 0])
    for method in ("gradients-x-input", "integrated-gradients", "occlusion"):
        found = saliency_maps(linear(), X, targets=target, method=method)
        each = [one.maps for one in saliency_maps(linear(), X, targets=[0, 1, 2], method=method)]
        expected = [each[0][0] - each[2][0], each[1][1] - each[2][1], each[2][2] - each[0][2]]
        np.testing.assert_allclose(found.maps, expected, atol=1e-4)
        assert found.against.tolist() == [2, 2, 0]
        assert found.target == "score before softmax, less that of another class"
    scores = np.einsum("nhwc,hwck->nk", X, WEIGHTS)
    np.testing.assert_allclose(found.scores[0], scores[0, 0] - scores[0, 2], atol=1e-4)


@pytest.mark.parametrize(("window", "stride"), [(0.2, 0.115), (0.5, 0.3), (0.34, 0.34)])
def test_occlusion_of_a_linear_network_in_closed_form(window, stride):
    """Hiding a window costs sum w (x - mean) over it; a pixel gets the mean of its windows'."""
    found = saliency_maps(linear(), X, targets=1, method=Occlusion(window, stride))
    lost = (WEIGHTS[..., 1] * (X - X.mean((0, 1, 2)))).sum(-1)
    tall, wide = (max(1, round(window * side)) for side in (HEIGHT, WIDTH))
    sums, counts = np.zeros(lost.shape), np.zeros(lost.shape)
    for top in starts(HEIGHT, tall, window, stride):
        for left in starts(WIDTH, wide, window, stride):
            covered = slice(None), slice(top, top + tall), slice(left, left + wide)
            sums[covered] += lost[covered].sum((1, 2))[:, None, None]
            counts[covered] += 1
    assert counts.min() >= 1
    np.testing.assert_allclose(found.maps, sums / counts, atol=1e-4)


def starts(side, length, window, stride):
    steps = max(int(np.ceil((1 - window) / stride - 1e-9)), int(np.ceil(side / length)) - 1)
    steps = min(steps, side - length)
    return [round(number * (side - length) / max(steps, 1)) for number in range(steps + 1)]


@pytest.mark.parametrize("size", [(28, 28), (224, 224), (40, 200), (5, 3), (1, 1)])
def test_occlusion_is_bounded_and_leaves_no_pixel_out(size):
    windows = Occlusion().windows(size)
    assert len(windows) <= 64
    assert windows.shape[1:] == size
    assert windows.any(axis=0).all()


# A network with kinks


def net():
    model = keras.Sequential(
        [
            keras.Input((HEIGHT, WIDTH, 2)),
            layers.Conv2D(6, 3, padding="same", activation="relu", name="conv1"),
            layers.AveragePooling2D(2, name="pool"),
            layers.Conv2D(6, 3, padding="same", activation="relu", name="conv2"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    random = np.random.default_rng(6)
    shapes = [weight.shape for weight in model.get_weights()]
    # Biases, too: without them the network would be linear on every path from black.
    scales = [0.3 if len(shape) > 1 else 0.1 for shape in shapes]
    model.set_weights([random.normal(0, *both) for both in zip(scales, shapes, strict=True)])
    model.run_eagerly = True  # a few passes each: quicker than to compile them
    return model


@functools.cache
def kinked():
    return net()


def test_integrated_gradients_are_complete():
    rises = kinked_scores(X) - kinked_scores(np.zeros_like(X))
    pair = Target(rises.argmax(1), against=rises.argmin(1))
    model = net()
    model.run_eagerly = False  # a hundred passes: quicker compiled
    found = saliency_maps(model, X, targets=pair, method=IntegratedGradients(points=100))
    difference = rises.max(1) - rises.min(1)
    np.testing.assert_allclose(found.maps.sum((1, 2)), difference, rtol=0.01)
    np.testing.assert_allclose(found.completeness, 1, atol=0.01)
    np.testing.assert_allclose(found.completeness, found.maps.sum((1, 2)) / difference, atol=1e-3)
    # The gradient at the end of the path alone is not.
    gradients = saliency_maps(kinked(), X, targets=pair, method="gradients-x-input").maps
    assert np.abs(gradients.sum((1, 2)) / difference - 1).max() > 0.05


def kinked_scores(images):
    dense = kinked().layers[-1]
    features = keras.Sequential(kinked().layers[:-1])(images).numpy()
    return features @ dense.kernel.numpy() + dense.bias.numpy()


def test_integrated_gradients_of_squares():
    """f = sum x^2: the integral of 2 a x (x) from 0 to 1 is x^2, and two points are enough."""
    inputs = keras.Input((2, 3, 1))
    squares = layers.Multiply()([inputs, inputs])
    model = keras.Model(inputs, layers.Dense(1, use_bias=False)(layers.Flatten()(squares)))
    model.layers[-1].set_weights([np.ones((6, 1))])
    model.run_eagerly = True
    image = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1) / 5
    found = saliency_maps(model, image, targets=0, method=IntegratedGradients(points=2))
    np.testing.assert_allclose(found.maps, image[..., 0] ** 2, atol=1e-6)
    assert (found.target, found.probabilities) == ("output", None)
    twice = saliency_maps(model, image, targets=0, method="gradients-x-input")
    np.testing.assert_allclose(twice.maps, 2 * image[..., 0] ** 2, atol=1e-6)


def test_smoothgrad_draws_the_same_noise_for_every_image_and_of_the_same_seed():
    method = SmoothGrad(samples=4, seed=2)
    # The range is learned from all images together, so both batches have it.
    ends = np.stack([np.zeros_like(X[0]), np.ones_like(X[0])])
    state = np.random.get_state()[1].copy()  # what others draw from stays
    found = saliency_maps(kinked(), np.concatenate([X, ends]), targets=0, method=method).maps
    np.testing.assert_array_equal(state, np.random.get_state()[1])
    alone = saliency_maps(kinked(), np.concatenate([X[1:2], ends]), targets=0, method=method).maps
    np.testing.assert_allclose(alone[0], found[1], atol=1e-6)
    other = saliency_maps(kinked(), X, targets=0, method=SmoothGrad(samples=4, seed=3)).maps
    assert np.abs(other - found[:3]).max() > 1e-3


def test_smoothgrad_s_noise_is_a_share_of_the_range():
    model = keras.Sequential([keras.Input(X.shape[1:]), layers.Rescaling(1 / 255), kinked()])
    model.run_eagerly = True
    method = SmoothGrad(samples=3)
    values = (255 * X).round()
    found = saliency_maps(model, values, targets=0, method=method).maps
    expected = saliency_maps(kinked(), values / 255, targets=0, method=method).maps
    np.testing.assert_allclose(255 * found, expected, atol=1e-4)


def test_guided_grad_cam_is_guided_backpropagation_where_grad_cam_is():
    found = saliency_maps(kinked(), X, targets=0, method="guided-grad-cam")
    where = enlarge(grad_cam(kinked(), X, targets=0).maps, (HEIGHT, WIDTH))
    guided = input_gradients(inspector_for(kinked()), X, ClassTarget(np.zeros(3, int)), guided=True)
    expected = np.abs(guided.gradients).max(-1) * where
    assert expected.max() > 0
    np.testing.assert_allclose(found.maps, expected, atol=1e-6)


# For all methods, with few passes

QUICK = {
    **ATTRIBUTIONS,
    "smoothgrad": SmoothGrad(samples=2),
    "integrated-gradients": IntegratedGradients(points=3),
    "occlusion": Occlusion(window=0.4, stride=0.3),
}


@functools.cache
def nested():
    inner = keras.Sequential([keras.Input(X.shape[1:]), kinked()], name="inner")
    model = keras.Sequential([keras.Input(X.shape[1:]), inner], name="outer")
    model.run_eagerly = True
    return model


@pytest.mark.parametrize("method", ATTRIBUTIONS)
def test_maps_are_the_same_inside_two_more_models(method):
    plain, within = (
        saliency_maps(model, X, method=QUICK[method]) for model in (kinked(), nested())
    )
    np.testing.assert_array_equal(plain.classes, within.classes)
    np.testing.assert_allclose(plain.maps, within.maps, atol=1e-5 * np.abs(plain.maps).max())
    assert plain.maps.shape == (3, HEIGHT, WIDTH)
    assert plain.maps.dtype == np.float32
    assert plain.signed == ATTRIBUTIONS[method].signed == (plain.maps.min() < 0)


@functools.cache
def spoiled():
    """For weights of all sorts."""
    return net()


@pytest.mark.parametrize("method", ATTRIBUTIONS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_and_images_that_are_not_finite_show_as_such(method, value):
    model = spoiled()
    model.set_weights([np.full_like(weight, value) for weight in kinked().get_weights()])
    found = saliency_maps(model, X, targets=0, method=QUICK[method])
    assert not np.isfinite(found.maps).any()
    assert all("not finite" in note for note in found.notes)
    model.set_weights(kinked().get_weights())
    images = X.copy()
    images[0, 2, 2] = value
    found = saliency_maps(model, images, targets=0, method=QUICK[method])
    assert np.isfinite(found.maps[1:]).all()
    assert found.notes[1:] == (None, None)


@pytest.mark.parametrize("method", ATTRIBUTIONS)
def test_a_dead_network_has_a_note_and_is_not_stretched(method):
    model = spoiled()
    model.set_weights([np.zeros_like(weight) for weight in kinked().get_weights()])
    for images in (X, np.zeros_like(X)):
        found = saliency_maps(model, images, targets=0, method=QUICK[method])
        assert not found.maps.any()
        assert found.notes == ("the map is zero: no pixel moves the score",) * 3
        if found.completeness is not None:
            assert np.isnan(found.completeness).all()


@functools.cache
def two_inputs():
    """A picture with its channels first and a number beside it."""
    keras.utils.set_random_seed(7)
    picture, number = keras.Input((2, HEIGHT, WIDTH), name="picture"), keras.Input((1,), name="n")
    turned = layers.Permute((2, 3, 1))(picture)
    values = layers.Conv2D(4, 3, activation="relu", name="conv")(turned)
    values = layers.GlobalAveragePooling2D()(values)
    joined = layers.Concatenate()([values, number])
    outputs = layers.Dense(3, activation="softmax")(layers.Dense(8, "relu")(joined))
    model = keras.Model({"n": number, "picture": picture}, outputs)
    model.run_eagerly = True
    return model


@pytest.mark.parametrize("method", ATTRIBUTIONS)
def test_channels_first_and_other_inputs(method):
    pictures = np.moveaxis(X, -1, 1)
    inputs = {"n": np.array([[0.0], [1.0], [5.0]], np.float32), "picture": pictures}
    found = saliency_maps(two_inputs(), inputs, targets=np.array([0, 1, 2]), method=QUICK[method])
    assert found.maps.shape == (3, HEIGHT, WIDTH)
    assert found.maps.any()
    # The number is that of the same image, in any batch.
    others = {"n": inputs["n"][::-1], "picture": pictures[::-1]}
    turned = saliency_maps(
        two_inputs(), others, targets=np.array([2, 1, 0]), method=QUICK[method]
    ).maps
    np.testing.assert_allclose(turned[::-1], found.maps, atol=1e-5 * np.abs(found.maps).max())


def test_a_model_without_images_is_an_error():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(2, activation="softmax")])
    model.run_eagerly = True
    with pytest.raises(TbvizError, match=r"none of the model's inputs, of shapes \[\(3, 5\)\]"):
        saliency_maps(model, np.ones((3, 5), np.float32))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SmoothGrad(samples=0), "samples=0"),
        (lambda: SmoothGrad(noise=-1), "noise=-1"),
        (lambda: IntegratedGradients(points=0), "points=0"),
        (lambda: Occlusion(window=0), "window=0"),
        (lambda: Occlusion(stride=0.3), "the stride not above the window"),
        (lambda: saliency_maps(linear(), X, method="gradient"), "'gradient'.*'gradients'"),
        (lambda: saliency_maps(linear(), X, targets=np.arange(2)), "2 classes for 3 images"),
        (
            lambda: saliency_maps(linear(), X, targets=9),
            r"the model has 3 classes, expected 0 to 2",
        ),
    ],
)
def test_what_cannot_be_is_named(make, message):
    with pytest.raises(TbvizError, match=message):
        make()


def test_a_method_may_come_with_settings_of_its_own():
    assert saliency_maps(linear(), X, targets=0, method=Gradients()).method == "gradients"
