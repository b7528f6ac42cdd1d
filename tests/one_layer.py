"""Class gradients of a single layer, for most tests."""

from __future__ import annotations

import dataclasses

from tbviz.scores import gradients
from tbviz.scores.class_target import ClassTarget


def class_gradients(inspector, layer, inputs, classes, against=None, output=0):
    """Return the class gradients of one layer, with maps and slopes as plain arrays."""
    target = ClassTarget(classes, against, output)
    found = gradients.class_gradients(inspector, [layer], inputs, target)
    return dataclasses.replace(
        found, activations=found.activations[layer.key], gradients=found.gradients[layer.key]
    )
