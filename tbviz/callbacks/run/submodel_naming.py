"""Name the layers and number the images of a submodel among those of all submodels of a `fit`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.pictures import ColorPicture, GrayPicture, LogEntry, MetaRecord


class SubmodelNaming:
    """Names what the callbacks of one submodel log.

    Args:
        name: Begins the layer paths of the submodel, `""` for the fitted model; None if it is not
            known before the submodel is found. Defaults to "".

    Attributes:
        name: See above.
        first_image: The number of the submodel's first probe image among those of all submodels.
    """

    def __init__(self, name: str | None = "") -> None:
        self.name = name
        self.first_image = 0

    def path(self, layer: str) -> str:
        """Return the path of a layer in the store; `""` stands for the whole submodel."""
        if not self.name:
            return layer
        return f"{self.name}/{layer}" if layer else self.name

    def concern(self, layer: str | None) -> str | None:
        """Return the layer of a notice; a notice of no single layer is one of the submodel."""
        return self.path(layer or "") if self.name else layer

    def entry(self, entry: LogEntry) -> LogEntry:
        """Return a picture or record with the paths and image numbers of the store."""
        if isinstance(entry, GrayPicture) and self.first_image and entry.of_images:
            rows = range(len(entry.tiles)) if entry.images is None else entry.images
            entry = replace(entry, images=[self.first_image + row for row in rows])
        if not self.name:
            return entry
        if isinstance(entry, MetaRecord):
            return replace(entry, meta=self._meta(entry.meta))
        return self._picture(entry)

    def _picture(self, picture: GrayPicture | ColorPicture) -> LogEntry:
        layout: Layout = {**picture.layout}
        if "column_layers" in layout:
            layout["column_layers"] = [self.path(layer) for layer in layout["column_layers"]]
        if "stacks" in layout:
            layout["stacks"] = [[self.path(one) for one in stack] for stack in layout["stacks"]]
        return replace(picture, layer=self.path(picture.layer), layout=layout)

    def _meta(self, meta: Mapping[str, Any]) -> dict[str, Any]:
        named = dict(meta)
        if "layers" in named:
            named["layers"] = {self.path(key): value for key, value in named["layers"].items()}
        if "advice" in named:
            named["advice"] = [{**one, "layer": self.path(one["layer"])} for one in named["advice"]]
        return named
