"""For every sort of output head: the score, computed by numpy, and its gradient."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops
from one_layer import class_gradients

from tbviz.scores.class_target import PREDICTED
from tbviz.scores.output_head import head_of
from tbviz.taps.inspector import ModelInspector

X = np.random.default_rng(1).normal(size=(3, 4, 4, 2)).astype(np.float32)


def body():
    inputs = keras.Input((4, 4, 2))
    features = layers.Conv2D(3, 3, padding="same", name="conv")(inputs)
    return inputs, layers.GlobalAveragePooling2D()(features)


def fused(values, units):
    return layers.Dense(units, activation="softmax", name="head")(values)


def separate(values, units):
    return layers.Softmax()(layers.Dense(units, name="head")(values))


def activation(values, units):
    return layers.Activation("softmax")(layers.Dense(units, name="head")(values))


def nested(values, units):
    head = keras.Sequential([keras.Input((3,)), layers.Dense(units, name="head"), layers.Softmax()])
    return head(values)


class Own(layers.Layer):
    def call(self, values):
        return ops.softmax(values)


def inside_a_call(values, units):
    return Own()(layers.Dense(units, name="head")(values))


def as_an_operation(values, units):
    return ops.softmax(layers.Dense(units, name="head")(values))


def several(values, units):
    return [fused(values, units), layers.Dense(1, name="other")(values)]


def explain(model, inputs=X, classes=None):
    inspector = ModelInspector(model)
    outputs = inspector.model_outputs(inputs).outputs
    conv = next(output for output in outputs.values() if output.node.name == "conv")
    targets = np.full(len(inputs), PREDICTED) if classes is None else classes
    return head_of(inspector.model_outputs(inputs)), class_gradients(
        inspector, conv, inputs, targets
    )


def logits(model):
    """By numpy, from the layers' weights."""
    kernels = {layer.name: layer for layer in model._flatten_layers()}
    features = keras.ops.convert_to_numpy(kernels["conv"](X)).mean(axis=(1, 2))
    weights, bias = kernels["head"].get_weights()
    return features @ weights + bias, weights


@pytest.mark.parametrize(
    "head", [fused, separate, activation, nested, inside_a_call, as_an_operation, several]
)
def test_the_score_is_taken_before_softmax(head):
    inputs, values = body()
    model = keras.Model(inputs, head(values, 5))
    kind, found = explain(model)
    scores, weights = logits(model)
    assert (kind.kind, kind.classes, kind.target) == ("softmax", 5, "score before softmax")
    np.testing.assert_array_equal(found.classes, scores.argmax(axis=1))
    np.testing.assert_allclose(found.scores, scores.max(axis=1), atol=1e-5)
    expected = weights.T[found.classes] / 16  # the average over 4 x 4 pixels
    np.testing.assert_allclose(found.gradients[:, 2, 1], expected, atol=1e-6)
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probabilities, probabilities, atol=1e-5)


@pytest.mark.parametrize("target", [0, 1])
def test_one_sigmoid_unit_has_two_classes(target):
    inputs, values = body()
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="head")(values))
    head, found = explain(model, classes=np.full(3, target))
    scores, weights = logits(model)
    sign = 1 if target else -1
    assert (head.kind, head.classes) == ("binary", 2)
    np.testing.assert_allclose(found.scores, sign * scores[:, 0], atol=1e-5)
    expected = np.broadcast_to(sign * weights[:, 0] / 16, (3, 3))
    np.testing.assert_allclose(found.gradients[:, 0, 0], expected, atol=1e-6)
    positive = 1 / (1 + np.exp(-scores[:, 0]))
    np.testing.assert_allclose(
        found.probabilities, np.stack([1 - positive, positive], 1), atol=1e-5
    )


def test_each_of_several_labels_has_a_score():
    inputs, values = body()
    model = keras.Model(inputs, layers.Dense(4, activation="sigmoid", name="head")(values))
    head, found = explain(model, classes=np.array([3, 1, 0]))
    scores, _ = logits(model)
    assert (head.kind, head.classes) == ("sigmoid", 4)
    np.testing.assert_allclose(found.scores, scores[range(3), [3, 1, 0]], atol=1e-5)
    np.testing.assert_allclose(found.probabilities, 1 / (1 + np.exp(-scores)), atol=1e-5)


@pytest.mark.parametrize(
    ("loss", "units", "kind"),
    [
        (keras.losses.SparseCategoricalCrossentropy(from_logits=True), 4, "softmax"),
        (keras.losses.BinaryCrossentropy(from_logits=True), 4, "sigmoid"),
        (keras.losses.BinaryCrossentropy(from_logits=True), 1, "binary"),
        ([keras.losses.CategoricalCrossentropy(from_logits=True)], 4, "softmax"),
    ],
)
def test_an_output_without_softmax_is_read_as_its_loss_reads_it(loss, units, kind):
    inputs, values = body()
    model = keras.Model(inputs, layers.Dense(units, name="head")(values))
    model.compile(loss=loss)
    head, found = explain(model)
    scores, _ = logits(model)
    assert (head.kind, head.target) == (kind, "score")
    if kind == "softmax":
        expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    else:
        expected = 1 / (1 + np.exp(-scores))
        if kind == "binary":
            expected = np.concatenate([1 - expected, expected], axis=1)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)


