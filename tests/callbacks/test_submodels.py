"""Several submodels in one log directory: a generator's callbacks and a discriminator's."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from callbacks.nets import K, compiled, data, ends, metas, monitor, notices, positions, tiles, tree
from callbacks.test_submodel import fitted_gan, noise

import tbviz
from tbviz.images.sheet import decode
from tbviz.methods.maximization.settings import Ascent
from tbviz.store.read.reader import open_reader

WHOLE = "overview", "hypercolumns", "hypercolumns:colors"


def series(log_dir):
    return set(open_reader(log_dir).series())


def probe_of(log_dir):
    """The probe record and its images as pixels."""
    run = open_reader(log_dir)
    [entry] = run.segments[-1].probes
    return entry.meta, [decode(run.read(sheet)).pixels for sheet in entry.sheets]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A GAN that was trained while both its halves were captured in one log directory."""
    log_dir = tmp_path_factory.mktemp("gan")
    x, y = data(2)
    callbacks = [
        tbviz.ActivationGrid(log_dir, noise(), submodel="generator", strict=True),
        tbviz.FilterMaximization(log_dir, submodel="generator", strict=True),
        tbviz.FilterMaximization(
            log_dir, layers="conv", ascent=Ascent(steps=2), submodel="discriminator", strict=True
        ),
        monitor(log_dir, x, y, ["real", "fake", "odd"], "conv", submodel="discriminator"),
    ]
    return log_dir, fitted_gan(callbacks, run_eagerly=False)


def test_layer_paths_begin_with_the_submodel(run):
    log_dir, _ = run
    assert positions(log_dir) == [(1, 0, None, False), (1, 1, None, False)]
    assert ends(log_dir) == ["finished"]
    assert series(log_dir) == {
        *(("activations", f"generator/{layer}") for layer in ("up", "paint")),
        ("activations:colors", "generator/up"),
        ("overview", "generator"),
        *(("activations", f"discriminator/{layer}") for layer in ("conv", "leaky")),
        *(("activations:colors", f"discriminator/{layer}") for layer in ("conv", "leaky")),
        *((kind, "discriminator") for kind in WHOLE),
        ("cam", "discriminator/leaky"),
        ("kernels", "discriminator/conv"),
        ("maximization", "discriminator/conv"),
    }
    for meta in metas(log_dir, "health"):
        assert all(path.startswith("discriminator/") for path in meta["layers"])
        assert all(one["layer"].startswith("discriminator") for one in meta.get("advice", ()))
    layouts = {(one["picture"], one["layer"]): one for one in metas(log_dir, "layout")}
    assert set(layouts["overview", "generator"]["column_layers"]) == {
        "generator/up",
        "generator/paint",
    }
    stacks = layouts["hypercolumns", "discriminator"]["stacks"]
    assert {path.split("/")[0] for stack in stacks for path in stack} == {"discriminator"}


def test_both_submodels_are_roots_of_the_layer_tree(run):
    log_dir, _ = run
    nodes = tree(log_dir)
    assert [path for path, node in nodes.items() if node["parent"] is None] == [
        "generator",
        "discriminator",
    ]
    assert nodes["generator"]["class"] == "Sequential"
    assert nodes["generator"]["kinds"] == ["overview"]
    assert nodes["generator/up"]["parent"] == "generator"
    assert nodes["generator/up"]["name"] == "up"
    assert nodes["generator/up"]["kinds"] == ["activations", "activations:colors"]
    assert "health" in nodes["discriminator/conv"]["kinds"]
    model = metas(log_dir, "model")[-1]
    assert (model["name"], model["class"]) == ("gan", "Gan")
    parts = [nodes[name]["parameters"] for name in ("generator", "discriminator")]
    assert model["parameters"] == sum(parts)


