"""Sum the `cost` records of one segment: the time that each callback took."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tbviz.store.format.schema import check_names, number


@dataclass(slots=True)
class MethodCost:
    """The cost of one callback, in seconds.

    Args:
        main: Main-thread seconds. Defaults to 0.0.
        compile: Seconds of tracing and compiling, which are not in `main`. Defaults to 0.0.
        encode: CPU seconds of encoding and writing on the writer's thread. Defaults to 0.0.
        snapshots: How many snapshots it captured. Defaults to 0.
        skipped: How often it was due and was postponed to stay below a limit. Defaults to 0.
    """

    main: float = 0.0
    compile: float = 0.0
    encode: float = 0.0
    snapshots: int = 0
    skipped: int = 0


class CostSums:
    """The sums of the `cost` records so far, in seconds. Numbers that are not finite count as 0.

    Attributes:
        methods: The cost of each callback, by name.
        wall: All time, from the beginning of the `fit` to its last position.
        wait: Time spent waiting for the writer.
        writer: CPU seconds of the writer's thread.
        factor: Training seconds per CPU second of the writer, None if unknown.
        budget: `max_overhead`, None if there is none.
    """

    def __init__(self) -> None:
        self.methods: dict[str, MethodCost] = {}
        self.wall = self.wait = self.writer = 0.0
        self.factor: float | None = None
        self.budget: float | None = None

    def add(self, meta: Mapping[str, Any]) -> None:
        """Add one record, completely or not at all.

        Raises:
            ValueError: If a value is not a number.
            TypeError: If a field is not a table or a list.
        """
        main, compiled, encode = (_seconds(meta, name) for name in ("seconds", "compile", "encode"))
        wall, wait, writer = (_finite(meta.get(name) or 0.0) for name in ("wall", "wait", "writer"))
        factor, budget = (_share(meta.get(name)) for name in ("factor", "budget"))
        skipped = _list(meta, "skipped")
        names = dict.fromkeys([*main, *compiled, *encode, *map(str, skipped)])
        check_names(self.methods, names)
        for name in names:
            cost = self.methods.setdefault(name, MethodCost())
            cost.main += main.get(name, 0.0)
            cost.compile += compiled.get(name, 0.0)
            cost.encode += encode.get(name, 0.0)
            cost.snapshots += name in main
            cost.skipped += name in skipped
        self.wall += wall
        self.wait += wait
        self.writer += writer
        self.factor = self.factor if factor is None else factor
        self.budget = budget

    @property
    def main(self) -> float:
        """Return the main-thread seconds of all callbacks."""
        return sum(method.main for method in self.methods.values())

    @property
    def compile(self) -> float:
        """Return the seconds of tracing and compiling of all callbacks."""
        return sum(method.compile for method in self.methods.values())


def _seconds(meta: Mapping[str, Any], name: str) -> dict[str, float]:
    table = meta.get(name) or {}
    if not isinstance(table, Mapping):
        raise TypeError(
            f"received a cost whose {name} is a {type(table).__name__}; expected a table of "
            "callbacks"
        )
    return {method: _finite(value) for method, value in table.items()}


def _list(meta: Mapping[str, Any], name: str) -> Sequence[object]:
    callbacks = meta.get(name) or ()
    if not isinstance(callbacks, (list, tuple)):
        raise TypeError(
            f"received a cost whose {name} is a {type(callbacks).__name__}; expected a list of "
            "callbacks"
        )
    return callbacks


def _finite(value: object) -> float:
    seconds = number(value)
    return seconds if math.isfinite(seconds) else 0.0


def _share(value: object) -> float | None:
    if value is None:
        return None
    share = number(value)
    return share if math.isfinite(share) else None
