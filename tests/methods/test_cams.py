from __future__ import annotations

import dataclasses
import functools

import keras
import numpy as np
import pytest
from keras import layers

from tbviz.errors import TbvizError
from tbviz.methods.cams.cam import Evidence
from tbviz.methods.cams.eigen_cam import EigenCam
from tbviz.methods.cams.grad_cam_plus_plus import GradCamPlusPlus
from tbviz.methods.cams.hires_cam import HiResCam
from tbviz.methods.cams.layer_cam import LayerCam
from tbviz.methods.cams.maps import grad_cam
from tbviz.methods.cams.registry import CAMS
from tbviz.methods.cams.score_cam import ScoreCam, masks
from tbviz.scores.target import Target

SIDE = 16
RANDOM = np.random.default_rng(0)
X = RANDOM.random((3, SIDE, SIDE, 3)).astype(np.float32)

# Two pixels, two channels.
ACTIVATIONS = np.array([[[[1.0, 2.0], [3.0, -1.0]]]], np.float32)
GRADIENTS = np.array([[[[1.0, -1.0], [2.0, -3.0]]]], np.float32)
EVIDENCE = Evidence(ACTIVATIONS, GRADIENTS)


def test_hirescam_by_hand():
    # 1 * 1 + 2 * -1 < 0; 3 * 2 + -1 * -3
    np.testing.assert_array_equal(HiResCam().combine(EVIDENCE), [[[0.0, 9.0]]])


def test_layercam_by_hand():
    np.testing.assert_array_equal(LayerCam().combine(EVIDENCE), [[[1.0, 6.0]]])


def test_grad_cam_plus_plus_by_hand():
    # Channel 0 sums to 4: 1 / (2 + 4) and 4 / (8 + 32), brought to the sum 1; channel 1 only falls.
    coefficients = np.array([1 / 6, 1 / 10]) / (1 / 6 + 1 / 10)
    weight = coefficients @ [1.0, 2.0]
    np.testing.assert_allclose(GradCamPlusPlus().weights(EVIDENCE), [[[[weight, 0]]]], rtol=1e-12)
    np.testing.assert_allclose(GradCamPlusPlus().combine(EVIDENCE), [[[weight, 3 * weight]]])
    # Where the denominator is zero there is no coefficient.
    canceled = Evidence(np.full((1, 1, 1, 1), -2.0), np.ones((1, 1, 1, 1)))
    assert GradCamPlusPlus().weights(canceled).item() == 1.0


@pytest.mark.parametrize("turned", [1, -1])
def test_eigen_cam_finds_the_direction_and_its_sign(turned):
    direction = turned * np.array([3.0, -4.0]) / 5
    response = np.array([[2.0, 1.0], [-1.0, 0.0]])
    evidence = Evidence(response[None, ..., None] * direction, GRADIENTS)
    np.testing.assert_allclose(EigenCam().weights(evidence)[0, 0, 0], direction, atol=1e-12)
    np.testing.assert_allclose(EigenCam().combine(evidence)[0], np.maximum(response, 0), atol=1e-6)
    # Turned round, more of it would be negative.
    np.testing.assert_allclose(
        EigenCam().combine(Evidence(-evidence.activations, GRADIENTS))[0],
        np.maximum(response, 0),
        atol=1e-6,
    )


def test_score_cam_weighs_the_channels_that_vary_most():
    maps = RANDOM.random((2, 3, 3, 4)) * np.array([1.0, 9.0, 0.1, 3.0])
    seen = []

    def score_gain(chosen):
        seen.append(chosen)
        return np.array([[0.5, -0.25], [2.0, 1.0]])  # what falls does not count

    weights = ScoreCam(channels=2).weights(Evidence(maps, maps, score_gain))
    np.testing.assert_array_equal(weights[:, 0, 0], [[0, 0.5, 0, 0], [0, 2, 0, 1]])
    np.testing.assert_array_equal(seen[0], np.moveaxis(maps[..., [1, 3]], -1, 1))


def test_masks_are_stretched_after_they_are_enlarged():
    drawn = masks(np.array([[[1.0, 3.0]], [[2.0, 2.0]]]), (2, 4))
    # Half-pixel centers: 1, 1.5, 2.5, 3 between 1 and 3; a constant map hides all.
    np.testing.assert_allclose(drawn[0], [[0, 0.25, 0.75, 1]] * 2)
    np.testing.assert_array_equal(drawn[1], 0)


