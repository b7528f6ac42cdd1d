"""Define the layout of a picture: what stays the same for a kind and a layer.

`docs/format.md` documents the same fields, and the page's type `Layout` has the same names. The
store holds them in the order in which they are given.
"""

from __future__ import annotations

from typing import TypedDict


class Layout(TypedDict, total=False):
    """What a callback says about its pictures. Every field is optional."""

    channels: list[int]
    """The channel that each tile shows."""

    total: int
    """How many channels the layer has."""

    bars: list[int]
    """The channel that each bar of the one tile shows, from the left."""

    column_layers: list[str]
    """Of an overview: the path of the layer of each column."""

    stacks: list[list[str]]
    """Of hypercolumns: the paths of the layers in each list."""

    map: list[int]
    """`[height, width]`: the size of a map, if tiles were reduced."""

    roles: list[str]
    """The role of each tile: which class is explained."""

    target: str
    """What is explained, in words."""

    titles: list[str]
    """One caption per tile."""

    column_titles: list[str]
    """Captions of the columns: such a sheet keeps its columns where it is shown."""

    row_titles: list[str]
    """Captions of the rows."""

    signed: bool
    """Whether zero is the middle of the range."""

    title: str
    """What the picture is, in one line."""

    method: str
    """The callback or method that made it."""


class LayoutRecord(Layout, total=False):
    """All fields of a `layout` record: those above, and those that follow from the picture."""

    picture: str
    """The kind of picture."""

    layer: str
    """The path of the layer, `""` for the whole model."""

    media: str
    """`gray8` or `rgb8`."""

    tile: list[int]
    """`[height, width]` of a stored tile."""

    tiles: int
    """How many tiles a sheet has."""

    columns: int
    """How many tiles a row has."""

    images: int
    """Sheets per record: one per probe image; 0: one sheet that belongs to no image."""

    probes: list[int]
    """Which probe image each sheet is of, if it is not simply the first, the second ..."""
