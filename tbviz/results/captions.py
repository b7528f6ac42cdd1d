"""(a layout, the names of the probe images) => a name for each tile of a sheet, as on the page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tbviz.class_names import class_name
from tbviz.results.families import family_of

# Roles of a class that the user asked for, as an index or one per image.
_ASKED_FOR = re.compile(r"^(class|given)\b")
# Kinds whose sheet has one tile per probe image.
_TILE_PER_IMAGE = {"activations:colors", "hypercolumns:colors"}


def captions(
    kind: str,
    layout: Mapping[str, Any],
    images: Sequence[str],
    text: Mapping[str, Any] | None = None,
) -> tuple[str, ...]:
    """Return a name for each tile.

    Args:
        kind: The kind of the picture.
        layout: Its layout.
        images: The names of the probe images.
        text: What the writer says of the tiles of this sheet. Defaults to nothing.
    """
    tiles = layout["tiles"]
    names = _own_captions(kind, layout, images, text) or ()
    return tuple(
        names[tile] if tile < len(names) else _plain_name(kind, layout, tile)
        for tile in range(tiles)
    )


def is_captioned(kind: str, layout: Mapping[str, Any], images: Sequence[str]) -> bool:
    """Return whether tiles have captions that are more than a number."""
    return _is_of_images(kind, layout, images) or any(
        _texts(layout, name) for name in ("roles", "titles", "row_titles", "column_titles")
    )


def _own_captions(
    kind: str, layout: Mapping[str, Any], images: Sequence[str], text: Mapping[str, Any] | None
) -> list[str] | None:
    """Return the captions of tiles that have one of their own; None if they are only numbered."""
    tiles, roles = layout["tiles"], _texts(layout, "roles")
    if roles:
        said = text.get("tiles") if text is not None else None
        entries = said if isinstance(said, list) else []
        return [
            explained_class(role, entries[tile] if tile < len(entries) else None)
            for tile, role in enumerate(roles[:tiles])
        ]
    rows, columns = _texts(layout, "row_titles"), _texts(layout, "column_titles")
    if rows or columns:
        return [_crossing(layout, tile, rows, columns) for tile in range(tiles)]
    if titles := _texts(layout, "titles"):
        return titles
    return list(images) if _is_of_images(kind, layout, images) else None


def _is_of_images(kind: str, layout: Mapping[str, Any], images: Sequence[str]) -> bool:
    """Return whether a sheet has one tile per probe image."""
    return kind in _TILE_PER_IMAGE and len(images) == layout["tiles"]


def explained_class(role: str, entry: object) -> str:
    """Return the caption of a map of a class: "predicted: cat, 45%"."""
    role = _ASKED_FOR.sub("target", role)
    if not isinstance(entry, Mapping):
        return role
    name, index, against = (entry.get(key) for key in ("name", "class", "against_name"))
    if not isinstance(name, str):
        if type(index) is not int:
            return role
        name = class_name(index)
    other = f", not {against}" if isinstance(against, str) else ""
    share = entry.get("probability")
    known = isinstance(share, int | float) and 0 <= share <= 1
    percent = f", {100 * share:.0f}%" if share is not None and known else ""
    return f"{role}: {name}{other}{percent}"


def _crossing(
    layout: Mapping[str, Any], tile: int, rows: list[str] | None, columns: list[str] | None
) -> str:
    per_row = layout["columns"]
    row, column = divmod(tile, per_row if type(per_row) is int and per_row > 0 else 1)
    found = ((rows or [], row), (columns or [], column))
    names = [titles[at] for titles, at in found if at < len(titles)]
    return " · ".join(names) if rows else f"{names[0] if names else ''} · row {row + 1}"


def _plain_name(kind: str, layout: Mapping[str, Any], tile: int) -> str:
    family = family_of(kind)
    channels, total, bars = (layout.get(name) for name in ("channels", "total", "bars"))
    if isinstance(bars, list):
        return f"{len(bars)} channels"
    if family.name == "kernels" and layout["tiles"] == 1 and channels is None and total:
        return f"all {total} filters"
    noun = family.tile or ("tile" if channels is None else "channel")
    numbered = isinstance(channels, list) and tile < len(channels)
    return f"{noun} {channels[tile] if isinstance(channels, list) and numbered else tile}"


def _texts(layout: Mapping[str, Any], name: str) -> list[str] | None:
    value = layout.get(name)
    return [str(text) for text in value] if isinstance(value, list) and value else None
