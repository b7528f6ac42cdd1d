"""Restore `model.losses`, which Keras clears whenever the model is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tbviz.taps import keras_private


@contextmanager
def added_losses_preserved(model: Any) -> Iterator[None]:
    """Restore the losses that layers have added, since other callbacks may read them."""
    saved = [
        (held, list(held))
        for layer in keras_private.all_layers(model)
        for held in keras_private.added_losses(layer)
    ]
    try:
        yield
    finally:
        for held, values in saved:
            held.clear()
            held.update(values) if isinstance(held, set) else held.extend(values)