CROSS_ENTROPY = keras.losses.CategoricalCrossentropy(from_logits=True)


@pytest.mark.parametrize(
    ("names", "loss", "kind"),
    [
        (("a", "b"), {"a": CROSS_ENTROPY, "b": "mse"}, "softmax"),
        (("a", "b"), {"a": "mse", "b": CROSS_ENTROPY}, "linear"),
        (("b", "a"), {"b": CROSS_ENTROPY}, "linear"),  # the first by alphabet is "a"
        (None, [CROSS_ENTROPY, "mse"], "softmax"),
        (None, [None, CROSS_ENTROPY], "linear"),
    ],
)
def test_the_loss_of_the_output_that_is_explained_counts(names, loss, kind):
    inputs, values = body()
    outputs = [layers.Dense(4, name=f"head_{number}")(values) for number in range(2)]
    model = keras.Model(inputs, dict(zip(names, outputs, strict=True)) if names else outputs)
    model.compile(loss=loss)
    assert explain(model)[0].kind == kind


def test_a_regression_is_explained_as_it_is():
    inputs, values = body()
    model = keras.Model(inputs, layers.Dense(1, name="head")(values))
    model.compile(loss="mse")
    head, found = explain(model)
    scores, _ = logits(model)
    assert (head.kind, head.target) == ("linear", "output")
    assert found.probabilities is None
    np.testing.assert_allclose(found.scores, scores[:, 0], atol=1e-5)


class HomeMade(layers.Layer):
    """A softmax that nobody can recognize."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, values):
        values = ops.exp(self.factor * (values - ops.max(values, axis=-1, keepdims=True)))
        return values / ops.sum(values, axis=-1, keepdims=True)


def test_a_distribution_from_nowhere_is_explained_by_its_log_odds():
    inputs, values = body()
    model = keras.Model(inputs, HomeMade(1.0)(layers.Dense(4, name="head")(values)))
    head, found = explain(model)
    scores, weights = logits(model)
    assert (head.kind, head.target) == ("distribution", "log-odds against the other classes")
    best = scores.argmax(axis=1)
    centered = scores - scores.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found.scores, centered[range(3), best], atol=1e-5)
    slopes = (weights - weights.mean(axis=1, keepdims=True)).T[best] / 16
    np.testing.assert_allclose(found.gradients[:, 1, 1], slopes, atol=1e-6)


def test_if_probabilities_are_lost_the_runner_up_is_subtracted():
    inputs, values = body()
    dense = layers.Dense(4, name="head")
    model = keras.Model(inputs, HomeMade(1.0)(dense(values)))
    dense.set_weights([dense.get_weights()[0], np.array([0, 2, -200, -300], np.float32)])
    _, found = explain(model)
    scores, weights = logits(model)
    np.testing.assert_array_equal(found.classes, 1)
    np.testing.assert_allclose(found.scores, scores[:, 1] - scores[:, 0], atol=1e-4)
    expected = np.broadcast_to((weights[:, 1] - weights[:, 0]) / 16, (3, 3))
    np.testing.assert_allclose(found.gradients[:, 0, 0], expected, atol=1e-6)


@pytest.mark.parametrize("axis", [-1, 1])
def test_a_class_per_pixel_is_the_mean_over_the_picture(axis):
    inputs = keras.Input((4, 4, 2))
    values = layers.Conv2D(3, 1, name="conv")(inputs)
    if axis == 1:
        values = layers.Permute((3, 1, 2))(values)
    model = keras.Model(inputs, layers.Softmax(axis=axis)(values))
    head, found = explain(model, classes=np.array([0, 1, 2]))
    scores = keras.ops.convert_to_numpy(model.layers[1](X))
    assert (head.classes, head.axis) == (3, axis)
    np.testing.assert_allclose(
        found.scores, scores.mean(axis=(1, 2))[range(3), range(3)], atol=1e-6
    )
    np.testing.assert_allclose(found.gradients[1, 2, 2], [0, 1 / 16, 0], atol=1e-7)
    assert found.probabilities.shape == (3, 3)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)


def test_mixed_precision_finds_the_score_too():
    inputs = keras.Input((4, 4, 2))
    half = keras.DTypePolicy("mixed_float16")
    values = layers.Conv2D(3, 3, padding="same", name="conv", dtype=half)(inputs)
    values = layers.GlobalAveragePooling2D(dtype=half)(values)
    values = layers.Dense(4, name="head", dtype=half)(values)
    model = keras.Model(inputs, layers.Activation("softmax", dtype="float32")(values))
    head, found = explain(model)
    scores, _ = logits(model)
    assert head.kind == "softmax"
    np.testing.assert_allclose(found.scores, scores.max(axis=1), atol=1e-2)
    assert found.activations.dtype == found.gradients.dtype == np.float32
