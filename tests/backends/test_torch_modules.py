"""Modules of torch's own inside a Keras model."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from backends.nets import X, array, inspect_model
from keras import layers
from one_layer import class_gradients

from tbviz.scores.recording import record
from tbviz.taps.inspector import ModelInspector

if keras.backend.backend() != "torch":
    pytest.skip("TorchModuleWrapper is torch's", allow_module_level=True)

import torch


class Counting(torch.nn.Module):
    """Counts its calls in a buffer, and behaves differently each time."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, values):
        self.calls += 1
        return values * (1 + self.calls)


def stack(*between):
    body = [keras.Input((6, 6, 2)), layers.Conv2D(3, 3, name="conv"), *between]
    return keras.Sequential([*body, layers.GlobalAveragePooling2D(), layers.Dense(3)])


@pytest.mark.parametrize("training", [False, True])
def test_buffers_and_modes_are_restored(training):
    counting = Counting()
    model = stack(layers.TorchModuleWrapper(counting))
    model(X)
    counting.train(training)
    before = counting.calls.item()
    inspect_model(model)
    assert counting.calls.item() == before
    assert counting.training is training


def test_an_inplace_operation_does_not_overwrite_a_recording():
    model = stack(layers.TorchModuleWrapper(torch.nn.ReLU(inplace=True)))
    inspector = ModelInspector(model)
    conv = inspector.model_outputs(X).outputs["conv"]
    expected = array(model.get_layer("conv")(X))
    assert expected.min() < 0
    found = class_gradients(inspector, conv, X, np.zeros(4, np.int64))
    np.testing.assert_allclose(record(inspector, [conv], X).maps["conv"], expected, atol=1e-6)
    np.testing.assert_allclose(found.activations, expected, atol=1e-6)
    # After a ReLU, a response below zero moves nothing.
    np.testing.assert_array_equal(found.gradients[expected < 0], 0)
    assert np.any(found.gradients[expected > 0])
