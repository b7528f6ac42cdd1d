"""Compute the answer of `./costs` from a reader."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tbviz.store.read.reader import Reader

# Digits of a sum of many seconds below a microsecond are noise.
_DIGITS = 6


def costs(reader: Reader) -> dict[str, Any]:
    """Return the costs of tbviz per segment and callback; see http_api.md."""
    return {
        "segments": [
            {
                "segment": index + 1,
                "budget": sums.budget,
                "wall": _rounded(sums.wall),
                "main": _rounded(sums.main),
                "compile": _rounded(sums.compile),
                "wait": _rounded(sums.wait),
                "writer": _rounded(sums.writer),
                "factor": sums.factor,
                "methods": {
                    name: {key: _rounded(value) for key, value in asdict(method).items()}
                    for name, method in sums.methods.items()
                },
            }
            for index, sums in enumerate(segment.costs for segment in reader.segments)
        ]
    }


def _rounded(seconds: float) -> float:
    return round(seconds, _DIGITS)
