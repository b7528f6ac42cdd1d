from __future__ import annotations

import keras
import numpy as np
import pytest

from tbviz.arrays.principal import principal_axes
from tbviz.arrays.resample import resize
from tbviz.errors import TbvizError
from tbviz.methods.hypercolumn import hypercolumns, hypercolumns_of, numbered

K = keras.layers


def built(*stack):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8, 8, 1)), *stack])
    model.compile(run_eagerly=True)
    return model


def stack():
    return [
        K.Conv2D(3, 3, padding="same", activation="relu", name="conv1"),
        K.MaxPooling2D(name="pool"),
        K.Conv2D(5, 3, padding="same", name="conv2"),
        K.GlobalAveragePooling2D(name="average"),
        K.Dense(2, name="classes"),
    ]


@pytest.fixture(scope="module")
def model():
    return built(*stack())


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).random((2, 8, 8, 1)).astype(np.float32)


def test_the_average_is_that_over_all_channels_of_all_layers():
    maps = {
        "fine": np.array([[[[4.0], [0.0]], [[0.0], [0.0]]]], np.float32),
        "coarse": np.array([[[[1.0, 2.0, 6.0]]]], np.float32),
    }
    found = hypercolumns_of(maps, (2, 2), normalize=False)
    # At the first pixel (4 + 1 + 2 + 6) / 4, elsewhere (0 + 1 + 2 + 6) / 4.
    np.testing.assert_allclose(found.mean, [[[3.25, 2.25], [2.25, 2.25]]])
    assert found.layers == ["fine", "coarse"]


def test_normalized_layers_have_equal_weight_whatever_their_values_and_channels():
    values = np.random.default_rng(0).normal(size=(2, 4, 4, 2)).astype(np.float32)
    other = np.random.default_rng(1).normal(size=(2, 4, 4, 1)).astype(np.float32)
    spread, other_spread = np.sqrt(values.var(axis=(0, 1, 2)).mean()), other.std()
    expected = (values.mean(axis=-1) / spread + other[..., 0] / other_spread) / 2
    plain = hypercolumns_of({"a": values, "b": other}, (4, 4))
    np.testing.assert_allclose(plain.mean, expected, atol=1e-5)
    # Many equal channels with larger values say nothing more.
    loud = hypercolumns_of({"a": np.repeat(values * 100, 8, axis=-1), "b": other}, (4, 4))
    np.testing.assert_allclose(loud.mean, plain.mean, atol=1e-5)
    np.testing.assert_allclose(loud.colors, plain.colors, atol=1e-4)


def test_layers_of_a_model_are_enlarged_to_the_images(model, x):
    found = hypercolumns(model, x, layers=[0, 2], normalize=False)
    conv1 = keras.ops.convert_to_numpy(model.layers[0](x))
    conv2 = keras.ops.convert_to_numpy(model.layers[2](model.layers[1](conv1)))
    stacked = np.concatenate([conv1, keras.ops.image.resize(conv2, (8, 8))], axis=-1)
    assert found.mean.shape == (2, 8, 8)
    np.testing.assert_allclose(found.mean, stacked.mean(axis=-1), atol=1e-5)
    assert found.layers == ["conv1", "conv2"]
    assert hypercolumns(model, x, layers=["conv1", "conv2"], size=(6, 3)).mean.shape == (2, 6, 3)
    assert hypercolumns(model, x).layers == ["conv1", "pool", "conv2"]


def test_colors_are_the_principal_components_of_the_whole_stack():
    random = np.random.default_rng(0)
    sources = random.normal(size=(2, 6, 6, 3)) * [6, 3, 1]
    maps = {
        name: (sources @ random.normal(size=(3, channels))).astype(np.float32)
        for name, channels in (("a", 4), ("b", 9))
    }
    found = hypercolumns_of(maps, (6, 6), normalize=False)
    whole = np.concatenate(list(maps.values()), axis=-1)
    expected = principal_axes(whole).colors(whole)
    for axis in range(3):  # up to their signs
        one, other = found.colors[..., axis], expected[..., axis]
        assert np.allclose(one, other, atol=2e-3) or np.allclose(one, 1 - other, atol=2e-3)


def test_a_reused_basis_gives_the_same_input_the_same_colors(model, x):
    first = hypercolumns(model, x, layers=[0, 1, 2])
    again = hypercolumns(model, x, layers=[0, 1, 2], basis=first.basis)
    np.testing.assert_array_equal(again.colors, first.colors)
    np.testing.assert_array_equal(again.mean, first.mean)
    # Weights are reused too: a layer that fades is not made as bright as before.
    maps = {"a": np.random.default_rng(0).random((1, 4, 4, 5)).astype(np.float32)}
    before = hypercolumns_of(maps, (4, 4))
    after = hypercolumns_of({"a": maps["a"] / 10}, (4, 4), basis=before.basis)
    np.testing.assert_allclose(after.mean, before.mean / 10, rtol=1e-5)
    with pytest.raises(TbvizError, match="a basis of 5 channels for layers of 3"):
        hypercolumns_of({"a": maps["a"][..., :3]}, (4, 4), basis=before.basis)


