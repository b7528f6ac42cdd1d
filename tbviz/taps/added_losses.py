"""Added losses: what training left in `model.losses` is there after a look, for other callbacks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tbviz.taps import keras_private


@contextmanager
def added_losses_preserved(model: Any) -> Iterator[None]:
    """Puts back the losses that layers have noted: Keras clears them whenever a model is called."""
    noted = [
        (held, list(held))
        for layer in keras_private.all_layers(model)
        for held in keras_private.noted_losses(layer)
    ]
    try:
        yield
    finally:
        for held, values in noted:
            held.clear()
            held.update(values) if isinstance(held, set) else held.extend(values)
