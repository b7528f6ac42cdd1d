"""Class gradients of a single layer, for most tests."""

from __future__ import annotations

import dataclasses

from tbviz.scores import gradients
from tbviz.scores.class_target import ClassTarget


def class_gradients(inspector, output, inputs, classes, against=None):
    """Return the class gradients of one output, with maps and slopes as plain arrays."""
    found = gradients.class_gradients(inspector, [output], inputs, ClassTarget(classes, against))
    return dataclasses.replace(
        found, activations=found.activations[output.key], gradients=found.gradients[output.key]
    )
