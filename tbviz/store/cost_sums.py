"""Sums of the `cost` records of one segment: what looking took, callback by callback."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tbviz.store.schema import check_names, number


@dataclass(slots=True)
class MethodCost:
    """What one callback took, in seconds.

    Args:
        main: Main-thread seconds.
        compile: Seconds of tracing and compiling, which are not in `main`.
        encode: CPU seconds of encoding and writing on the writer's thread.
        snapshots: How often it looked; a look over several positions is one.
        skipped: How often it was due and left out, to stay below `max_overhead`.
    """

    main: float = 0.0
    compile: float = 0.0
    encode: float = 0.0
    snapshots: int = 0
    skipped: int = 0


class CostSums:
    """What the `cost` records so far add up to, in seconds. What is not finite counts as 0.

    Attributes:
        methods: Callback to what it took.
        wall: All time, from the beginning of the `fit` to its last position.
        wait: Waiting for the writer.
        writer: CPU seconds of the writer's thread.
        factor: What a CPU second of the writer costs training, None where it was not measured.
        budget: `max_overhead`, None where there is none.
    """

    def __init__(self) -> None:
        self.methods: dict[str, MethodCost] = {}
        self.wall = self.wait = self.writer = 0.0
        self.factor: float | None = None
        self.budget: float | None = None

    def add(self, meta: Mapping[str, Any]) -> None:
        """Add one record, whole or not at all.

        Raises:
            ValueError: If what should be a number is none.
            TypeError: If what should be a table or a list is none.
        """
        main, compiled, encode = (_seconds(meta, name) for name in ("seconds", "compile", "encode"))
        wall, wait, writer = (_finite(meta.get(name) or 0.0) for name in ("wall", "wait", "writer"))
        factor, budget = (_share(meta.get(name)) for name in ("factor", "budget"))
        skipped, parts = (_list(meta, name) for name in ("skipped", "divided"))
        names = dict.fromkeys([*main, *compiled, *encode, *map(str, skipped)])
        check_names(self.methods, names)
        for name in names:
            held = self.methods.setdefault(name, MethodCost())
            held.main += main.get(name, 0.0)
            held.compile += compiled.get(name, 0.0)
            held.encode += encode.get(name, 0.0)
            held.snapshots += name in main and name not in parts
            held.skipped += name in skipped
        self.wall += wall
        self.wait += wait
        self.writer += writer
        self.factor = self.factor if factor is None else factor
        self.budget = budget

    @property
    def main(self) -> float:
        """Main-thread seconds of all callbacks."""
        return sum(method.main for method in self.methods.values())

    @property
    def compile(self) -> float:
        """Seconds of tracing and compiling of all callbacks."""
        return sum(method.compile for method in self.methods.values())


def _seconds(meta: Mapping[str, Any], name: str) -> dict[str, float]:
    table = meta.get(name) or {}
    if not isinstance(table, Mapping):
        raise TypeError(f"a cost's {name} is a table of callbacks")
    return {method: _finite(value) for method, value in table.items()}


def _list(meta: Mapping[str, Any], name: str) -> Sequence[object]:
    callbacks = meta.get(name) or ()
    if not isinstance(callbacks, (list, tuple)):
        raise TypeError(f"a cost's {name} are a list of callbacks")
    return callbacks


def _finite(value: object) -> float:
    seconds = number(value)
    return seconds if math.isfinite(seconds) else 0.0


def _share(value: object) -> float | None:
    if value is None:
        return None
    share = number(value)
    return share if math.isfinite(share) else None
