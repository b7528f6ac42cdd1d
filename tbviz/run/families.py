"""How the page shows a kind unless somebody chooses.

`plugin_frontend/src/model/families.ts` has the same; a test compares them.
"""

from __future__ import annotations

from typing import NamedTuple


class Family(NamedTuple):
    """What kinds with the same name before the colon have in common.

    Args:
        name: The name before the colon.
        range: What the colors span: `"run"` or `"tile"`.
        tile: What a tile without a caption is called, `""` for "tile".
        scale: What maps over a photograph are scaled by: `"maximum"` or `"percentile"`; `""` for
            pictures that are not drawn over photographs.
    """

    name: str
    range: str = "run"
    tile: str = ""
    scale: str = ""


_FAMILIES = (
    Family("activations", tile="channel"),
    Family("maximization", tile="channel"),
    Family("kernels", tile="filter"),
    Family("overview", range="tile"),
    Family("hypercolumns", range="tile"),
    Family("cam", scale="maximum"),
    Family("saliency", scale="percentile"),
)


def family_of(kind: str) -> Family:
    """Return the family of a kind; that of an unknown one has the usual values."""
    name = kind.partition(":")[0]
    return next((family for family in _FAMILIES if family.name == name), Family(name))
