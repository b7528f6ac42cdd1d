"""Describe a sheet at one position in a caption. `docs/format.md` documents the fields."""

from __future__ import annotations

from typing import TypedDict

# As a call, since `class` is a keyword.
TileCaption = TypedDict(
    "TileCaption",
    {
        "role": str,
        "class": int,
        "name": str | None,
        "probability": float | None,
        "score": float,
        "target": str,
        "against": int,
        "against_name": str | None,
        "note": str,
    },
    total=False,
)
"""What a tile explains: the role and class of it, its probability and score, and the class against
which it is explained, if there is one."""


class Caption(TypedDict, total=False):
    """The caption of a sheet."""

    tiles: list[TileCaption]
    """One caption per tile."""

    scores: list[float]
    """Of maximization: the score of each tile after the ascent."""

    shares: list[float]
    """Of kernels as principal components: the share of its filter that each tile holds."""

    moved: list[float]
    """Of kernels: how far each one has moved since the first snapshot, as a share of its size."""

    scale: float
    """Of kernels in color: the weight that has full color."""

    note: str
    """A sentence about the whole sheet."""
