"""A model with a `train_step` of its own and no `call`, as the guides to GANs have it."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from benchmarks.freeze.nets import SIDE, Work, data

K = keras.layers
LATENT = 4


class Gan(keras.Model):
    """A generator and a discriminator that are trained in turn."""

    def __init__(self) -> None:
        super().__init__(name="gan")
        self.discriminator = keras.Sequential(
            [
                keras.Input((SIDE, SIDE, 1)),
                K.Conv2D(4, 3, strides=2, padding="same", name="conv1"),
                K.LeakyReLU(name="leaky"),
                K.Conv2D(5, 3, padding="same", activation="relu", name="conv2"),
                K.GlobalAveragePooling2D(name="average"),
                K.Dense(1, name="judge"),
            ],
            name="discriminator",
        )
        self.generator = keras.Sequential(
            [
                keras.Input((LATENT,)),
                K.Dense((SIDE // 2) ** 2 * 2),
                K.Reshape((SIDE // 2, SIDE // 2, 2)),
                K.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),
            ],
            name="generator",
        )
        self.seed = keras.random.SeedGenerator(1)
        self.judging = keras.losses.BinaryCrossentropy(from_logits=True)
        self.seen = keras.metrics.Mean(name="d_loss")
        self.optimizers = keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1)

    def train_step(self, real: Any) -> dict[str, Any]:
        """Train the discriminator, then the generator."""
        count = keras.ops.shape(real)[0]
        ones, zeros = keras.ops.ones((count, 1)), keras.ops.zeros((count, 1))
        noise = keras.random.normal((count, LATENT), seed=self.seed)
        both = keras.ops.concatenate([real, self.generator(noise)])
        truth = keras.ops.concatenate([ones, zeros])
        with tf.GradientTape() as tape:
            loss = self.judging(truth, self.discriminator(both))
        self._apply(tape, loss, self.discriminator, self.optimizers[0])
        self.seen.update_state(loss)
        with tf.GradientTape() as tape:
            loss = self.judging(ones, self.discriminator(self.generator(noise)))
        self._apply(tape, loss, self.generator, self.optimizers[1])
        return {"d_loss": self.seen.result()}

    @staticmethod
    def _apply(tape: Any, loss: Any, part: Any, optimizer: Any) -> None:
        weights = part.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))


def gan() -> Work:
    """A GAN whose discriminator is recorded."""
    model = Gan()
    model.compile()
    x, _ = data(channels=1)
    return Work(model, x, None, x[:2], None, (), {"submodel": "discriminator"})
