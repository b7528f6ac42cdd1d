"""How a model is trained."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from models.case import BACKENDS, JAX, TENSORFLOW, TORCH, Case, Work
from models.nets import SIDE, K, classifying, compiled, conv, head, images, small, stack
from models.steps import Discriminating, Stepping


def _normalized() -> Work:
    layers = [conv("first"), K.BatchNormalization(name="norm"), K.Dropout(0.5, name="drop")]
    return classifying(small(*layers))


def _frozen_first() -> Work:
    base = keras.Sequential([keras.Input((SIDE, SIDE, 1)), conv("conv")], name="base")
    base.trainable = False
    model = compiled(keras.Sequential([keras.Input((SIDE, SIDE, 1)), base, *head()]))

    def fine_tune(model: Any) -> None:
        base.trainable = True
        compiled(model, optimizer=keras.optimizers.SGD(1e-3))

    return classifying(model, then=fine_tune)


def _many_steps() -> Work:
    return classifying(small(steps_per_execution=8), fit={"batch_size": 1})


def _stopped_early() -> Work:
    # No epoch is better by so much: it stops after the second and puts the first one's back.
    stopping = keras.callbacks.EarlyStopping("loss", min_delta=100, restore_best_weights=True)
    return classifying(small(), fit={"epochs": 4, "callbacks": [stopping]})


def _averaged() -> Work:
    return classifying(small(optimizer=keras.optimizers.SGD(0.01, use_ema=True)))


class CompilesItself(keras.Model):
    """Calls a part of itself through a function that it has compiled."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = conv("first"), conv("second")
        self.ending = keras.Sequential(head())
        for layer, channels in ((self.first, 1), (self.second, 4), (self.ending, 4)):
            layer.build((None, SIDE, SIDE, channels))
        self.built = True
        self._compiled = _compiler()(self._part)

    def _part(self, maps: Any) -> Any:
        return self.second(maps)

    def call(self, inputs: Any) -> Any:
        maps = self.first(inputs)
        return self.ending(self._compiled(maps))


def _compiler() -> Any:
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function
    import jax

    return jax.jit


def _compiles_itself() -> Work:
    return classifying(compiled(CompilesItself()))


def _own_step() -> Work:
    first, *layers = stack()
    value = first
    for layer in layers:
        value = layer(value)
    return classifying(compiled(Stepping(first, value)))


def _without_call() -> Work:
    end = K.Dense(1, kernel_initializer="ones")
    judge = keras.Sequential([*stack()[:-1], end], name="judge")
    model = Discriminating(judge)
    model.compile(keras.optimizers.SGD(0.01))
    x, _ = images()
    real = np.arange(8, dtype="float32")[:, None] % 2
    return Work(model, (x, real), x[:2], settings={"submodel": "judge"})


CASES = [
    Case(
        "BatchNormalization and Dropout",
        _normalized,
        BACKENDS,
        every_column=True,
        shows=("first", "conv"),
    ),
    Case("a `train_step` of its own", _own_step, BACKENDS, shows=("conv",)),
    Case(
        "a `train_step` of its own and no `call`",
        _without_call,
        BACKENDS,
        shows=("judge/conv",),
        remark="with `submodel=`, which names the inner model to inspect",
    ),
    Case(
        "a frozen base, then fine-tuned: compiled again between two `fit`s",
        _frozen_first,
        BACKENDS,
        shows=("base/conv",),
    ),
    Case(
        "`run_eagerly=True`",
        lambda: classifying(small(run_eagerly=True)),
        (TENSORFLOW,),
        shows=("conv",),
    ),
    Case(
        "`jit_compile=True`",
        lambda: classifying(small(jit_compile=True)),
        (TENSORFLOW, JAX),
        shows=("conv",),
    ),
    Case(
        "`steps_per_execution=8`",
        _many_steps,
        BACKENDS,
        shows=("conv",),
        refused={TORCH: "`steps_per_execution` must be 1 with the PyTorch backend."},
    ),
    Case(
        "a `tf.function` (`jax.jit`) of its own inside `call`",
        _compiles_itself,
        (TENSORFLOW, JAX),
        backends=(TENSORFLOW, JAX),
        shows=("first",),
        remark="on JAX, the page says that the layers inside it cannot be reached",
    ),
    Case(
        "`EarlyStopping(restore_best_weights=True)`",
        _stopped_early,
        (TENSORFLOW,),
        shows=("conv",),
        remark="the restored weights are logged as `final`",
    ),
    Case("an optimizer with a moving average of the weights", _averaged, shows=("conv",)),
]
