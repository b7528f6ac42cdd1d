"""Hold the page's defaults for showing each kind.

`plugin_frontend/src/model/families.ts` has the same; a test compares them.
"""

from __future__ import annotations

from typing import NamedTuple


class Family(NamedTuple):
    """What kinds with the same name before the colon have in common.

    Args:
        name: The name before the colon.
        range: What the colors span: `"run"` or `"tile"`. Defaults to "run".
        tile: What a tile without a caption is called, `""` for "tile". Defaults to "".
        scale: What maps over a photograph are scaled by: `"maximum"` or `"percentile"`; `""` for
            pictures that are not drawn over photographs. Defaults to "".
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
    """Return the family of a kind. The family of an unknown kind has the defaults."""
    name = kind.partition(":")[0]
    return next((family for family in _FAMILIES if family.name == name), Family(name))
