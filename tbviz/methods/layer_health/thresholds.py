"""Thresholds: the limits of the health numbers, and of the advice."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

from tbviz.errors import TbvizError


@dataclass(frozen=True)
class Thresholds:
    """The values from which there is advice, and the limits within the health numbers.

    Attributes:
        window: consecutive snapshots, the present one included, over which a rule must hold.
        dead: share of a layer's channels that are dead at all of them, 0 to 1. Late layers of a
            good network of a thousand classes are a third silent on four photographs.
        saturated: share of its channels that are saturated.
        duplicates: share of its channels that are nearly the same as another one.
        similarity: correlation with the input that more than half of the channels reach, 0 to 1.
        still: relative change of a layer's weights between snapshots, below which they count as
            not moving.
        weight_growth: how many times larger within the window the norm of a layer's weights
            may not become.
        output_growth: the same for the spread of its output, which grows tenfold while a small
            network learns.
        flat: a channel is dead whose span is at most this share of the layer's largest absolute
            value.
        saturated_values: a channel is saturated with this share of its values at a bound.
        duplicate_correlation: a channel is a duplicate of another from this correlation on.

    Raises:
        TbvizError: one of them cannot be.
    """

    window: int = 5
    dead: float = 0.4
    saturated: float = 0.25
    duplicates: float = 0.5
    similarity: float = 0.9
    still: float = 1e-4
    weight_growth: float = 10.0
    output_growth: float = 100.0
    flat: float = 1e-6
    saturated_values: float = 0.9
    duplicate_correlation: float = 0.98

    def __post_init__(self) -> None:
        for field in fields(self):
            value: Any = getattr(self, field.name)
            number = isinstance(value, Real)
            if field.name == "window":
                possible, expected = isinstance(value, Integral) and int(value) >= 1, "at least 1"
            elif field.name.endswith("growth"):
                possible, expected = number and value > 1, "more than 1"
            else:
                possible, expected = number and 0 <= value <= 1, "from 0 to 1"
            if not possible:
                msg = f"Thresholds received {field.name}={value!r}; expected a number {expected}"
                raise TbvizError(msg)
