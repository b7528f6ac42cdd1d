from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from tbviz.errors import TbvizError
from tbviz.methods import maximize_filters
from tbviz.methods.maximization.ascent import maximize
from tbviz.methods.maximization.canvas import canvas_of
from tbviz.methods.maximization.objectives import window
from tbviz.methods.maximization.settings import Ascent
from tbviz.methods.maximization.transforms import Transforms
from tbviz.taps.inspector import ModelInspector

STILL = Transforms(jitter=0, scale=0)


def network(channels=3, size=16, **kwargs):
    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [
            keras.Input((size, size, channels)),
            layers.Conv2D(6, 3, activation="relu", name="conv1", **kwargs),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, activation="relu", name="conv2"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4, activation="softmax", name="classes"),
        ]
    )
    model.compile("sgd", "mse")
    return model


def run(model, layer, channels, inspector=None, **kwargs):
    inspector = inspector or ModelInspector(model)
    canvas = canvas_of(model)
    output = inspector.model_outputs(canvas.blank(1)).outputs[layer]
    settings = kwargs.pop("settings", Ascent(steps=12))
    return maximize(inspector, output, channels, canvas, settings, **kwargs)


class Draws(layers.Layer):
    """Draws also when the model predicts."""

    def __init__(self):
        super().__init__()
        self.seeds = keras.random.SeedGenerator(5)

    def call(self, values):
        return values + 0.1 * keras.random.normal(keras.ops.shape(values), seed=self.seeds)


def test_after_a_layer_that_draws_when_it_predicts():
    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [keras.Input((16, 16, 3)), Draws(), layers.Conv2D(4, 3, name="conv"), layers.Flatten()]
    )
    before = [keras.ops.convert_to_numpy(variable) for variable in model.variables]
    found = run(model, "conv", [0, 1, 2])
    assert np.all(found.after > found.before)
    np.testing.assert_array_equal(found.images, run(model, "conv", [0, 1, 2]).images)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), value)


def test_the_window_leaves_the_border_out_and_has_mean_one():
    weights = window(32, 15)
    assert weights.mean() == pytest.approx(1)
    assert not weights[:2].any()
    assert not weights[30:].any()
    assert np.all(weights[2:30] > 0)
    np.testing.assert_allclose(window(1, 1), 1)


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_every_channel_rises(layer):
    model = network()
    count = model.get_layer(layer).filters
    found = run(model, layer, range(count))
    assert found.channels == list(range(count))
    assert found.images.shape == (count, 16, 16, 3)
    assert found.images.min() >= 0
    assert found.images.max() <= 1
    assert np.all(found.after > found.before)


def test_a_class_rises_too():
    model = network()
    found = run(model, "classes", [0, 3])
    assert np.all(found.after > found.before)


def test_the_same_seed_repeats_and_another_differs():
    model = network()
    inspector = ModelInspector(model)
    first = run(model, "conv2", [0, 1], inspector)
    np.testing.assert_array_equal(first.images, run(model, "conv2", [0, 1]).images)
    other = run(model, "conv2", [0, 1], inspector, seed=1)
    assert not np.allclose(first.images, other.images, atol=0.01)


def test_channels_do_not_interfere():
    model = network()
    inspector = ModelInspector(model)
    merged = run(model, "conv2", [5, 0, 2], inspector)
    alone = [run(model, "conv2", [channel], inspector).images[0] for channel in (5, 0, 2)]
    np.testing.assert_allclose(merged.images, alone, atol=1e-4)
    assert inspector.traces == 2  # a batch of three and a batch of one


def test_a_warm_start_continues():
    model = network()
    inspector = ModelInspector(model)
    cold = run(model, "conv2", [0, 1, 2], inspector)
    warm = run(model, "conv2", [0, 1, 2], inspector, start=cold.coefficients)
    np.testing.assert_allclose(warm.before, cold.after, rtol=1e-4)
    assert np.all(warm.after > cold.after)
    assert inspector.traces == 1


def test_a_gray_input_gives_gray_images():
    assert run(network(channels=1), "conv1", [0]).images.shape == (1, 16, 16, 1)


def test_a_filter_is_activated_by_its_own_pattern():
    """White where one linear filter's weights are positive and black where they are negative."""
    model = keras.Sequential(
        [keras.Input((5, 5, 1)), layers.Conv2D(1, 5, use_bias=False, name="filter")]
    )
    pattern = np.outer([1, 2, 3, 2, 1], [-1, -2, 0, 2, 1]).astype(np.float32)
    model.layers[0].set_weights([pattern[..., None, None]])
    settings = Ascent(steps=80, rate=0.05, start=0.0, transforms=STILL)
    found = run(model, "filter", [0], settings=settings)
    image = found.images[0, ..., 0]
    assert found.before == pytest.approx(0, abs=1e-5)  # even gray: the weights' sum is zero
    assert found.after[0] > 0.7 * pattern[pattern > 0].sum()
    assert np.all(image[pattern >= 2] > 0.5)  # weak ones may follow a strong neighbor
    assert np.all(image[pattern <= -2] < 0.5)
    assert np.corrcoef(image.ravel(), pattern.ravel())[0, 1] > 0.8


