"""Define the thresholds of the health numbers and of the advice."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

from tbviz.errors import TbvizError


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """The limits from which there is advice, and the limits within the health numbers.

    Args:
        window: Consecutive snapshots, the present one included, over which a rule must hold, at
            least 1. Defaults to 5.
        dead: Share of a layer's channels that are dead at all of them, 0 to 1. In late layers of a
            good network of a thousand classes, a third is silent on four photographs. Defaults to
            0.4.
        saturated: Share of its channels that are saturated, 0 to 1. Defaults to 0.25.
        duplicates: Share of its channels that are nearly the same as another one, 0 to 1. Defaults
            to 0.5.
        similarity: Correlation with the input that more than half of the channels reach, 0 to 1.
            Defaults to 0.9.
        still: Relative change of a layer's weights between snapshots, 0 to 1, below which they
            count as not moving. Defaults to 0.0001.
        weight_growth: Factor, above 1, by which the norm of a layer's weights may grow within the
            window. Defaults to 10.0.
        output_growth: Factor, above 1, by which the spread of a layer's output may grow within the
            window. It grows tenfold while a small network learns. Defaults to 100.0.
        flat: Span of a dead channel, at most this share of the layer's largest absolute value, 0
            to 1. Defaults to 1e-06.
        saturated_values: Share of a saturated channel's values at a bound, 0 to 1. Defaults to
            0.9.
        duplicate_correlation: Correlation from which a channel is a duplicate of another, 0 to 1.
            Defaults to 0.98.

    Raises:
        TbvizError: If a value is out of its range.

    Example:
        >>> strict = tbviz.Thresholds(dead=0.2, window=3)
        >>> tbviz.LayerHealth("logs/run", x_val[:8], thresholds=strict)
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
