"""Explanations on every backend: class targets, layers, inputs, many images, augmentation."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from backends.nets import array
from keras import layers

from tbviz.arrays.value_range import value_range
from tbviz.errors import TbvizError
from tbviz.methods.augmentation import outputs_in_training
from tbviz.methods.maximization import maximize_classes
from tbviz.methods.maximization.settings import Ascent
from tbviz.scores.class_target import NOTHING, PREDICTED, ClassTarget
from tbviz.scores.gradients import class_gradients, input_gradients
from tbviz.scores.recording import record, scores_in_batches
from tbviz.taps.inspector import ModelInspector

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(3, 4, 4, 2)).astype(np.float32)
KERNEL = RANDOM.normal(size=(2, 3)).astype(np.float32)
WEIGHTS = RANDOM.normal(size=(3, 4)).astype(np.float32)


def two_layers(activation="relu"):
    """1 x 1 convolution, its activation, the mean of each channel, a softmax over four classes."""
    model = keras.Sequential(
        [
            keras.Input((4, 4, 2)),
            layers.Conv2D(3, 1, use_bias=False, name="conv"),
            layers.Activation(activation, name="active"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4, activation="softmax", use_bias=False),
        ]
    )
    model.set_weights([KERNEL[None, None], WEIGHTS])
    return model


SECOND = WEIGHTS[:, :2] * 2


def two_outputs(names):
    """A 1 x 1 convolution, the mean of each channel, a softmax over four classes and over two."""
    inputs = keras.Input((4, 4, 2))
    maps = layers.Conv2D(3, 1, use_bias=False, name="conv")(inputs)
    means = layers.GlobalAveragePooling2D()(maps)
    ends = [layers.Dense(units, activation="softmax", use_bias=False) for units in (4, 2)]
    outputs = [end(means) for end in ends]
    model = keras.Model(inputs, dict(zip(names, outputs, strict=True)) if names else outputs)
    model.get_layer("conv").set_weights([KERNEL[None, None]])
    for end, weights in zip(ends, (WEIGHTS, SECOND), strict=True):
        end.set_weights([weights])
    return model, names[1] if names else 1


def by_hand(images, classes):
    """Maps of both layers, scores, and slopes in both layers and in the input."""
    conv = images @ KERNEL
    active = np.maximum(conv, 0)
    scores = active.mean((1, 2)) @ WEIGHTS
    after = np.broadcast_to(classes @ WEIGHTS.T / 16, (4, 4, len(images), 3)).transpose(2, 0, 1, 3)
    before = after * (conv > 0)
    return (conv, active), scores, (before, after), before @ KERNEL.T


def test_two_layers_and_the_difference_of_two_classes_in_one_pass():
    model = two_layers()
    inspector = ModelInspector(model)
    outputs = inspector.model_outputs(X).outputs
    class_target = ClassTarget(np.array([0, PREDICTED, 2]), np.array([3, NOTHING, PREDICTED]))
    found = class_gradients(inspector, [outputs["active"], outputs["conv"]], X, class_target)
    (conv, active), scores, _, _ = by_hand(X, np.zeros((3, 4)))
    best = scores.argmax(1)
    assert found.classes.tolist() == [0, best[1], 2]
    assert found.against.tolist() == [3, NOTHING, best[2]]
    signs = np.eye(4)[found.classes] - np.array([np.eye(4)[3], np.zeros(4), np.eye(4)[best[2]]])
    _, _, (before, after), _ = by_hand(X, signs)
    assert list(found.activations) == ["active", "conv"]
    np.testing.assert_allclose(found.activations["conv"], conv, atol=1e-6)
    np.testing.assert_allclose(found.activations["active"], active, atol=1e-6)
    np.testing.assert_allclose(found.gradients["conv"], before, atol=1e-6)
    np.testing.assert_allclose(found.gradients["active"], after, atol=1e-6)
    np.testing.assert_allclose(found.scores, (scores * signs).sum(1), atol=1e-6)


@pytest.mark.parametrize("guided", [False, True])
def test_gradients_in_the_input(guided):
    inspector = ModelInspector(two_layers())
    found = input_gradients(inspector, X, ClassTarget(np.array([1, 1, 3])), guided=guided)
    (conv, _), _, (before, _), slopes = by_hand(X, np.eye(4)[[1, 1, 3]])
    if guided:  # the ReLU passes back what is positive, where its input was
        slopes = (before * (before > 0)) @ KERNEL.T
        assert not np.allclose(slopes, by_hand(X, np.eye(4)[[1, 1, 3]])[3])
    assert (conv < 0).any()
    np.testing.assert_allclose(found.gradients, slopes, atol=1e-6)


def test_a_cut_off_relu_passes_nothing_beyond_its_end_when_guided():
    inputs = np.array([-1.0, 3.0, 9.0], np.float32).reshape(3, 1, 1, 1)
    values = layers.ReLU(max_value=6, name="relu")(keras.Input((1, 1, 1)))
    model = keras.Model(values._keras_history.operation.input, layers.Flatten()(values))
    found = input_gradients(
        ModelInspector(model), inputs, ClassTarget(np.zeros(3, int)), guided=True
    )
    assert found.gradients.ravel().tolist() == [0, 1, 0]
    # The model itself is as it was.
    assert array(model(inputs)).ravel().tolist() == [0, 3, 6]


def test_bytes_have_gradients_and_other_whole_numbers_have_zeros():
    image, index = keras.Input((4, 4, 3), name="image"), keras.Input((1,), dtype="int32", name="at")
    value = layers.Flatten()(layers.Rescaling(1 / 255)(image))
    value = layers.Concatenate()([value, layers.Flatten()(layers.Embedding(5, 2)(index))])
    model = keras.Model({"image": image, "at": index}, layers.Dense(2)(value))
    inputs = {
        "image": RANDOM.integers(0, 256, (2, 4, 4, 3)).astype(np.uint8),
        "at": np.array([[1], [4]], np.int32),
    }
    found = input_gradients(ModelInspector(model), inputs, ClassTarget(np.array([0, 1])))
    weights = array(model.layers[-1].kernel)[:48].T.reshape(2, 4, 4, 3) / 255
    np.testing.assert_allclose(found.gradients["image"], weights, rtol=1e-5)
    assert not found.gradients["at"].any()


def test_scores_of_any_number_of_images_are_compiled_once():
    inspector = ModelInspector(two_layers())
    inspector.model_outputs(X)
    images = RANDOM.normal(size=(11, 4, 4, 2)).astype(np.float32)
    scores, probabilities = scores_in_batches(inspector, images, batch=4)
    traces = inspector.traces
    expected = by_hand(images, np.zeros((11, 4)))[1]
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    shares = np.exp(expected) / np.exp(expected).sum(1, keepdims=True)
    np.testing.assert_allclose(probabilities, shares, atol=1e-5)
    assert scores_in_batches(inspector, images[:3], batch=4)[0].shape == (3, 4)
    assert inspector.traces == traces


def test_wrong_class_targets_are_errors_with_what_exists():
    inspector = ModelInspector(two_layers())
    with pytest.raises(TbvizError, match=r"classes \[0, 4, 1\]; the model has 4"):
        input_gradients(inspector, X, ClassTarget(np.array([0, 4, 1])))
    with pytest.raises(TbvizError, match=r"shape \(3,\) against classes of shape \(2,\)"):
        input_gradients(inspector, X, ClassTarget(np.zeros(3, int), np.zeros(2, int)))


def test_augmented_images():
    model = keras.Sequential(
        [
            keras.Input((4, 4, 2)),
            layers.RandomFlip("horizontal", name="flip"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )
    inspector = ModelInspector(model)
    flip = inspector.model_outputs(X).outputs["flip"]
    before = [array(variable).copy() for variable in model.variables]
    found = outputs_in_training(inspector, flip, X, draws=8)
    assert found.shape == (8, 3, 4, 4, 2)
    turned = (found == X[None, :, :, ::-1]).all((2, 3, 4))
    plain = (found == X[None]).all((2, 3, 4))
    assert (turned ^ plain).all()  # each is one or the other
    assert turned.any()
    assert plain.any()
    for old, variable in zip(before, model.variables, strict=True):
        assert np.array_equal(old, array(variable))
    again = outputs_in_training(inspector, flip, X, draws=8)  # its seeds have not moved
    assert np.array_equal(again, found)


@pytest.mark.parametrize("names", [None, ("first", "second")])
def test_the_second_of_two_outputs_is_recorded_explained_and_maximized(names):
    model, second = two_outputs(names)
    inspector = ModelInspector(model)
    maps = inspector.model_outputs(X).outputs["conv"]
    scores = (X @ KERNEL).mean((1, 2)) @ SECOND
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    found = record(inspector, [maps], X, output=second)
    np.testing.assert_allclose(found.scores, scores, atol=1e-5)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)
    np.testing.assert_allclose(scores_in_batches(inspector, X, 2, second)[0], scores, atol=1e-5)
    target = ClassTarget(np.array([0, 1, 1]), output=1)
    slopes = np.broadcast_to((SECOND.T[[0, 1, 1]] / 16)[:, None, None], (3, 4, 4, 3))
    gradients = class_gradients(inspector, [maps], X, target)
    np.testing.assert_allclose(gradients.gradients["conv"], slopes, atol=1e-6)
    np.testing.assert_allclose(gradients.scores, scores[range(3), [0, 1, 1]], atol=1e-5)
    in_inputs = input_gradients(inspector, X, target).gradients
    np.testing.assert_allclose(in_inputs, slopes @ KERNEL.T, atol=1e-6)
    raised = maximize_classes(model, classes=[1], images=X, ascent=Ascent(steps=2), output=second)
    values = [array(value) for value in keras.tree.flatten(model(raised_inputs(raised)))]
    np.testing.assert_allclose(raised.probabilities, values[1][:, 1], atol=1e-4)


def raised_inputs(raised):
    low, high = value_range(X)
    return (raised.images * (high - low) + low).astype(np.float32)
