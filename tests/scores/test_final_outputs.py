"""Models with several outputs: which there are, their heads, scores and gradients by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from one_layer import class_gradients

from tbviz.errors import TbvizError
from tbviz.methods.cams.maps import grad_cam
from tbviz.methods.maximization import maximize_classes
from tbviz.methods.maximization.settings import Ascent
from tbviz.methods.perturbed_model import PerturbedModel
from tbviz.methods.saliency.maps import saliency_maps
from tbviz.methods.saliency.registry import ATTRIBUTIONS
from tbviz.scores.class_target import ClassTarget
from tbviz.scores.gradients import input_gradients
from tbviz.scores.output_head import head_of
from tbviz.scores.recording import record, scores_in_batches
from tbviz.scores.target import Target
from tbviz.taps.inspector import ModelInspector
from tbviz.taps.select import cam_layer

X = np.array(
    [
        [[[1.0, 2.0], [3.0, 0.0]], [[2.0, 1.0], [2.0, 1.0]]],
        [[[0.0, 1.0], [1.0, 5.0]], [[1.0, 3.0], [0.0, 3.0]]],
    ],
    np.float32,
)
FIRST = np.array([[1.0, 0.0, -1.0], [0.0, 2.0, 1.0]], np.float32)
SECOND = np.array([[3.0, -1.0], [1.0, 2.0]], np.float32)
MEANS = np.array([[2.0, 1.0], [0.5, 3.0]], np.float32)
"""Of each channel of each image."""


def two(names=None, second="sigmoid"):
    """The mean of each channel, a softmax over three classes and `second` over two labels."""
    inputs = keras.Input((2, 2, 2))
    maps = layers.Conv2D(2, 1, use_bias=False, name="maps")(inputs)
    means = layers.GlobalAveragePooling2D()(maps)
    first = layers.Dense(3, activation="softmax", use_bias=False, name="kind")
    last = layers.Dense(2, activation=second, use_bias=False, name="marks")
    outputs = [first(means), last(means)]
    model = keras.Model(inputs, dict(zip(names, outputs, strict=True)) if names else outputs)
    model.get_layer("maps").set_weights([np.eye(2, dtype=np.float32)[None, None]])
    first.set_weights([FIRST])
    last.set_weights([SECOND])
    return model


@pytest.mark.parametrize(
    ("names", "given", "index"),
    [
        (None, None, 0),
        (None, 1, 1),
        (None, "kind", 0),
        (None, "marks", 1),
        (("a", "b"), "b", 1),
        (("a", "b"), "kind", 0),
        (("z", "b"), None, 0),  # a dict is flattened by its keys: "b" is the first
        (("z", "b"), "b", 0),
        (("z", "b"), "kind", 1),
        (("marks", "kind"), "kind", 0),  # a key counts before the name of the layer
    ],
)
def test_an_output_is_named_by_index_by_key_or_by_its_name_in_keras(names, given, index):
    found = ModelInspector(two(names)).model_outputs(X)
    assert found.final_output(given).index == index
    softmax = index if names is None or names[0] == "a" else 1 - index
    kind = ("softmax", "sigmoid")[softmax]
    assert head_of(found, given).kind == kind
    assert head_of(found, given).output == index


@pytest.mark.parametrize("given", [2, -1, "mark", "c"])
def test_an_output_that_there_is_not_is_an_error_that_lists_them(given):
    found = ModelInspector(two()).model_outputs(X)
    near = "did you mean 'marks'" if given == "mark" else ""
    pattern = rf"output received {given!r}.*{near}.*0 \('kind'\), 1 \('marks'\)"
    with pytest.raises(TbvizError, match=pattern):
        head_of(found, given)


def test_scores_and_probabilities_of_each_output():
    inspector = ModelInspector(two())
    for output, weights in ((0, FIRST), (1, SECOND)):
        scores = MEANS @ weights
        expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        if output:
            expected = 1 / (1 + np.exp(-scores))
        recording = record(inspector, (), X, output=output)
        np.testing.assert_allclose(recording.scores, scores, atol=1e-6)
        np.testing.assert_allclose(recording.probabilities, expected, atol=1e-6)
        found = scores_in_batches(inspector, X, 1, output)
        np.testing.assert_allclose(found[0], scores, atol=1e-6)
        np.testing.assert_allclose(found[1], expected, atol=1e-6)


@pytest.mark.parametrize("names", [None, ("a", "b")])
def test_gradients_of_the_second_output(names):
    inspector = ModelInspector(two(names))
    maps = inspector.model_outputs(X).outputs["maps"]
    target = ClassTarget(np.array([1, 0]), output=1)
    assert head_of(inspector.model_outputs(X), 1).target.startswith(
        "score before sigmoid of output"
    )
    found = class_gradients(inspector, maps, X, target.classes, output=1)
    np.testing.assert_allclose(found.scores, [-2 + 2, 1.5 + 3], atol=1e-6)
    # The mean over four pixels: a quarter of a weight at each.
    expected = SECOND.T[[1, 0]][:, None, None, :] / 4 * np.ones_like(X)
    np.testing.assert_allclose(found.gradients, expected, atol=1e-6)
    np.testing.assert_allclose(input_gradients(inspector, X, target).gradients, expected, atol=1e-6)


def test_a_class_that_only_the_first_output_has_is_an_error():
    with pytest.raises(TbvizError, match=r"received classes \[2, 2\]; the model has 2"):
        grad_cam(two(), X, targets=Target(2, output="marks"))


def test_maps_of_each_output_and_a_list_for_a_list():
    targets = [0, Target(1, output="marks"), Target("predicted", output=1), Target(0, against=2)]
    model = two()
    found = grad_cam(model, X, targets=targets, method="hirescam")
    # The positive part of the sum over the channels of weight / 4 times the channel.
    weights = [FIRST[:, 0], SECOND[:, 1], np.stack([SECOND[:, 0], SECOND[:, 1]])]
    weights.append(FIRST[:, 0] - FIRST[:, 2])
    for one, weight in zip(found, weights, strict=True):
        expected = np.maximum((X * np.broadcast_to(weight, (2, 2))[:, None, None] / 4).sum(-1), 0)
        np.testing.assert_allclose(one.maps, expected, atol=1e-6)
    assert found[2].classes.tolist() == [0, 1]
    assert [one.target for one in found] == [
        "score before softmax",
        "score before sigmoid of output 'marks'",
        "score before sigmoid of output 'marks'",
        "score before softmax, less that of another class",
    ]
    [alone] = grad_cam(model, X, targets=[1], output="marks")
    np.testing.assert_array_equal(alone.scores, found[1].scores)
    assert not isinstance(grad_cam(model, X, targets=1), list)


@pytest.mark.parametrize("method", ATTRIBUTIONS)
def test_saliency_of_the_second_output_is_that_of_a_model_of_it_alone(method):
    model = two()
    alone = keras.Model(model.input, model.outputs[1])
    found = saliency_maps(model, X, targets=[1, Target(0, output=1), 1], method=method)
    expected = saliency_maps(alone, X, targets=0, method=method)
    np.testing.assert_allclose(found[1].maps, expected.maps, atol=1e-6)
    np.testing.assert_allclose(found[1].probabilities, expected.probabilities, atol=1e-6)
    np.testing.assert_array_equal(found[0].maps, found[2].maps)
    assert np.abs(found[0].maps - found[1].maps).max() > 1e-3


def test_score_cam_masks_for_the_output_that_is_explained():
    model = two()
    alone = keras.Model(model.input, model.outputs[1])
    found = grad_cam(model, X, targets=Target(0, output=1), method="score-cam")
    np.testing.assert_allclose(
        found.maps, grad_cam(alone, X, targets=0, method="score-cam").maps, atol=1e-6
    )


def test_perturbed_images_are_scored_on_the_output_of_the_model():
    for output, weights in ((0, FIRST), (1, SECOND)):
        perturbed = PerturbedModel(ModelInspector(two()), X, output=output)
        np.testing.assert_allclose(perturbed.unperturbed.scores[:, 0], MEANS @ weights, atol=1e-6)
        np.testing.assert_allclose(
            perturbed.filled(1.0).scores[:, 0], np.ones((2, 2)) @ weights, atol=1e-6
        )
        found = perturbed.evaluate("half", lambda index: X[index][None] / 2)
        np.testing.assert_allclose(found.scores[:, 0], MEANS @ weights / 2, atol=1e-6)


def test_classes_of_each_output_are_maximized():
    model, settings = two(), Ascent.of_classes()
    alone = keras.Model(model.input, model.outputs[1])
    found = maximize_classes(model, classes=[0, 1], ascent=settings, output="marks")
    expected = maximize_classes(alone, classes=[0, 1], ascent=settings)
    np.testing.assert_allclose(found.images, expected.images, atol=1e-4)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-4)
    assert found.target == "score before sigmoid of output 'marks'"
    with pytest.raises(TbvizError, match="classes received 2"):
        maximize_classes(model, classes=[2], output=1)


@pytest.mark.parametrize("output", [0, 1])
def test_the_layer_is_the_last_that_the_output_depends_on(output):
    inputs = keras.Input((4, 4, 2))
    trunk = layers.Conv2D(2, 1, name="trunk")(inputs)
    ends = []
    for name in ("left", "right"):
        maps = layers.Conv2D(2, 1, name=name)(trunk)
        ends.append(layers.Dense(2, name=f"end_{name}")(layers.GlobalAveragePooling2D()(maps)))
    model_outputs = ModelInspector(keras.Model(inputs, ends)).model_outputs(
        np.ones((1, 4, 4, 2), np.float32)
    )
    assert cam_layer(model_outputs, output).key == ("left", "right")[output]


def test_the_loss_of_each_output_counts():
    model = two(("a", "b"), second=None)
    model.compile(loss={"a": None, "b": keras.losses.BinaryCrossentropy(from_logits=True)})
    found = ModelInspector(model).model_outputs(X)
    assert (head_of(found, "b").kind, head_of(found, "b").logits) == ("sigmoid", True)


def test_a_distribution_from_nowhere_is_found_for_each_output():
    inputs = keras.Input((3,))
    shares = inputs / keras.ops.sum(inputs, axis=-1, keepdims=True)
    model = keras.Model(inputs, [layers.Dense(3)(inputs), shares])
    found = ModelInspector(model).model_outputs(np.ones((2, 3), np.float32))
    assert [head_of(found, index).kind for index in (0, 1)] == ["linear", "distribution"]
