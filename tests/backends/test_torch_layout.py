from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from tbviz.taps.model_outputs import find_model_outputs

if keras.backend.backend() != "torch":
    pytest.skip("TorchModuleWrapper is torch's", allow_module_level=True)

import torch


def outputs_of(pictures, *stack):
    model = keras.Sequential(stack)
    model(pictures)
    return find_model_outputs(model, pictures).outputs


def test_a_convolution_of_torch_has_its_channels_first():
    convolution = torch.nn.Conv2d(6, 5, 3, stride=2, padding=1)
    wrapped = layers.TorchModuleWrapper(torch.nn.Sequential(convolution), name="wrapped")
    found = outputs_of(np.zeros((1, 6, 8, 12), np.float32), wrapped, layers.ReLU(name="relu"))
    for key in ("wrapped", "relu"):
        assert (found[key].size, found[key].channels) == ((4, 6), 5), key


def test_an_activation_of_torch_leaves_the_channels_where_they_are():
    wrapped = layers.TorchModuleWrapper(torch.nn.ReLU(), name="wrapped")
    found = outputs_of(np.zeros((1, 8, 12, 3), np.float32), layers.Conv2D(5, 1), wrapped)["wrapped"]
    assert (found.size, found.channels) == ((8, 12), 5)
