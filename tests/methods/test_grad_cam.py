from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from tbviz.errors import TbvizError
from tbviz.methods import grad_cam
from tbviz.methods.cams.cam import Evidence
from tbviz.methods.cams.grad_cam import GradCam

RANDOM = np.random.default_rng(0)
X = RANDOM.random((3, 16, 16, 3)).astype(np.float32)


def test_the_map_of_a_hand_made_network():
    """One convolution of one pixel that passes its input on, the mean, and a dense layer.

    The score of a class is sum_k w_k mean(A_k), so its derivative is w_k / (H W) everywhere and
    the map is ReLU(sum_k w_k A_k) / (H W).
    """
    model = keras.Sequential(
        [
            keras.Input((2, 2, 2)),
            layers.Conv2D(2, 1, use_bias=False, name="same"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax", name="classes"),
        ]
    )
    model.layers[0].set_weights([np.eye(2)[None, None]])
    model.layers[2].set_weights([np.array([[2.0, 0.0], [-1.0, 1.0]]), np.array([0.5, 0.0])])
    image = np.array([[[[4.0, 1.0], [0.0, 2.0]], [[1.0, 2.0], [3.0, 0.0]]]], np.float32)
    found = grad_cam(model, image, targets=0)
    # 2 A_0 - A_1: [[7, -2], [0, 6]], over four pixels.
    np.testing.assert_allclose(found.maps, [[[1.75, 0.0], [0.0, 1.5]]], atol=1e-6)
    # 2 * mean(4, 0, 1, 3) - mean(1, 2, 2, 0) + 0.5 = 4 - 1.25 + 0.5, against 1.25
    np.testing.assert_allclose(found.scores, [3.25], atol=1e-6)
    np.testing.assert_allclose(found.probabilities, [1 / (1 + np.exp(1.25 - 3.25))], atol=1e-6)
    assert (found.layer, found.target) == ("same", "score before softmax")
    assert grad_cam(model, image).classes.tolist() == [0]
    # Class 1: A_1 alone.
    np.testing.assert_allclose(
        grad_cam(model, image, targets=np.array([1])).maps, [[[0.25, 0.5], [0.5, 0]]], atol=1e-6
    )


def test_equations_one_and_two():
    activations = np.array([[[[1.0, 2.0]], [[3.0, -8.0]]]], np.float32)
    gradients = np.array([[[[1.0, 0.0]], [[3.0, 1.0]]]], np.float32)
    evidence = Evidence(activations, gradients)
    np.testing.assert_array_equal(GradCam().weights(evidence), [[[[2.0, 0.5]]]])
    np.testing.assert_array_equal(GradCam().combine(evidence), [[[3.0], [2.0]]])


def test_faulty_weights_show_as_nan_and_do_not_raise():
    model = flat()
    faulty = [np.full_like(weight, np.nan) for weight in model.layers[1].get_weights()]
    model.layers[1].set_weights(faulty)
    assert np.all(np.isnan(grad_cam(model, X, targets=0).maps))
    infinite = np.full((1, 2, 2, 1), np.inf, np.float32)
    evidence = Evidence(infinite, np.ones((1, 2, 2, 1), np.float32))
    assert np.all(np.isposinf(GradCam().combine(evidence)))


def flat():
    keras.utils.set_random_seed(4)
    inputs = keras.Input((16, 16, 3))
    values = layers.Conv2D(6, 3, activation="relu", name="conv1")(inputs)
    values = layers.MaxPooling2D()(values)
    values = layers.Conv2D(8, 3, activation="relu", name="conv2")(values)
    values = layers.Flatten()(values)
    return keras.Model(inputs, layers.Dense(5, activation="softmax", name="classes")(values))


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_the_map_is_that_of_tf_keras_vis(layer):
    gradcam = pytest.importorskip("tf_keras_vis.gradcam")
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

    model = flat()
    classes = [0, 3, 1]
    theirs = gradcam.Gradcam(model, model_modifier=ReplaceToLinear(), clone=True)(
        CategoricalScore(classes),
        X,
        penultimate_layer=layer,
        seek_penultimate_conv_layer=False,
        expand_cam=False,
        normalize_cam=False,
    )
    ours = grad_cam(model, X, targets=np.array(classes), layers=layer).maps
    assert ours.max() > 0
    np.testing.assert_allclose(ours, theirs, atol=1e-3 * ours.max())


def test_the_map_is_the_same_inside_two_more_models():
    model = flat()
    inner = keras.Sequential([keras.Input((16, 16, 3)), model], name="inner")
    outer = keras.Sequential([keras.Input((16, 16, 3)), inner], name="outer")
    plain, nested = grad_cam(model, X), grad_cam(outer, X)
    np.testing.assert_array_equal(plain.classes, nested.classes)
    np.testing.assert_allclose(plain.maps, nested.maps, atol=1e-6 * plain.maps.max())
    assert plain.layer == "conv2"
    assert nested.layer.startswith("inner/")
    assert nested.layer.endswith("/conv2")


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (np.array([0, 1]), "a target received 2 classes for 3 images"),
        (np.array([[0], [1], [2]]), "a target received score=array"),
        (5, "received classes"),
        (-2, "received score=-2; classes count from 0"),
    ],
)
def test_wrong_classes_are_named(targets, message):
    with pytest.raises(TbvizError, match=message):
        grad_cam(flat(), X, targets=targets)


def test_a_layer_without_maps_is_named():
    with pytest.raises(TbvizError, match=r"'classes' has the output shape \(3, 5\)"):
        grad_cam(flat(), X, layers="classes")
