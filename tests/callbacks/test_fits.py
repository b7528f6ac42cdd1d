"""The ways in which a model is trained and fed: all are logged, and train as without us."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from callbacks.nets import (
    CLASSES,
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
)

import tbviz
from tbviz.images.sheet import decode
from tbviz.store.read.reader import open_reader
from tbviz.taps.inspector import inspector_for

EPOCHS = 2


def trained(make, feed, callbacks=()):
    keras.utils.set_random_seed(0)
    model = make()
    history = model.fit(**feed(), epochs=EPOCHS, verbose=0, callbacks=list(callbacks)).history
    values = [*model.variables, *model.optimizer.variables]
    return history, [keras.ops.convert_to_numpy(value).tobytes() for value in values]


def arrays():
    x, y = data(16)
    return {"x": x, "y": y, "batch_size": 4}


def a_generator():
    x, y = data(16)

    def batches():
        while True:
            for start in range(0, 16, 4):
                noise = np.random.random((4, 8, 8, 1)).astype("float32")
                yield x[start : start + 4] + 0.01 * noise, y[start : start + 4]

    return {"x": batches(), "steps_per_epoch": 4, "shuffle": False}


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return data(4, seed=index)


class Steps(keras.Model):
    """A `train_step` of its own, and a `call`."""

    def __init__(self):
        super().__init__()
        self.inner = keras.Sequential(layers(), name="inner")

    def call(self, inputs):
        return self.inner(inputs)

    def train_step(self, batch):
        x, y = batch
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        weights = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return {"loss": loss}


def of_dtype(policy):
    def make():
        former = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        try:
            return compiled(keras.Sequential(layers()))
        finally:
            keras.config.set_dtype_policy(former)

    return make


def averaging():
    model = sequential()
    model.compile(keras.optimizers.Adam(0.01, use_ema=True), model.loss)
    return model


WAYS = {
    "generator": (cached_model, a_generator),
    "PyDataset": (cached_model, lambda: {"x": Batches()}),
    "steps_per_execution": (lambda: sequential(steps_per_execution=8), arrays),
    "jit_compile": (lambda: sequential(jit_compile=True), arrays),
    "run_eagerly": (lambda: sequential(run_eagerly=True), arrays),
    "ema": (averaging, arrays),
    "train_step": (lambda: compiled(Steps()), arrays),
    "mixed_float16": (of_dtype("mixed_float16"), arrays),
    "float64": (of_dtype("float64"), arrays),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_way_to_train(tmp_path, way):
    make, feed = WAYS[way]
    x, y = data(2, seed=5)
    plain = trained(make, feed)
    callback = monitor(tmp_path, x, y, schedule=tbviz.every(batches=3))
    assert trained(make, feed, [callback]) == plain
    ends_of_epochs = [(epoch, batch) for _, epoch, batch, final in positions(tmp_path) if not final]
    assert [epoch for epoch, batch in ends_of_epochs if batch is None] == [0, 1]
    assert ends(tmp_path) == ["finished"]
    assert notices(tmp_path, "warning") == []
    assert {kind for kind, _ in open_reader(tmp_path).series()} == {
        "activations",
        "activations:colors",
        "cam",
        "hypercolumns",
        "hypercolumns:colors",
        "kernels",
        "kernels:colors",
        "maximization",
        "overview",
    }
    numbers = [
        number
        for meta in metas(tmp_path, "health")
        for layer in meta["layers"].values()
        for number in layer.values()
        if number != "NaN"  # of the change, at the first snapshot
    ]
    assert np.all(np.isfinite(numbers))


def test_a_frozen_base_then_fine_tuned_with_the_same_callbacks(tmp_path):
    def phases(callbacks):
        keras.utils.set_random_seed(0)
        base = keras.Sequential([*layers()[:5], K.BatchNormalization(name="normal")], name="base")
        tail = [K.GlobalAveragePooling2D(), K.Dense(CLASSES, activation="softmax")]
        model = keras.Sequential([base, *tail])
        base.trainable = False
        compiled(model).fit(**arrays(), epochs=2, verbose=0, callbacks=callbacks)
        traces = inspector_for(model).traces
        base.trainable = True
        compiled(model, rate=0.001).fit(**arrays(), epochs=2, verbose=0, callbacks=callbacks)
        assert inspector_for(model).traces == traces
        return [value.tobytes() for value in model.get_weights()]

    x, y = data(2, seed=5)
    plain = phases([])
    assert phases([monitor(tmp_path, x, y)]) == plain
    assert [(s, e) for s, e, _, _ in positions(tmp_path)] == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert ends(tmp_path) == ["finished"] * 2
    changes = [meta["layers"]["base/conv1"]["output_change"] for meta in metas(tmp_path, "health")]
    assert [change == 0 for change in changes] == [False, True, False, False]
    trained_ones = [meta["trainable"] for meta in metas(tmp_path, "model")]
    assert trained_ones[0] < trained_ones[1]


PROBES = {
    "tf.data": lambda: tf.data.Dataset.from_tensor_slices(data(4, seed=7)).batch(2),
    "PyDataset": Batches,
    "callable": lambda: lambda: data(2, seed=7),
}


@pytest.mark.parametrize("kind", PROBES)
def test_a_probe_that_brings_its_labels(tmp_path, kind):
    grad_cam = tbviz.GradCAM(tmp_path, PROBES[kind](), strict=True)
    if kind == "callable":
        expected = data(2, seed=7)[1]
    else:  # the classes come in turn
        seeds = range(4) if kind == "PyDataset" else [7]
        labels = np.concatenate([data(4, seed=seed)[1] for seed in seeds])
        seen = [np.count_nonzero(labels[:row] == labels[row]) for row in range(len(labels))]
        first = list(dict.fromkeys(labels.tolist()))
        order = sorted(range(len(labels)), key=lambda row: (seen[row], first.index(labels[row])))
        expected = labels[order][:8]
    sequential(run_eagerly=True).fit(**arrays(), epochs=1, verbose=0, callbacks=[grad_cam])
    [record] = metas(tmp_path, "probe")
    assert [image["label"] for image in record["images"]] == expected.tolist()
    text = decode(open_reader(tmp_path).picture("cam", "relu", 0, 0)).text
    assert [tile["role"] for tile in text["tiles"]] == ["predicted", "true"]
    assert text["tiles"][1]["class"] == expected[0]


def several_outputs(as_dict):
    image = keras.Input((8, 8, 1), name="image")
    beside = keras.Input((2,), name="beside")
    maps = K.Conv2D(3, 3, activation="relu", name="conv")(image)
    merged = K.Concatenate()([K.GlobalAveragePooling2D()(maps), beside])
    kind = K.Dense(CLASSES, activation="softmax", name="a_kind")(merged)
    size = K.Dense(1, name="size")(merged)
    outputs = {"a_kind": kind, "size": size} if as_dict else [kind, size]
    model = keras.Model({"image": image, "beside": beside}, outputs)
    losses = ["sparse_categorical_crossentropy", "mse"]
    loss = dict(zip(["a_kind", "size"], losses, strict=True)) if as_dict else losses
    return compiled(model, loss, run_eagerly=True)


@pytest.mark.parametrize("as_dict", [False, True])
def test_several_outputs_and_a_dict_of_inputs(tmp_path, as_dict):
    keras.utils.set_random_seed(0)
    model = several_outputs(as_dict)
    x, y = data(8)
    inputs = {"image": x, "beside": np.ones((8, 2), "float32")}
    truth = {"a_kind": y, "size": y * 1.0} if as_dict else (y, y * 1.0)
    pairs = tf.data.Dataset.from_tensor_slices((inputs, truth)).batch(4)
    callback = monitor(tmp_path, pairs, maximized="conv")
    model.fit(pairs, shuffle=False, verbose=0, callbacks=[callback])
    assert notices(tmp_path, "warning") == []
    assert ("activations", "conv") in open_reader(tmp_path).series()
    text = decode(open_reader(tmp_path).picture("cam", "conv", 0, 0)).text
    assert [tile["role"] for tile in text["tiles"]] == ["predicted", "true"]
    assert text["tiles"][0]["target"] == "score before softmax"


@pytest.mark.parametrize("one_hot", [False, True])
def test_a_class_a_pixel_is_no_class_of_the_image(tmp_path, one_hot):
    keras.utils.set_random_seed(0)
    stack = [
        keras.Input((8, 8, 1)),
        K.Conv2D(3, 3, padding="same", activation="relu", name="conv"),
        K.Conv2D(CLASSES, 1, activation="softmax", name="classes"),
    ]
    x, _ = data(4)
    masks = np.zeros((4, 8, 8), int)
    masks[:, 3, 3] = 1  # sums to 1, as a one-hot row does
    if one_hot:
        masks = np.eye(CLASSES, dtype="float32")[masks]
    loss = "categorical_crossentropy" if one_hot else "sparse_categorical_crossentropy"
    model = compiled(keras.Sequential(stack), loss, run_eagerly=True)
    callback = monitor(tmp_path, x[:2], masks[:2], maximized="conv")
    model.fit(x, masks, epochs=1, verbose=0, callbacks=[callback])
    assert [image["label"] for image in metas(tmp_path, "probe")[0]["images"]] == [None, None]
    cams = [layer for kind, layer in open_reader(tmp_path).series() if kind == "cam"]
    text = decode(open_reader(tmp_path).picture("cam", cams[0], 0, 0)).text
    assert [tile["role"] for tile in text["tiles"]] == ["predicted"]
    assert notices(tmp_path, "warning") == []
