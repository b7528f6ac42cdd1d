"""`submodel=`: a model that trains others inside it, and the one of them that is captured."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from callbacks.nets import (
    K,
    cached_model,
    compiled,
    data,
    ends,
    layers,
    metas,
    monitor,
    notices,
    positions,
    sequential,
    tiles,
    tree,
)
from PIL import Image

import tbviz
from tbviz.callbacks.run.submodel import find_submodel, has_call, submodels_of
from tbviz.store.read.reader import open_reader

LATENT = 4
MAPS = "activations", "kernels"
WHOLE = "overview", "hypercolumns", "hypercolumns:colors"


def discriminator():
    stack = [K.Conv2D(3, 3, strides=2, padding="same", name="conv"), K.LeakyReLU(name="leaky")]
    return keras.Sequential([*stack, K.Flatten(), K.Dense(1)], name="judge")


def generator():
    stack = [
        K.Dense(4 * 4 * 2),
        K.Reshape((4, 4, 2), name="folded"),
        K.Conv2DTranspose(3, 3, strides=2, padding="same", activation="relu", name="up"),
        K.Conv2D(1, 3, padding="same", activation="sigmoid", name="paint"),
    ]
    return keras.Sequential(stack, name="painter")


class Gan(keras.Model):
    """As in the guides: a `train_step`, and no `call`."""

    def __init__(self, built=True):
        super().__init__(name="gan")
        self.discriminator, self.generator = discriminator(), generator()
        if built:
            self.discriminator.build((None, 8, 8, 1))
            self.generator.build((None, LATENT))
        self.seed = keras.random.SeedGenerator(1)
        self.judging = keras.losses.BinaryCrossentropy(from_logits=True)
        self.seen = keras.metrics.Mean(name="d_loss")

    def compile(self, **settings):
        super().compile(**settings)
        self.d_optimizer, self.g_optimizer = keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1)

    def _noise(self, count):
        return keras.random.normal((count, LATENT), seed=self.seed)

    def train_step(self, real):
        count = keras.ops.shape(real)[0]
        both = keras.ops.concatenate([real, self.generator(self._noise(count))])
        truth = keras.ops.concatenate([keras.ops.ones((count, 1)), keras.ops.zeros((count, 1))])
        self._step(self.discriminator, self.d_optimizer, lambda: self.discriminator(both), truth)
        noise = self._noise(count)
        self._step(
            self.generator,
            self.g_optimizer,
            lambda: self.discriminator(self.generator(noise)),
            keras.ops.ones((count, 1)),
        )
        return {"d_loss": self.seen.result()}

    def _step(self, part, optimizer, judged, truth):
        with tf.GradientTape() as tape:
            loss = self.judging(truth, judged())
        weights = part.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        self.seen.update_state(loss)


def fitted_gan(callbacks, built=True, epochs=2, run_eagerly=True):
    keras.utils.set_random_seed(0)
    gan = Gan(built)
    gan.compile(run_eagerly=run_eagerly)
    gan.fit(data(8)[0], batch_size=4, epochs=epochs, verbose=0, callbacks=callbacks)
    return gan


def noise(count=2):
    return np.random.default_rng(3).normal(size=(count, LATENT)).astype("float32")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A compiled GAN that was trained while both its halves were captured."""
    log_dir = tmp_path_factory.mktemp("gan")
    one, other = log_dir / "discriminator", log_dir / "generator"
    monitors = [
        monitor(one, data(2)[0], maximized="conv", submodel="discriminator"),
        monitor(other, noise(), maximized=None, submodel=lambda model: model.generator),
    ]
    return one, other, fitted_gan(monitors, run_eagerly=False)