def test_a_layer_that_has_grown_a_thousandfold_drowns_no_other():
    random = np.random.default_rng(0)
    still, grown = random.normal(size=(2, 2, 6, 6, 4)).astype(np.float32)
    first = hypercolumns_of({"still": still, "grown": grown}, (6, 6))
    later = hypercolumns_of({"still": still, "grown": 1000 * grown}, (6, 6), basis=first.basis)
    np.testing.assert_allclose(later.mean, first.mean, atol=1e-5)
    np.testing.assert_allclose(later.colors, first.colors, atol=1e-4)


def test_numbers_are_those_of_keras(model):
    conv1, pool, conv2, *_ = model.layers
    assert numbered(model, [0, 2]) == [conv1, conv2]
    assert numbered(model, [[0], range(1, 3)]) == [[conv1], [pool, conv2]]
    assert numbered(model, np.int64(1)) is pool
    assert numbered(model, [-3, "conv1"]) == [conv2, "conv1"]
    assert numbered(model, "conv*") == "conv*"
    functional = keras.Model(model.inputs, model.outputs)
    assert numbered(functional, [1]) == [functional.layers[1]] == [conv1]  # 0 is its input
    with pytest.raises(TbvizError, match=r"number 5; model .* has 5 layers: 0 'conv1', 1 'pool'"):
        numbered(model, [0, 5])


def test_a_number_may_name_no_layer_with_maps(model, x):
    with pytest.raises(TbvizError, match=r"'classes'.*Layers that would fit: conv1, pool, conv2"):
        hypercolumns(model, x, layers=[0, 4])


def test_a_model_round_a_model_counts_the_inner_layers_and_has_the_same_values(model, x):
    inner = keras.Sequential(stack(), name="b")
    nested = built(keras.Sequential([inner], name="a"))
    nested.set_weights(model.get_weights())
    flat, deep = hypercolumns(model, x, layers=[0, 1, 2]), hypercolumns(nested, x, layers=[0, 1, 2])
    assert deep.layers == ["a/b/conv1", "a/b/pool", "a/b/conv2"]
    np.testing.assert_allclose(deep.mean, flat.mean, atol=1e-6)
    np.testing.assert_allclose(deep.colors, flat.colors, atol=1e-5)


def test_a_model_among_layers_counts_as_one_and_stands_for_its_output(model, x):
    front = keras.Sequential(stack()[:2], name="front")
    model_of_two = built(front, *stack()[2:])
    model_of_two.set_weights(model.get_weights())
    found = hypercolumns(model_of_two, x, layers=[0, 1], normalize=False)
    assert found.layers == ["front", "conv2"]
    np.testing.assert_allclose(
        found.mean, hypercolumns(model, x, layers=[1, 2], normalize=False).mean, atol=1e-6
    )


def test_a_model_without_maps_is_an_error():
    dense = keras.Sequential([keras.Input((4,)), K.Dense(3)])
    dense.compile(run_eagerly=True)
    with pytest.raises(TbvizError, match="this model has no layer with feature maps"):
        hypercolumns(dense, np.ones((2, 4), np.float32))


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("value", [0, 5, np.nan, np.inf])
def test_what_is_constant_or_not_finite_is_even(value, normalize):
    maps = {
        "a": np.full((2, 4, 4, 5), value, np.float32),
        "b": np.zeros((2, 2, 2, 300), np.float32),
    }
    found = hypercolumns_of(maps, (4, 4), normalize=normalize)
    assert len(np.unique(found.mean)) == 1
    assert len(np.unique(found.colors)) == 1
    # Once it varies, axes are sought again.
    maps["a"] = np.random.default_rng(0).random((2, 4, 4, 5)).astype(np.float32)
    later = hypercolumns_of(maps, (4, 4), normalize=normalize, basis=found.basis)
    assert np.ptp(later.colors) == 1


def test_a_pixel_that_is_not_finite_spoils_what_it_touches():
    maps = {"a": np.random.default_rng(0).random((2, 8, 8, 4)).astype(np.float32)}
    maps["a"][1, 2, 3, 1] = np.nan
    found = hypercolumns_of(maps, (8, 8))
    np.testing.assert_array_equal(np.argwhere(np.isnan(found.mean)), [[1, 2, 3]])
    assert not found.colors[1, 2, 3].any()
    assert np.ptp(found.colors) == 1
    assert np.isfinite(found.colors).all()
    assert np.array_equal(resize(found.mean[0], (8, 8)), found.mean[0])
