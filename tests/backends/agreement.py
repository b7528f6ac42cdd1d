"""Gradients of one network with one set of weights, to be compared between backends.

`python tests/backends/agreement.py` writes `tests/golden/gradients.npz` anew.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers
from one_layer import class_gradients

from tbviz.taps.inspector import ModelInspector


def network():
    """Every sort of layer that convolutional networks are made of, nested, weights from numpy."""
    first = keras.Input((12, 12, 3))
    value = layers.Conv2D(6, 3, strides=2, padding="same", name="stem")(first)
    value = layers.BatchNormalization(name="norm")(value)
    value = layers.Activation("relu6", name="relu")(value)
    block = layers.DepthwiseConv2D(3, padding="same", activation="gelu", name="depthwise")(value)
    block = layers.Conv2D(6, 1, activation="swish", name="project")(block)
    value = layers.Add(name="add")([value, block])
    value = layers.SeparableConv2D(8, 3, padding="same", activation="elu", name="separable")(value)
    value = layers.AveragePooling2D(2, name="pool")(value)
    base = keras.Model(first, value, name="base")
    stack = [keras.Input((12, 12, 3)), base, layers.LayerNormalization(), layers.Flatten()]
    model = keras.Sequential([*stack, layers.Dense(5, activation="softmax", name="classes")])
    random = np.random.default_rng(1)
    model.set_weights([_drawn(random, weight) for weight in model.get_weights()])
    return model


def _drawn(random, weight):
    values = random.normal(size=weight.shape) * 0.5
    return np.abs(values) + 0.5 if weight.ndim == 1 else values  # a variance is above 0


def at_three_depths():
    """Name to class gradients and feature maps, of the first, a middle and the last layer."""
    model = network()
    inspector = ModelInspector(model)
    images = np.random.default_rng(2).normal(size=(2, 12, 12, 3)).astype(np.float32)
    outputs = inspector.model_outputs(images).outputs
    found = {}
    for key in ("base/stem", "base/add", "base/pool"):
        one = class_gradients(inspector, outputs[key], images, np.array([1, 4]))
        found[f"{key} gradients"], found[f"{key} maps"] = one.gradients, one.activations
    return found


if __name__ == "__main__":
    target = Path(__file__).parents[1] / "golden" / "gradients.npz"
    np.savez_compressed(target, **at_three_depths())