def test_both_halves_of_a_gan_each_in_a_log_directory_of_its_own(run):
    one, other, gan = run
    x, _ = data(2)
    assert positions(one) == positions(other) == [(1, 0, None, False), (1, 1, None, False)]
    assert set(open_reader(one).series()) == {
        *(("activations", f"discriminator/{layer}") for layer in ("conv", "leaky")),
        *(("activations:colors", f"discriminator/{layer}") for layer in ("conv", "leaky")),
        *((kind, "discriminator") for kind in WHOLE),
        ("cam", "discriminator/leaky"),
        ("kernels", "discriminator/conv"),
        ("maximization", "discriminator/conv"),
    }
    assert [meta["name"] for meta in metas(one, "model")] == ["judge"]
    assert {"painter", "painter/up"} <= tree(other).keys()
    assert set(open_reader(other).series()) == {
        *((kind, f"painter/{layer}") for kind in MAPS for layer in ("up", "paint")),
        ("activations:colors", "painter/up"),  # `paint` puts out one channel, and takes three
        ("kernels:colors", "painter/paint"),
        *((kind, "painter") for kind in WHOLE),
        ("cam", "painter/up"),
    }
    left_out = {n["method"]: n for n in notices(other) if "left out" in n["text"]}
    assert left_out.keys() == {"Augmentation", "FilterMaximization"}
    assert {notice["level"] for notice in left_out.values()} == {"info"}
    nothing_to_paint_on = "left out: none of the model's inputs is a batch of images"
    assert left_out["FilterMaximization"]["text"].startswith(nothing_to_paint_on)
    assert ends(one) == ends(other) == ["finished"]
    for log_dir, part, probe, layer in (
        (one, gan.discriminator, x, "discriminator/conv"),
        (other, gan.generator, noise(), "painter/up"),
    ):
        value = probe
        for inner in part.layers:
            value = inner(value)
            if layer.endswith(f"/{inner.name}"):
                break
        found, half = tiles(log_dir, "activations", layer, 1, 1)
        expected = np.moveaxis(keras.ops.convert_to_numpy(value)[1], -1, 0)
        assert np.all(np.abs(found - expected) <= half * 1.01 + 1e-6)