def test_a_filter_that_is_off_rises_nevertheless():
    model = network(bias_initializer=keras.initializers.Constant(-5.0))
    found = run(model, "conv1", [0, 1])
    assert np.all(found.before < 0)
    assert np.all(found.after > found.before)
    assert found.images.std() > 0.05


def test_later_layers_do_not_run():
    calls = []

    class Behind(layers.Layer):
        def call(self, values):
            calls.append(values)
            return values

    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(2, 3, name="c"), Behind(), layers.Flatten()]
    )
    inspector = ModelInspector(model)
    inspector.model_outputs(canvas_of(model).blank(1))
    calls.clear()
    run(model, "c", [0], inspector)
    assert not calls


def test_a_model_of_several_inputs_is_painted_on_where_it_takes_an_image():
    keras.utils.set_random_seed(2)
    numbers, picture = keras.Input((4,), name="numbers"), keras.Input((8, 8, 3), name="picture")
    values = layers.Conv2D(2, 3, name="conv")(picture)
    values = layers.Concatenate()([layers.Flatten()(values), numbers])
    scaled = layers.Multiply(name="gate")(
        [layers.Conv2D(2, 3)(picture), layers.Reshape((1, 1, 2))(layers.Dense(2)(numbers))]
    )
    model = keras.Model({"numbers": numbers, "picture": picture}, [layers.Dense(2)(values), scaled])
    model.run_eagerly = True
    first = run(model, "conv", [0, 1], settings=Ascent(steps=4))
    assert np.all(first.after > first.before)
    inspector = ModelInspector(model)
    found = []
    for sign in (1, -1):  # the other inputs are those of the first image that was given
        images = {
            "numbers": np.full((2, 4), sign, np.float32),
            "picture": np.random.default_rng(0).random((2, 8, 8, 3)).astype(np.float32),
        }
        gate = inspector.model_outputs(images).outputs["gate"]
        canvas = canvas_of(model, images)
        found.append(maximize(inspector, gate, [0], canvas, Ascent(steps=4)).images)
    assert not np.allclose(*found, atol=0.01)


def test_an_input_of_unknown_size_needs_images():
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, layers.Conv2D(2, 3, name="conv")(inputs))
    with pytest.raises(TbvizError, match=r"of unknown size; pass images="):
        maximize_filters(model)
    images = np.random.default_rng(0).random((1, 12, 10, 3)).astype(np.float32)
    found = maximize_filters(model, images=images, ascent=Ascent(steps=2))
    assert found["conv"].images.shape == (2, 12, 10, 3)


def test_a_model_without_an_image_is_an_error():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(2)])
    with pytest.raises(TbvizError, match="none of the model's inputs"):
        maximize_filters(model)
    subclassed = type("Plain", (keras.Model,), {"call": lambda self, x: x})()
    with pytest.raises(TbvizError, match="not known from the model itself; pass images="):
        maximize_filters(subclassed)


def test_whole_numbers_have_no_gradient_and_raise_an_error():
    inputs = keras.Input((8, 8, 3), dtype="uint8")
    values = layers.Rescaling(1 / 255)(inputs)
    model = keras.Model(inputs, layers.Conv2D(2, 3, name="conv")(values))
    with pytest.raises(TbvizError, match=r"no gradient of .* reaches the input"):
        maximize_filters(model, ascent=Ascent(steps=2))


def test_a_model_that_rescales_by_itself_takes_bytes():
    inside = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Rescaling(1 / 127.5, offset=-1), layers.Conv2D(1, 3)]
    )
    assert (canvas_of(inside).low, canvas_of(inside).high) == (0, 255)


def test_filters_of_a_saved_and_loaded_model(tmp_path):
    model = network()
    model.run_eagerly = True
    before = maximize_filters(model, filters=2, ascent=Ascent(steps=3))
    assert list(before) == ["conv1", "conv2"]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    loaded.run_eagerly = True
    after = maximize_filters(loaded, filters=2, ascent=Ascent(steps=3))
    for key, one in before.items():
        np.testing.assert_allclose(one.images, after[key].images, atol=1e-4)
    only = maximize_filters(loaded, layers="conv2", filters=[7], ascent=Ascent(steps=1))
    assert only["conv2"].channels == [7]


@pytest.mark.parametrize(
    ("mean", "variance", "bounds"),
    [([0.48, 0.45, 0.4], [0.05, 0.05, 0.06], (0, 1)), ([118] * 3, [3600] * 3, (0, 255))],
)
def test_a_mean_that_the_model_subtracts_implies_the_range(mean, variance, bounds):
    normalization = layers.Normalization(mean=mean, variance=variance)
    canvas = canvas_of(
        keras.Sequential([keras.Input((8, 8, 3)), normalization, layers.Conv2D(1, 3)])
    )
    assert (canvas.low, canvas.high) == bounds