def test_the_images_of_all_submodels_are_one_list(run):
    log_dir, gan = run
    x, y = data(2)
    meta, pixels = probe_of(log_dir)
    names = [["real", "fake", "odd"][label] for label in y]
    assert [one["name"] for one in meta["images"]][:2] == ["image 0", "image 1"]
    assert [one["class"] for one in meta["images"]] == [None, None, *names]
    assert [one.get("class_names") for one in meta["images"]] == [
        *([None] * 2),
        *([["real", "fake", "odd"]] * 2),
    ]
    assert meta["size"] == [8, 8]
    assert len({one["name"] for one in meta["images"]}) == 4
    assert all(np.all(one == 128) for one in pixels[:2])
    assert all(np.ptp(one) > 0 for one in pixels[2:])
    layouts = {(one["picture"], one["layer"]): one for one in metas(log_dir, "layout")}
    assert "probes" not in layouts["activations", "generator/up"]
    assert layouts["activations", "discriminator/conv"]["probes"] == [2, 3]
    shown = [one["name"] for one in meta["images"]]
    assert layouts["activations:colors", "generator/up"]["titles"] == shown[:2]
    assert layouts["activations:colors", "discriminator/conv"]["titles"] == shown[2:]
    # Each submodel is shown its own images.
    for part, probe, layer, number in (
        (gan.discriminator, x, "conv", 1),
        (gan.generator, noise(), "up", 1),
    ):
        value = probe
        for inner in part.layers:
            value = inner(value)
            if inner.name == layer:
                break
        name = "discriminator" if part is gan.discriminator else "generator"
        found, half = tiles(log_dir, "activations", f"{name}/{layer}", 1, number)
        expected = np.moveaxis(keras.ops.convert_to_numpy(value)[number], -1, 0)
        assert np.all(np.abs(found - expected) <= half * 1.01 + 1e-6)


def test_images_without_class_scores_have_no_predictions(run):
    log_dir, gan = run
    found = metas(log_dir, "predictions")
    assert [len(meta["images"]) for meta in found] == [4, 4]
    scores = keras.ops.convert_to_numpy(gan.discriminator(data(2)[0]))[:, 0]
    images = found[-1]["images"]
    assert images[:2] == [[], []]
    assert [one[0][0] for one in images[2:]] == [0, 0]
    np.testing.assert_allclose([one[0][1] for one in images[2:]], scores, rtol=1e-4)
    assert {meta["scale"] for meta in found} == {"score"}


def test_notices_name_the_submodel(run):
    log_dir, _ = run
    left_out = {one["method"]: one["layer"] for one in notices(log_dir) if "left" in one["text"]}
    assert left_out["Augmentation"] == "discriminator"
    assert left_out["FilterMaximization"] == "generator"  # it takes no images
    replaced = {one["method"] for one in notices(log_dir) if one["event"] == "replaced"}
    assert replaced == {"FilterMaximization"}  # by the discriminator's, not by the generator's
    # The discriminator's grid is another model's, and so replaces nothing.
    assert [one for one in notices(log_dir, "warning") if one["event"] != "advice"] == []