def test_a_gan_trains_as_without_us(run):
    plain = fitted_gan([], run_eagerly=False)
    for with_us, without in zip(run[2].get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(with_us, without)


def test_submodels_that_the_first_batch_builds_are_captured_then(tmp_path, messages):
    x, _ = data(2)
    fitted_gan([tbviz.ActivationGrid(tmp_path, x, submodel="discriminator")], built=False)
    series = open_reader(tmp_path).series()
    assert [layer for kind, layer in series if kind == "activations"] == [
        "discriminator/conv",
        "discriminator/leaky",
    ]
    assert len(metas(tmp_path, "activations")) == 4
    assert messages() == []


def test_a_model_without_call_names_its_parts_and_is_watched_by_its_metrics(tmp_path, messages):
    fitted_gan([tbviz.Monitor(tmp_path, data(2)[0])])
    [text] = messages()
    assert text.startswith(
        "tbviz: model 'gan' has no call(), so it cannot be captured; "
        "pass submodel='discriminator' or submodel='generator'"
    )
    assert len(notices(tmp_path, "warning")) == 1
    assert [set(meta["values"]) for meta in metas(tmp_path, "metrics")] == [{"d_loss"}] * 2
    assert ends(tmp_path) == ["finished"]
    with pytest.raises(tbviz.TbvizError, match="submodel='discriminator' or submodel='generator'"):
        fitted_gan([tbviz.ActivationGrid(tmp_path, data(2)[0], strict=True)])


class NotYet(keras.Model):
    """Has a `call` that only says that there is none."""

    def __init__(self):
        super().__init__(name="not_yet")
        self.inner = keras.Sequential(layers(), name="inside")

    def call(self, inputs):
        raise NotImplementedError("use train_step")

    def train_step(self, batch):
        return {"loss": keras.ops.mean(self.inner(batch[0]))}


def test_a_call_that_is_not_implemented_counts_as_none(tmp_path, messages):
    x, y = data(8)
    model = NotYet()
    model.built = True
    compiled(model, run_eagerly=True)
    model.fit(x, y, 8, 2, verbose=0, callbacks=[tbviz.ActivationGrid(tmp_path, x[:2])])
    [text] = messages()
    assert "model 'not_yet' cannot be called, so it cannot be captured " in text
    assert "use train_step" in text
    assert "pass submodel='inner'" in text


def test_a_submodel_that_is_replaced_is_found_again(tmp_path):
    gan = Gan()
    gan.compile(run_eagerly=True)

    def replace(epoch, logs):
        if epoch == 1:
            gan.discriminator = sequential()

    exchange = keras.callbacks.LambdaCallback(on_epoch_begin=replace)
    gan.train_step = lambda real: {"loss": keras.ops.mean(gan.discriminator(real))}
    x, _ = data(4)
    grid = tbviz.ActivationGrid(tmp_path, x[:2], submodel="discriminator", strict=True)
    gan.fit(x, batch_size=4, epochs=3, verbose=0, callbacks=[exchange, grid])
    drawn = {}
    for meta in metas(tmp_path, "activations"):
        drawn.setdefault(meta["epoch"], []).append(meta["layer"])
    old = [f"discriminator/{layer}" for layer in ("conv", "leaky")]
    new = [f"discriminator/{layer}" for layer in ("conv1", "pool", "conv2", "relu")]
    assert drawn == {0: old, 1: new, 2: new}
    changed = [n["epoch"] for n in notices(tmp_path) if "structure has changed" in n["text"]]
    assert changed == [1]


def test_image_files_are_read_at_the_size_of_the_part(tmp_path):
    Image.new("RGB", (20, 10), "white").save(tmp_path / "white.png")
    image = str(tmp_path / "white.png")
    grid = tbviz.ActivationGrid(tmp_path / "run", image, submodel="discriminator", strict=True)
    fitted_gan([grid], epochs=1)
    assert grid.probe.inputs.shape == (1, 8, 8, 1)


def test_a_layer_inside_a_model_that_has_a_call_can_be_named_too(tmp_path):
    keras.utils.set_random_seed(0)
    base = keras.Sequential(layers()[:4], name="base")
    tail = [K.GlobalAveragePooling2D(), K.Dense(3, activation="softmax")]
    model = compiled(keras.Sequential([base, *tail]), run_eagerly=True)
    x, y = data(4)
    grid = tbviz.ActivationGrid(tmp_path, x[:2], submodel="base", strict=True)
    model.fit(x, y, 4, 1, verbose=0, callbacks=[grid])
    series = open_reader(tmp_path).series()
    drawn = [layer for kind, layer in series if kind == "activations"]
    assert drawn == ["base/conv1", "base/pool", "base/conv2"]


@pytest.mark.parametrize(
    ("submodel", "where"),
    [
        ("discriminator", lambda gan: gan.discriminator),
        ("judge", lambda gan: gan.discriminator),  # the layer's own name
        ("parts.1", lambda gan: gan.generator),
        ("named.d.conv", lambda gan: gan.discriminator.layers[0]),
        (lambda gan: gan.generator, lambda gan: gan.generator),
    ],
)
def test_paths(submodel, where):
    gan = Gan()
    gan.parts = [gan.discriminator, gan.generator]
    gan.named = {"d": gan.discriminator}
    assert find_submodel(gan, submodel) is where(gan)


@pytest.mark.parametrize(
    ("submodel", "what"),
    [
        (
            "critic",
            "leads to nothing in model 'gan', not to a model; pass submodel='disc",
        ),
        ("seed", "submodel='seed' leads to a SeedGenerator"),
        ("parts.7", "submodel='parts.7' leads to nothing"),
        (lambda gan: None, "leads to nothing"),
    ],
)
def test_a_path_that_leads_to_no_model(submodel, what):
    gan = Gan()
    gan.parts = [gan.discriminator]
    with pytest.raises(tbviz.TbvizError, match=what):
        find_submodel(gan, submodel)


def test_what_names_no_model_is_refused_at_once(tmp_path):
    for submodel in (7, "", cached_model()):
        with pytest.raises(tbviz.TbvizError, match="expected an attribute path such as"):
            tbviz.Monitor(tmp_path, data(2)[0], submodel=submodel)


def test_which_models_have_a_call():
    class Called(keras.Model):
        def call(self, inputs):
            return inputs

    assert not has_call(Gan())
    assert all(map(has_call, (cached_model(), Called(), discriminator())))
    assert submodels_of(Gan()) == ["discriminator", "generator"]
