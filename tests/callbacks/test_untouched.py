"""Training is left untouched: bit for bit, and nothing is left in the model."""

from __future__ import annotations

import random
import time

import keras
import numpy as np
import tensorflow as tf
from callbacks.nets import (
    CLASSES,
    K,
    cached_model,
    compiled,
    data,
    drawing,
    functional,
    metas,
    monitor,
    notices,
    tiles,
)

import tbviz


def dataset():
    x, y = data(24)
    return tf.data.Dataset.from_tensor_slices((x, y)).shuffle(24, seed=3).batch(8)


def trained(callbacks=()):
    model = compiled(drawing(), rate=0.1, metrics=["accuracy"])
    history = model.fit(dataset(), shuffle=False, epochs=3, verbose=0, callbacks=list(callbacks))
    after = random.random(), np.random.random(), float(keras.random.uniform(()))
    weights = [value.tobytes() for value in model.get_weights()]
    seeds = [variable.numpy().tobytes() for variable in model.variables]
    return history.history, weights, seeds, after


def test_training_from_a_pipeline_of_tensorflow_is_the_same_to_the_last_bit(tmp_path):
    x, y = data(4, seed=9)
    often = {"schedule": tbviz.every(batches=2), "strict": True}
    plain = trained()
    assert trained() == plain  # the control: without us, two runs are the same
    grid = tbviz.ActivationGrid(tmp_path, x, layers=["conv*", "re_lu"], **often)
    assert trained([monitor(tmp_path, x, y), grid]) == plain
    layers = {meta["layer"] for meta in metas(tmp_path, "activations")}
    assert {"conv1", "re_lu", "conv2"} <= layers
    assert metas(tmp_path, "cam")


def test_a_changed_structure_is_found_and_compiled_again(tmp_path):
    x, y = data(8)
    model = functional()
    # An activation that is exchanged in the middle of training: cached snapshots would be wrong.
    change = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: (
            setattr(model.get_layer("conv1"), "activation", keras.activations.tanh)
            if epoch == 0
            else None
        )
    )
    grid = tbviz.ActivationGrid(tmp_path, x[:1], layers="conv1", strict=True)
    model.fit(x, y, 8, 3, verbose=0, callbacks=[grid, change])
    before, _ = tiles(tmp_path, "activations", "conv1", 0)
    after, _ = tiles(tmp_path, "activations", "conv1", 1)
    assert before.min() == 0
    layer = model.get_layer("conv1")
    assert after.shape == before.shape
    expected = np.moveaxis(keras.ops.convert_to_numpy(layer(x[:1]))[0], -1, 0)
    last, half = tiles(tmp_path, "activations", "conv1", 2)
    assert np.all(np.abs(last - expected) <= half * 1.01 + 1e-6)
    changed = [n for n in notices(tmp_path) if "structure has changed" in n["text"]]
    assert [n["epoch"] for n in changed] == [1]
    assert len(metas(tmp_path, "model")) == 2


def test_a_pipeline_that_draws_on_a_thread_of_its_own_is_not_rewound(tmp_path):
    def draws(monitored):
        keras.utils.set_random_seed(5)
        seen = []

        def samples():
            x, y = data(24)
            for image, label in zip(x, y, strict=True):
                seen.append(np.random.random())
                time.sleep(0.004)
                yield image + seen[-1], label

        signature = (tf.TensorSpec((8, 8, 1)), tf.TensorSpec((), tf.int64))
        pipeline = tf.data.Dataset.from_generator(samples, output_signature=signature)
        pipeline = pipeline.apply(tf.data.experimental.assert_cardinality(24))
        model = cached_model()
        callbacks = [monitor(tmp_path, data(2)[0])] if monitored else []
        feed = pipeline.batch(4).prefetch(4)
        model.fit(feed, shuffle=False, epochs=2, verbose=0, callbacks=callbacks)
        return seen, [keras.ops.convert_to_numpy(v) for v in model.variables]

    draws(monitored=False)
    plain, weights = draws(monitored=False)
    seen, others = draws(monitored=True)
    assert seen == plain
    for one, other in zip(weights, others, strict=True):
        np.testing.assert_array_equal(one, other)


class Noise(K.Layer):
    """Holds a generator of TensorFlow's own, which no scope of Keras' knows."""

    def __init__(self):
        super().__init__()
        self.generator = tf.random.Generator.from_seed(3)

    def call(self, inputs):
        return inputs + self.generator.normal(tf.shape(inputs))


def test_a_plain_variable_of_tensorflow_is_put_back(tmp_path):
    def losses(callbacks):
        keras.utils.set_random_seed(5)
        stack = [keras.Input((8, 8, 1)), Noise(), K.Conv2D(2, 3, name="conv")]
        stack += [K.GlobalAveragePooling2D(), K.Dense(CLASSES, activation="softmax")]
        model = compiled(keras.Sequential(stack))
        x, y = data(16)
        return model.fit(x, y, epochs=3, verbose=0, callbacks=callbacks).history["loss"]

    plain = losses([])
    assert losses([]) == plain
    assert losses([monitor(tmp_path, data(2)[0], maximized="conv")]) == plain