@functools.cache
def pointwise():
    """Channels are the colors, and the score of a class a weighted mean of them."""
    model = keras.Sequential(
        [
            keras.Input((2, 3, 3)),
            layers.Conv2D(3, 1, use_bias=False, name="same"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.set_weights([np.eye(3)[None, None], WEIGHTS, BIAS])
    model.run_eagerly = True
    return model


WEIGHTS = np.array([[4.0, -1.0], [2.0, 3.0], [-2.0, 0.5]], np.float32)
BIAS = np.array([0.1, 0.3], np.float32)


def test_score_cam_of_a_hand_made_network():
    images = RANDOM.random((2, 2, 3, 3))

    def probability(values):
        scores = np.exp(values.mean(axis=(-3, -2)) @ WEIGHTS + BIAS)
        return (scores / scores.sum(-1, keepdims=True))[..., 1]

    channels = np.moveaxis(images, -1, 1)
    low, high = channels.min((2, 3), keepdims=True), channels.max((2, 3), keepdims=True)
    mean = images.mean((0, 1, 2))
    shown = ((channels - low) / (high - low))[..., None] * (images[:, None] - mean) + mean
    rises = probability(shown) - probability(mean[None, None])
    expected = np.einsum("nkhw,nk->nhw", channels, np.maximum(rises, 0))
    found = grad_cam(pointwise(), images.astype(np.float32), targets=1, method="score-cam")
    assert found.maps.max() > 0
    np.testing.assert_allclose(found.maps, expected, atol=1e-5)


def test_before_global_average_pooling_three_methods_are_one():
    # Every pixel of a channel has the same gradient, which is then its own mean.
    expected = grad_cam(pointwise(), X[:, :2, :3], targets=0).maps
    for method in ("hirescam", "grad-cam"):
        found = grad_cam(pointwise(), X[:, :2, :3], targets=0, method=method).maps
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_difference_of_two_classes():
    images = X[:, :2, :3]
    scores = images.mean((1, 2)) @ WEIGHTS + BIAS
    best = int(scores[1].argmax())
    target = Target([0, 1 - best, 1], against=[1, best, 0])
    found = grad_cam(pointwise(), images, targets=target)
    assert found.classes.tolist() == [0, 1 - best, 1]
    assert found.against.tolist() == [1, best, 0]
    slopes = (WEIGHTS[:, 0] - WEIGHTS[:, 1]) / 6
    signs = np.array([1.0, 1.0 if best else -1.0, -1.0])
    expected = np.maximum(signs[:, None, None] * (images @ slopes), 0)
    np.testing.assert_allclose(found.maps, expected, atol=1e-5)
    np.testing.assert_allclose(found.scores, signs * (scores[:, 0] - scores[:, 1]), atol=1e-5)
    assert found.target == "score before softmax, less that of another class"


def test_several_layers_are_averaged_each_by_its_own_largest():
    model, (images, classes) = colored(), squares(4)
    both = grad_cam(model, images, targets=classes, layers="conv*")
    assert both.layers == ("conv1", "conv2")
    assert both.layer == "conv1, conv2"
    each = [grad_cam(model, images, targets=classes, layers=name).maps for name in both.layers]
    # Both layers have the input's size, so that nothing is enlarged.
    largest = [np.maximum(maps.max((1, 2), keepdims=True), 1e-30) for maps in each]
    expected = np.mean([maps / top for maps, top in zip(each, largest, strict=True)], axis=0)
    np.testing.assert_allclose(both.maps, expected, atol=1e-6)


# A network that has learned something


def squares(count, seed=0):
    """Gray noise with one square of five pixels; its color is the class."""
    random = np.random.default_rng(seed)
    images = 0.3 + 0.1 * random.random((count, SIDE, SIDE, 3)).astype(np.float32)
    classes = random.integers(0, 3, count)
    for image, color, (top, left) in zip(
        images, classes, random.integers(0, SIDE - 4, (count, 2)), strict=True
    ):
        image[top : top + 5, left : left + 5, color] = 0.9
    return images, classes


def net(activation="softmax"):
    values = inputs = keras.Input((SIDE, SIDE, 3))
    for name in ("conv1", "conv2"):
        values = layers.Conv2D(8, 3, padding="same", activation="relu", name=name)(values)
    values = layers.GlobalAveragePooling2D()(values)
    values = layers.Dense(3, activation, name="classes")(values)
    model = keras.Model(inputs, values)
    model.run_eagerly = True
    return model


@functools.cache
def colored():
    keras.utils.set_random_seed(2)
    model = net()
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    images, classes = squares(128)
    model.fit(images, classes, 32, 12, verbose=0)
    model.run_eagerly = True
    return model


@functools.cache
def spoiled():
    """A network for weights of all sorts; passes are compiled once for all of them."""
    return net()


def with_weights(weights):
    model = spoiled()
    model.set_weights(weights)
    return model


def two_squares(top=2, left=2):
    """A red and a blue one, and where they are."""
    image, _ = squares(1, seed=5)
    image[:] = 0.35
    red, blue = np.zeros((2, SIDE, SIDE), bool)
    red[top : top + 5, left : left + 5] = True
    blue[top + 6 : top + 11, left + 6 : left + 11] = True
    image[0, red, 0] = image[0, blue, 2] = 0.9
    return image, red, blue


@pytest.mark.parametrize("method", CAMS)
def test_each_method_finds_the_square_of_the_class(method):
    image, red, blue = two_squares()
    shares = {}
    for color, (own, other) in {0: (red, blue), 2: (blue, red)}.items():
        found = grad_cam(colored(), image, targets=color, method=method)
        assert found.notes == (None,)
        shares[color] = found.maps[0][own].sum() / found.maps[0][own | other].sum()
    if CAMS[method].class_specific:
        assert min(shares.values()) > 0.8
    else:  # the same map for both
        np.testing.assert_allclose(sum(shares.values()), 1, atol=1e-6)


@pytest.mark.parametrize("method", CAMS)
def test_a_shifted_input_shifts_the_map(method):
    plain, shifted = (
        grad_cam(colored(), two_squares(*corner)[0], targets=0, method=method).maps[0]
        for corner in ((1, 3), (4, 4))
    )
    # But for two pixels at each edge, which see what is filled in beyond it.
    inside = np.roll(plain, (3, 1), axis=(0, 1))[5:-2, 3:-2]
    np.testing.assert_allclose(shifted[5:-2, 3:-2], inside, atol=0.05 * plain.max())
    assert np.corrcoef(plain.ravel(), shifted.ravel())[0, 1] < 0.8


@pytest.mark.parametrize("method", CAMS)
def test_a_randomized_network_has_another_map(method):
    """The sanity check of Adebayo et al. 2018: a map that stays explains the image, not the net."""
    images = squares(6, seed=3)[0]
    random, correlations = np.random.default_rng(1), []
    learned = grad_cam(colored(), images, targets=0, method=method).maps
    shapes = [weight.shape for weight in colored().get_weights()]
    for _ in range(4):
        model = with_weights([random.normal(scale=0.3, size=shape) for shape in shapes])
        for one, other in zip(
            learned, grad_cam(model, images, targets=0, method=method).maps, strict=True
        ):
            if one.std() and other.std():
                correlations.append(np.corrcoef(one.ravel(), other.ravel())[0, 1])
    assert np.mean(correlations) < 0.7


# Inside other models, and against another implementation


@functools.cache
def nested():
    inner = keras.Sequential([keras.Input((SIDE, SIDE, 3)), colored()], name="inner")
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), inner], name="outer")
    model.run_eagerly = True
    return model


