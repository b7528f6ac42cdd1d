"""The recipes of docs/recipes.md run as they stand there, on tiny networks."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from callbacks.nets import CLASSES, NAMES, SIDE, compiled, data, sequential
from children.starting import run_program
from keras import layers

import tbviz
from tbviz.store.read.reader import open_reader

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/recipes.md").read_text("utf-8")
BLOCK = re.compile(r"^## ([^\n]+)\n(?:(?!^## ).)*?```python\n(.*?)```", re.DOTALL | re.MULTILINE)
FOUND = BLOCK.findall(TEXT)
RECIPES = dict(FOUND)
FUNCTIONS = {"Notebook", "Saved model"}


def classifier(rate=0.01):
    return sequential(rate=rate)


def named(name):
    image = keras.Input((SIDE, SIDE, 1))
    value = layers.Conv2D(3, 3, activation="relu", name="conv1")(image)
    value = layers.Conv2D(4, 3, activation="relu", name="conv2")(value)
    return keras.Model(image, value, name=name)


def transfer():
    backbone = named("backbone")
    stack = [keras.Input((SIDE, SIDE, 1)), backbone, layers.GlobalAveragePooling2D()]
    model = keras.Sequential([*stack, layers.Dense(CLASSES, activation="softmax")])
    return {"backbone": backbone, "model": model}


def unet():
    image = keras.Input((SIDE, SIDE, 1))
    first = layers.Conv2D(3, 3, padding="same", activation="relu", name="encoder1")(image)
    small = layers.MaxPooling2D()(first)
    second = layers.Conv2D(4, 3, padding="same", activation="relu", name="encoder2")(small)
    up = layers.UpSampling2D()(
        layers.Conv2D(4, 3, padding="same", activation="relu", name="decoder2")(second)
    )
    both = layers.Concatenate()([first, up])
    value = layers.Conv2D(3, 3, padding="same", activation="relu", name="decoder1")(both)
    mask = layers.Conv2D(2, 1, activation="softmax", name="mask")(value)
    return {"model": compiled(keras.Model(image, mask)), "masks": (data()[0] > 0.5).astype(int)}


class Gan(keras.Model):
    def __init__(self):
        super().__init__()
        self.discriminator = sequential()
        stack = [keras.Input((2, 2, 1)), layers.Conv2DTranspose(1, 4, strides=4, name="up")]
        self.generator = keras.Sequential(stack)

    def train_step(self, batch):
        score = self.discriminator(batch, training=True)
        return {"loss": keras.ops.mean(score)}


def gan():
    made = Gan()
    made.compile("sgd")
    return {"gan": made}


def two_outputs():
    image = keras.Input((SIDE, SIDE, 1))
    value = layers.Conv2D(4, 3, activation="relu", name="conv1")(image)
    value = layers.GlobalAveragePooling2D()(value)
    heads = {
        "color": layers.Dense(2, activation="softmax", name="color")(value),
        "kind": layers.Dense(CLASSES, activation="softmax", name="kind")(value),
    }
    kinds = data()[1]
    model = compiled(keras.Model(image, heads))
    labels = {"kind": kinds, "color": kinds % 2}
    return {"model": model, "labels": labels, "labels_val": (kinds, kinds % 2)}


class Task(keras.Model):
    """As a task of KerasHub: `fit` applies a preprocessor that the model does not hold."""

    def __init__(self):
        backbone = named("backbone")
        image = keras.Input((SIDE, SIDE, 1))
        value = layers.GlobalAveragePooling2D()(backbone(image))
        super().__init__(image, layers.Dense(CLASSES, activation="softmax")(value))
        self.preprocessor = layers.Rescaling(1 / 255)

    def fit(self, x, y, **settings):
        return super().fit(self.preprocessor(x), y, **settings)


class Values:
    def __init__(self, value):
        self.value = value

    def Choice(self, name, choices):  # noqa: N802
        return choices[self.value]

    def get(self, name):
        return [0.1, 0.01][self.value]


class RandomSearch:
    """Stands for `keras_tuner.RandomSearch`, which calls a `HyperModel` in this way."""

    def __init__(self, hypermodel, objective, max_trials):
        self.hypermodel, self.trials = hypermodel, max_trials

    def search(self, *data, **settings):
        for trial in range(self.trials):
            values = Values(trial)
            self.hypermodel.fit(values, self.hypermodel.build(values), *data, **settings)


def known(recipe):
    """Return the names that a recipe has from its user."""
    x, y = data()
    usual = {"x": x, "y": y, "x_val": x, "y_val": y, "names": NAMES, "keras": keras, "tbviz": tbviz}
    if recipe == "KerasHub task":
        return {**usual, "classifier": compiled(Task())}
    if recipe == "Tuner":
        tuner = SimpleNamespace(HyperModel=object, RandomSearch=RandomSearch)
        return {**usual, "keras_tuner": tuner, "build": classifier}
    if recipe == "A training loop of your own":
        batches = [(x[:12], y[:12]), (x[12:], y[12:])]
        usual["batches"] = batches
    made = {"Transfer learning": transfer, "U-Net": unet, "GAN": gan, "Two outputs": two_outputs}
    return {**usual, **(made[recipe]() if recipe in made else {"model": classifier()})}


def kinds():
    """Return the kinds of pictures in all runs of the current directory."""
    runs = {path.parents[2] for path in Path("logs").rglob("plugins/tbviz/*.jsonl")}
    return {run.name: {kind for kind, _ in open_reader(run).series()} for run in sorted(runs)}


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [name for name in RECIPES if name not in {*FUNCTIONS, "JAX"}])
def test_a_recipe_logs_pictures(recipe, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    exec(compile(RECIPES[recipe], recipe, "exec"), known(recipe))
    expected = {"Tuner": ["rate=0.01", "rate=0.1"]}
    runs = kinds()
    assert list(runs) == expected.get(recipe, [next(iter(runs))])
    if recipe == "GAN":
        submodels = {layer.partition("/")[0] for _, layer in open_reader("logs/gan").series()}
        assert submodels == {"discriminator", "generator"}
    assert all("kernels" in found or recipe == "Tuner" for found in runs.values())
    assert any({"activations", "maximization", "predictions"} & found for found in runs.values())
    assert [r.getMessage() for r in caplog.records if r.name == "tbviz" and r.levelno > 20] == []


@pytest.mark.slow
def test_the_recipe_of_another_backend_runs_in_a_process_of_its_own(tmp_path):
    setup = """
