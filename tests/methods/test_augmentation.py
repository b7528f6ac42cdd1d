from __future__ import annotations

import keras
import numpy as np
import pytest

from tbviz.errors import TbvizError
from tbviz.methods.augmentation import Augmented, augmentation_layer, augmented_images
from tbviz.taps.inspector import inspector_for

K = keras.layers


def built(*stack, size=(6, 6, 1)):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(size), *stack])
    model.compile(run_eagerly=True)
    return model


def tail():
    return [K.Conv2D(2, 3, name="conv"), K.SpatialDropout2D(0.5), K.GlobalAveragePooling2D()]


def images(count=2):
    return np.arange(count * 36, dtype=np.float32).reshape(count, 6, 6, 1)


def test_draws_are_what_training_sees():
    model = built(K.Rescaling(1 / 72), K.RandomFlip("horizontal", seed=3, name="flip"), *tail())
    x = images()
    found = augmented_images(model, x, num_draws=12)
    assert found.layer == "flip"
    assert found.draws.shape == (2, 12, 6, 6, 1)
    np.testing.assert_allclose(found.images, x / 72, atol=1e-6)
    assert found.bounds == (0, 1)
    kinds = set()
    for image, draws in zip(found.images, found.draws, strict=True):
        for draw in draws:
            as_it_was, turned = np.allclose(draw, image), np.allclose(draw, image[:, ::-1])
            assert as_it_was != turned
            kinds.add(turned)
    assert kinds == {True, False}


def test_seeds_are_left_as_they_were():
    model = built(K.RandomFlip(seed=3), *tail())
    seeds = [value.numpy().copy() for value in model.layers[0].variables]
    first = augmented_images(model, images())
    for before, value in zip(seeds, model.layers[0].variables, strict=True):
        np.testing.assert_array_equal(before, value.numpy())
    np.testing.assert_array_equal(augmented_images(model, images()).draws, first.draws)


class Jitter(K.Layer):
    """A user's own, with a seed."""

    def __init__(self):
        super().__init__(name="jitter")
        self.seed = keras.random.SeedGenerator(1)

    def call(self, inputs, training=False):
        if not training:
            return inputs
        return inputs + keras.random.normal(keras.ops.shape(inputs), seed=self.seed)


class RandomGain(K.Layer):
    """A user's own, known by its name alone."""

    def call(self, inputs, training=False):
        return inputs * 2 if training else inputs


def flips():
    return [K.RandomFlip(name="flip"), K.RandomTranslation(0.2, 0.2, name="shift")]


@pytest.mark.parametrize(
    ("stack", "last"),
    [
        (flips, "shift"),
        (lambda: [*flips(), K.Rescaling(2.0)], "shift"),
        (lambda: [keras.Sequential(flips(), name="augmentation")], "augmentation"),
        (lambda: [K.GaussianNoise(0.1, name="noise")], "noise"),
        (lambda: [K.RandomFlip(), Jitter()], "jitter"),
        (lambda: [RandomGain(name="gain")], "gain"),
        (lambda: [K.Rescaling(1.0), K.Normalization(mean=0.0, variance=1.0)], None),
        (list, None),
    ],
)
def test_the_last_augmentation_layer_is_found(stack, last):
    model = built(*stack(), *tail())
    found = augmentation_layer(inspector_for(model).model_outputs(images()))
    assert (found and found.key) == last


def test_dropout_between_layers_with_weights_is_no_augmentation():
    model = built(*tail())
    with pytest.raises(TbvizError, match="has no augmentation layer"):
        augmented_images(model, images())


def test_layers_inside_models_are_found_and_have_the_same_values():
    x = images()

    def nested():
        inner = keras.Sequential([K.RandomFlip(seed=3, name="flip"), *tail()], name="inner")
        return built(keras.Sequential([inner], name="outer"))

    flat = augmented_images(built(K.RandomFlip(seed=3, name="flip"), *tail()), x)
    deep = augmented_images(nested(), x)
    assert deep.layer == "outer/inner/flip"
    np.testing.assert_array_equal(deep.draws, flat.draws)


def test_colors_are_in_the_range_of_the_images_and_cut():
    pictures = np.array([0, 0.5, 1, 0], np.float32).reshape(1, 2, 2, 1)
    draws = np.array([-1, np.nan, 2, 0.25], np.float32).reshape(1, 1, 2, 2, 1)
    shown = Augmented(pictures, draws, (0.0, 1.0), "a").colors
    assert shown.shape == (1, 2, 2, 2, 1)
    np.testing.assert_array_equal(shown.ravel(), [0, 0.5, 1, 0, 0, 0, 1, 0.25])
    even = Augmented(np.zeros((1, 2, 2, 4)), np.zeros((1, 3, 2, 2, 4)), (0.0, 0.0), "a").colors
    assert even.shape == (1, 4, 2, 2, 3)
    assert not even.any()


@pytest.mark.parametrize("value", [np.nan, np.inf, 0])
def test_images_of_one_value_are_even(value):
    model = built(K.RandomFlip(), *tail())
    found = augmented_images(model, np.full((1, 6, 6, 1), value, np.float32), num_draws=2)
    assert np.ptp(found.colors) == 0