@pytest.mark.parametrize("method", CAMS)
def test_maps_are_the_same_inside_two_more_models(method):
    plain, within = (grad_cam(model, X, method=method) for model in (colored(), nested()))
    np.testing.assert_array_equal(plain.classes, within.classes)
    np.testing.assert_allclose(plain.maps, within.maps, atol=1e-5 * plain.maps.max())
    assert (plain.layer, within.layer.rpartition("/")[2]) == ("conv2", "conv2")
    assert within.layer.startswith("inner/")


def theirs(package, name, model, images=X):
    """Maps of tf-keras-vis at the layer's own size, before they are scaled."""
    package = pytest.importorskip(
        f"tf_keras_vis.{package}", reason="tf-keras-vis is not installed (extra: test)"
    )
    from tf_keras_vis.utils.scores import CategoricalScore

    return np.asarray(
        getattr(package, name)(model, clone=False)(
            CategoricalScore([0, 1, 2]),
            images,
            penultimate_layer="conv2",
            seek_penultimate_conv_layer=False,
            expand_cam=False,
            normalize_cam=False,
        )
    )


@functools.cache
def before_softmax():
    model = net(activation=None)
    model.set_weights(colored().get_weights())
    return model


def test_layercam_is_that_of_tf_keras_vis():
    expected = theirs("layercam", "Layercam", before_softmax())
    found = grad_cam(colored(), X, targets=np.arange(3), method="layercam").maps
    np.testing.assert_allclose(found, expected, atol=1e-5 * expected.max())