def made():
    import numpy as np
    x = np.random.default_rng(0).random((8, 8, 8, 1)).astype("float32")
    layers = keras.layers
    stack = [keras.Input((8, 8, 1)), layers.Conv2D(2, 3, name="conv"), layers.Flatten()]
    model = keras.Sequential([*stack, layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model, x, np.arange(8) % 3
"""
    code = f"{setup}\n{RECIPES['JAX']}\nprint(keras.backend.backend())"
    run = run_program([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert run.stdout.split()[-1] == "jax"
    assert ("activations", "conv") in open_reader(tmp_path / "logs/run").series()


@pytest.mark.slow
def test_the_recipe_of_a_saved_model_draws_pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    classifier().save("model.keras")
    exec(compile(RECIPES["Saved model"], "saved", "exec"), known("Saved model"))
    assert {path.name for path in tmp_path.glob("*.png")} == {"cam.png", "conv1.png", "conv2.png"}


@pytest.mark.slow
def test_the_recipe_of_a_notebook_returns_arrays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = known("Notebook")
    monitor = tbviz.Monitor("logs/run", names["x"][:4], exclude="FilterMaximization")
    names["model"].fit(names["x"], names["y"], epochs=3, verbose=0, callbacks=[monitor])
    exec(compile(RECIPES["Notebook"], "notebook", "exec"), names)
    assert len(names["loss"]) == len(names["dead"]) == 3
    assert np.ndim(names["maps"]) == 3


@pytest.mark.slow
@pytest.mark.xfail(strict=True, reason="preprocess='auto' of tbviz.Probe comes with the inputs")
def test_a_task_applies_its_preprocessor_to_the_images_that_fit_takes(tmp_path):
    task = compiled(Task())
    x, y = (data()[0] * 255).astype(np.uint8), data()[1]
    task.fit(x, y, epochs=1, verbose=0, callbacks=[tbviz.GradCAM(tmp_path, x[:4])])
    cam = tbviz.methods.grad_cam(task, task.preprocessor(x[:4])).maps
    series = open_reader(tmp_path).columns("cam", "backbone/conv2")
    assert series[0][2].maximum.max() == pytest.approx(cam.max())


@pytest.mark.xfail(strict=True, reason="mask= of tbviz.Target comes with the inputs")
def test_a_class_is_explained_within_a_mask(tmp_path):
    masks = np.zeros((2, SIDE, SIDE), bool)
    tbviz.GradCAM(tmp_path, data(2)[0], targets=tbviz.Target(1, mask=masks))


def test_there_are_twelve_recipes_of_at_most_ten_lines():
    assert len(FOUND) == len(RECIPES) == TEXT.count("\n## ") == 12
    for name, code in FOUND:
        assert len([line for line in code.splitlines() if line.strip()]) <= 10, name
