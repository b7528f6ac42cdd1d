"""Models with a `train_step` of their own, written as each backend's guide writes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


class _OwnStep:
    """One step of gradient descent by hand."""

    def _loss(self, x: Any, y: Any) -> Any:
        return self.compute_loss(x, y, self(x, training=True))

    if keras.backend.backend() == "jax":

        def train_step(self, state: Any, data: Any) -> Any:
            import jax

            trainable, others, optimizer, metrics = state
            x, y, _ = keras.utils.unpack_x_y_sample_weight(data)

            def loss_of(trainable: Any, others: Any) -> Any:
                return self._stateless_loss(trainable, others, x, y)

            slopes_of = jax.value_and_grad(loss_of, has_aux=True)
            (loss, others), slopes = slopes_of(trainable, others)
            trainable, optimizer = self.optimizer.stateless_apply(optimizer, slopes, trainable)
            return {"loss": loss}, (trainable, others, optimizer, metrics)

        def _stateless_loss(self, trainable: Any, others: Any, x: Any, y: Any) -> Any:
            mapping = [
                *zip(self.trainable_variables, trainable, strict=True),
                *zip(self.non_trainable_variables, others, strict=True),
            ]
            with keras.StatelessScope(mapping) as scope:
                loss = self._loss(x, y)
            values = [scope.get_current_value(one) for one in self.non_trainable_variables]
            return loss, values

    else:

        def train_step(self, data: Any) -> Any:
            x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
            weights = self.trainable_variables
            loss, slopes = _slopes(lambda: self._loss(x, y), weights)
            self.optimizer.apply(slopes, weights)
            return {"loss": loss}


def _slopes(loss_of: Callable[[], Any], weights: list[Any]) -> Any:
    if keras.backend.backend() == "torch":
        import torch

        loss = loss_of()
        return loss, torch.autograd.grad(loss, [weight.value for weight in weights])
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = loss_of()
    return loss, tape.gradient(loss, weights)


class Stepping(_OwnStep, keras.Model):
    """A functional model with a step of its own."""


class Discriminating(_OwnStep, keras.Model):
    """Trains a model inside it and has no `call`, as the guides' GANs.

    Args:
        judge: what is trained.
    """

    def __init__(self, judge: Any) -> None:
        super().__init__()
        self.judge = judge
        self.built = True
        self._error = keras.losses.BinaryCrossentropy(from_logits=True)

    def _loss(self, x: Any, y: Any) -> Any:
        return self._error(y, self.judge(x, training=True))