def test_training_is_bit_identical(run):
    plain = fitted_gan([], run_eagerly=False)
    for with_us, without in zip(run[1].get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(with_us, without)


@pytest.fixture(scope="module")
def monitors(tmp_path_factory):
    """A GAN with a `Monitor` of each half, and callbacks that replace some of one of them."""
    log_dir = tmp_path_factory.mktemp("monitors")
    x, _ = data(2)
    ours = [
        monitor(log_dir, noise(3), None, None, None, submodel="generator"),
        monitor(log_dir, x, None, None, "conv", submodel="discriminator"),
        tbviz.GradCAM(log_dir, x, layers="conv", method="layercam", submodel="discriminator"),
    ]
    fitted_gan(ours)
    return log_dir


def test_two_monitors_of_two_submodels(monitors):
    names = {layer.partition("/")[0] for _, layer in series(monitors)}
    assert names == {"generator", "discriminator"}
    for meta in metas(monitors, "health"):
        assert len({path.partition("/")[0] for path in meta["layers"]}) == 1
    assert len(metas(monitors, "health")) == 4  # of each half and epoch
    assert [len(meta["images"]) for meta in metas(monitors, "predictions")] == [5, 5]
    run = open_reader(monitors)
    assert {layer.partition("/")[0] for layer in run.segments[0].health.channels} == names
    assert ends(monitors) == ["finished"]


def test_a_callback_replaces_monitors_own_of_the_same_submodel_alone(monitors):
    cams = {one for one in series(monitors) if one[0].startswith("cam")}
    assert cams == {("cam:layercam", "discriminator/conv"), ("cam", "generator/up")}
    replaced = [one for one in notices(monitors) if one["event"] == "replaced"]
    assert [(one["method"], one["layer"]) for one in replaced] == [("GradCAM 2", "discriminator")]


def test_a_submodel_that_is_not_found_disables_its_own_callbacks_alone(tmp_path, messages):
    x, _ = data(2)
    fitted_gan(
        [
            tbviz.Kernels(tmp_path, submodel="critic"),
            tbviz.ActivationGrid(tmp_path, x, submodel="discriminator"),
            tbviz.Kernels(tmp_path),
        ]
    )
    drawn = {layer for kind, layer in series(tmp_path) if kind == "activations"}
    assert drawn == {"discriminator/conv", "discriminator/leaky"}
    assert series(tmp_path).isdisjoint({("kernels", "discriminator/conv")})
    texts = messages()
    assert len(texts) == 2
    assert "at critic: submodel='critic' leads to nothing" in texts[0]
    assert "model 'gan' has no call()" in texts[1]
    strict = tbviz.Kernels(tmp_path, submodel="critic", strict=True)
    with pytest.raises(tbviz.TbvizError, match="leads to nothing"):
        fitted_gan([tbviz.Kernels(tmp_path, submodel="generator"), strict])


def test_functions_that_lead_to_models_of_one_name_have_paths_of_their_own(tmp_path):
    fitted_gan(
        [
            tbviz.Kernels(tmp_path, submodel=lambda model: model.generator),
            tbviz.Kernels(tmp_path, submodel=lambda model: model.generator),
        ],
        epochs=1,
    )
    drawn = {layer for kind, layer in series(tmp_path) if kind == "kernels"}
    assert drawn == {f"{name}/{layer}" for name in ("painter", "painter_2") for layer in MAPS}


MAPS = "up", "paint"


def pair():
    """A model that can be called, with a part that takes smaller images."""
    keras.utils.set_random_seed(0)
    inner = keras.Sequential(
        [
            keras.Input((4, 4, 2)),
            K.Conv2D(2, 3, name="deep"),
            K.GlobalAveragePooling2D(),
            K.Dense(3, activation="softmax"),
        ],
        name="inner",
    )
    outer = [keras.Input((8, 8, 1)), K.Conv2D(2, 3, strides=2, padding="same", name="outer"), inner]
    return compiled(keras.Sequential(outer, name="whole"), run_eagerly=True)


def test_the_fitted_model_and_a_part_of_it_with_smaller_images(tmp_path):
    x, y = data(8)
    small = np.random.default_rng(0).random((3, 4, 4, 2)).astype("float32") * 9
    part = tbviz.ActivationGrid(tmp_path, small, [2, 1, 0], submodel="inner", strict=True)
    whole = tbviz.LayerHealth(tmp_path, x[:2], y[:2], layers="outer", strict=True)
    pair().fit(x, y, 4, 2, verbose=0, callbacks=[whole, part])
    meta, pixels = probe_of(tmp_path)
    assert meta["size"] == [8, 8]
    assert len({tuple(one["range"]) for one in meta["images"]}) == 2
    for image in pixels[2:]:  # each pixel is repeated
        np.testing.assert_array_equal(image, image[::2, ::2].repeat(2, 0).repeat(2, 1))
    [layout] = [one for one in metas(tmp_path, "layout") if one["picture"] == "activations"]
    assert (layout["layer"], layout["probes"]) == ("inner/deep", [2, 3, 4])
    [*_, predicted] = metas(tmp_path, "predictions")
    assert predicted["scale"] == "probability"
    assert [len(one) for one in predicted["images"]] == [3] * 5
    assert [*metas(tmp_path, "health")[0]["layers"]] == ["outer"]
    assert "inner" in tree(tmp_path)


def test_each_submodel_is_captured_by_its_own_schedule(tmp_path):
    x, _ = data(2)
    fitted_gan(
        [
            tbviz.ActivationGrid(tmp_path, x, submodel="discriminator", strict=True),
            tbviz.ActivationGrid(
                tmp_path, noise(), submodel="generator", schedule=3, strict=True, overview=False
            ),
        ],
        epochs=5,
    )
    drawn = {}
    for meta in metas(tmp_path, "activations"):
        drawn.setdefault(meta["layer"], []).append(meta["epoch"])
    assert drawn["discriminator/conv"] == [0, 1, 2, 3, 4]
    assert drawn["generator/up"] == [0, 3, 4]
    assert all(len(meta["images"]) == 4 for meta in metas(tmp_path, "predictions"))
    assert {"generator/up", "discriminator/conv"} <= tree(tmp_path).keys()


def test_weights_of_any_submodel_that_are_restored_are_captured(tmp_path):
    class Restore(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            for weight in self.model.generator.weights:
                weight.assign(keras.ops.zeros_like(weight))

    callbacks = [
        Restore(),
        tbviz.Kernels(tmp_path, submodel="discriminator", strict=True),
        tbviz.Kernels(tmp_path, submodel="generator", strict=True),
    ]
    fitted_gan(callbacks)
    final = {meta["layer"] for meta in metas(tmp_path, "kernels") if meta.get("final")}
    assert {"discriminator/conv", "generator/up"} <= final


def test_weights_that_are_not_finite_are_reported_under_the_submodel(tmp_path):
    class Break(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                kernel = self.model.discriminator.layers[0].kernel
                kernel.assign(kernel * float("nan"))

    x, _ = data(2)
    callbacks = [
        Break(),
        tbviz.LayerHealth(tmp_path, x, submodel="discriminator", strict=True),
        tbviz.LayerHealth(tmp_path, noise(), submodel="generator", strict=True),
    ]
    fitted_gan(callbacks)
    layers = {
        one["layer"] for one in notices(tmp_path, "warning") if one["event"] == "weights_not_finite"
    }
    assert "discriminator/conv" in layers
    advice = open_reader(tmp_path).segments[0].health.advice
    # The generator's record at the same position, which has no advice, takes nothing back.
    [(position, text)] = advice["discriminator/conv", "weights-nonfinite"]
    assert position == 1
    assert text.startswith("Weights of conv and 1 more layer became NaN")


def test_a_layer_that_is_captured_both_ways_is_logged_once_and_named(tmp_path):
    """A layer of the fitted model, and of the submodel that it is inside of."""
    x, y = data(4)
    small = np.zeros((1, 4, 4, 2), "float32")
    whole = tbviz.ActivationGrid(tmp_path, x[:2], layers="inner/deep", overview=False, strict=True)
    part = tbviz.ActivationGrid(tmp_path, small, submodel="inner", overview=False, strict=True)
    pair().fit(x, y, 4, 1, verbose=0, callbacks=[whole, part])
    [layout] = [one for one in metas(tmp_path, "layout") if one["picture"] == "activations"]
    assert layout["layer"] == "inner/deep"
    found = [one for one in notices(tmp_path) if one["event"] == "duplicate_pictures"]
    assert {one["layer"] for one in found} == {"inner/deep"}