def test_grad_cam_plus_plus_is_that_of_tf_keras_vis_but_for_the_exponential_of_the_score():
    expected = theirs("gradcam_plus_plus", "GradcamPlusPlus", before_softmax())
    found = grad_cam(colored(), X, targets=np.arange(3), method="grad-cam++")
    factor = np.exp(found.scores)[:, None, None]
    np.testing.assert_allclose(factor * found.maps, expected, atol=1e-4 * expected.max())


@pytest.mark.filterwarnings("ignore:The structure of `inputs`:UserWarning")  # it passes a list
def test_score_cam_is_that_of_tf_keras_vis_before_the_baseline_is_subtracted():
    # It masks with zeros, and applies a softmax to the model's output.
    images = X - X.mean((0, 1, 2))
    expected = theirs("scorecam", "Scorecam", before_softmax(), images)
    hidden = colored().predict_on_batch(np.zeros((1, SIDE, SIDE, 3)))[0]

    class WithoutBaseline(ScoreCam):
        def weights(self, evidence):
            def score_gain(maps):
                return evidence.score_gain(maps) + hidden[:, None]

            return super().weights(dataclasses.replace(evidence, score_gain=score_gain))

    found = grad_cam(colored(), images, targets=np.arange(3), method=WithoutBaseline()).maps
    assert expected.max() > 0
    np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max())


# Faulty weights show, with a note


@pytest.mark.parametrize("method", CAMS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_and_images_that_are_not_finite_show_as_such(method, value):
    model = with_weights(colored().get_weights())
    images = X.copy()
    images[0, 3, 3, 0] = value
    found = grad_cam(model, images, targets=0, method=method)
    assert not np.isfinite(found.maps[0]).all()
    assert "not finite" in found.notes[0]
    assert np.isfinite(found.maps[1:]).all()
    conv1 = model.get_layer("conv1")
    conv1.set_weights([weight * value for weight in conv1.get_weights()])
    found = grad_cam(model, X, targets=0, method=method)
    assert not np.isfinite(found.maps).any()
    assert all("not finite" in note for note in found.notes)


@pytest.mark.parametrize("method", CAMS)
def test_a_dead_layer_has_a_note_and_is_not_stretched(method):
    model = with_weights([np.zeros_like(weight) for weight in colored().get_weights()])
    for images in (X, np.zeros_like(X)):
        found = grad_cam(model, images, targets=0, method=method)
        assert not found.maps.any()
        assert found.notes == ("the map is zero: nothing in this layer raises the score",) * 3
    assert not grad_cam(model, X, targets=0, layers="conv*", method=method).maps.any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "gradcam"}, r"method='gradcam'.*'grad-cam', 'grad-cam\+\+'"),
        ({"targets": Target(against=[0, 1])}, "2 classes for 3 images"),
        ({"targets": 0.5}, "received score=0.5; expected 'predicted'"),
        ({"targets": Target(against=7)}, r"received classes \[7, 7, 7\]; the model has 3"),
    ],
)
def test_what_cannot_be_is_named(arguments, message):
    with pytest.raises(TbvizError, match=message):
        grad_cam(colored(), X, **arguments)


def test_settings_and_evidence_that_cannot_be_are_named():
    with pytest.raises(TbvizError, match="channels=0"):
        ScoreCam(channels=0)
    with pytest.raises(TbvizError, match="runs the model"):
        ScoreCam().combine(EVIDENCE)
