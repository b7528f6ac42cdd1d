"""Describe the outputs that a model returns, as one pass over a batch found them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tbviz.arrays.types import Floats
from tbviz.errors import TbvizError
from tbviz.taps.tap import RecordedActivation

OutputName = int | str
"""The name of an output of a model: its index, its key in a dict of outputs, or its Keras name."""


@dataclass(frozen=True)
class FinalOutput:
    """One of the outputs of a model.

    Attributes:
        index: Index among the flattened outputs.
        shape: Shape of the input of its last activation, or of the output without one.
        activation: The softmax or sigmoid whose output it is, without its tensors, or None.
        key: Its key if the model returns a dict, or None.
        name: Its name in Keras, or None if Keras has none.
        from_logits: Whether the loss of the compiled model reads it as a score before softmax.
        binary: Whether that loss is a binary one.
        normalized: Whether it is a distribution, although no activation was found.
        reads: The set of weights that it depends on, see `WeightFaults`.
        last: Paths of the layers whose output it is, or whose output is the score before its
            activation.
        call: (path, number) of the call that computed it, or None if that is not known.
    """

    index: int
    shape: tuple[int, ...]
    activation: RecordedActivation | None = None
    key: str | None = None
    name: str | None = None
    from_logits: bool = False
    binary: bool = False
    normalized: bool = False
    reads: int = 0
    last: frozenset[str] = frozenset()
    call: tuple[str, int] | None = None

    @property
    def label(self) -> str | None:
        """Return its name for a reader: the key of a dict, or the name in Keras."""
        return self.key if self.key is not None else self.name


def find_final_output(
    outputs: Sequence[FinalOutput], output: OutputName | None, argument: str = "output"
) -> FinalOutput:
    """Return the output of a model that a user names.

    Args:
        outputs: All outputs of the model.
        output: An index or a name. None is the first output.
        argument: The user's argument, for the error. Defaults to "output".

    Raises:
        TbvizError: If the model has no such output.
    """
    if output is None:
        output = 0
    given: Any = output
    if isinstance(output, str):
        for known in ({one.key: one for one in outputs}, {one.name: one for one in outputs}):
            if output in known:
                return known[output]
    elif isinstance(given, int | np.integer) and 0 <= output < len(outputs):
        return outputs[output]
    listed = [f"{one.index} ({one.label!r})" if one.label else str(one.index) for one in outputs]
    names = [name for one in outputs for name in (one.key, one.name) if name is not None]
    near = difflib.get_close_matches(str(output), names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    what = "" if argument == "output" else "the output "
    msg = (
        f"{argument} received {what}{output!r}; {hint}expected one of the model's outputs: "
        f"{', '.join(listed)}"
    )
    raise TbvizError(msg)


def names_of(model: Any, outputs: Any) -> list[tuple[str | None, str | None]]:
    """Return the key and the Keras name of each output, in the order in which they are flattened.

    Args:
        model: Any Keras model.
        outputs: The value that it returned.
    """
    count = len(keras.tree.flatten(outputs))
    known = list(getattr(model, "output_names", None) or ())
    names = known if len(known) == count else [None] * count
    keys: list[str | None] = [None] * count
    if isinstance(outputs, dict):
        parts = [[str(key)] * len(keras.tree.flatten(outputs[key])) for key in sorted(outputs)]
        keys = [key for part in parts for key in part]
    return list(zip(keys, names, strict=True))


def loss_meanings(model: Any) -> tuple[tuple[Any, bool, bool], ...]:
    """Return for each loss of a compiled model its output, `from_logits`, and whether it is binary.

    The output is a name or a number, None for a loss of all outputs.
    """
    given = getattr(model, "loss", None)
    if isinstance(given, dict):
        losses = list(given.items())
    elif isinstance(given, list | tuple):
        losses = list(enumerate(given))
    else:
        losses = [(None, given)]
    found = []
    for name, loss in losses:
        first = next((part for part in keras.tree.flatten(loss) if part is not None), None)
        from_logits = bool(getattr(first, "from_logits", False))
        found.append((name, from_logits, "Binary" in type(first).__name__))
    return tuple(found)


def loss_meaning(model: Any, index: int, key: str | None, name: str | None) -> tuple[bool, bool]:
    """Return `from_logits` and whether it is binary, of the loss of one output."""
    by_output = {output: meaning for output, *meaning in loss_meanings(model)}
    for candidate in (None, key, name, index):
        if candidate in by_output:
            from_logits, binary = by_output[candidate]
            return from_logits, binary
    return False, False


def is_distribution(values: Floats) -> bool:
    """Tell whether values are probabilities: at least 0, with the sum 1 along the last axis."""
    values = np.asarray(values, dtype=np.float64)
    return bool(
        np.all(np.isfinite(values))
        and np.all(values >= 0)
        and np.all(np.abs(values.sum(-1) - 1) <= 1e-3)
    )
