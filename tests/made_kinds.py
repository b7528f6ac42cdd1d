"""Write pictures of the kinds that `made_stores.py` lacks, with every field of a layout.

Families with variants, series of the whole model, captions of tiles, rows and columns, signed
values, advice, and a kind that no page knows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tbviz.images.sheet import encode_gray, encode_rgb

if TYPE_CHECKING:
    from made_stores import Run
    from numpy.typing import NDArray

SIZE = 64
"""Of saliency maps, hypercolumns and draws, in pixels a side."""


def add_kinds(run: Run, step: float, where: dict) -> None:
    """Write one record of each kind at a position of a run."""
    pictures = _Pictures(run, step, where)
    pictures.overview()
    pictures.classes()
    pictures.cams()
    pictures.saliency()
    pictures.kernels()
    pictures.hypercolumns()
    pictures.colors()
    pictures.augmentation()
    pictures.unknown()


def more_health(channels: int, step: float, dead: int) -> dict[str, float]:
    """Return the numbers of a layer that old runs lack."""
    return {
        "saturated": min(channels, int(step) // 3),
        "duplicates": min(channels, 1 + int(step) // 5),
        "weight_norm": 3.0 + 0.4 * math.sqrt(step + channels),
        "weight_update": 0.3 * math.exp(-step / 6) + 0.001 * dead,
    }


def more_cost(step: float) -> dict[str, Any]:
    """Return the fields that cost records of old runs lack: a budget, and skipped callbacks."""
    return {
        "encode": {"ActivationGrid": 0.03, "GradCAM": 0.04},
        "factor": 0.6,
        "budget": 0.05,
        "skipped": ["GradCAM"] if int(step) % 2 else [],
    }


def advice(layer: str, channels: int, dead: int) -> list[dict[str, str]]:
    """Return the advice for a layer that dies."""
    if 8 * dead < channels:
        return []
    text = f"{dead} of {channels} channels have been dead for 5 epochs; a lower learning rate helps"
    return [{"layer": layer, "rule": "dead", "text": text}]


class _Pictures:
    def __init__(self, run: Run, step: float, where: dict) -> None:
        self.run = run
        self.step = step
        self.where = where
        self.layers = run.layers
        self.images = range(len(run.labels))
        axis = np.linspace(-1, 1, SIZE)
        self.rows, self.columns = axis[:, None], axis[None, :]

    def gray(
        self, kind: str, layer: str, sheets: list[NDArray[Any]], texts=None, **layout: Any
    ) -> None:
        """Append `(tiles, height, width)` sheets, one per probe image unless `images` is 0."""
        tiles, height, width = sheets[0].shape
        columns = layout.pop("columns", min(16, tiles))
        identifier = self.run.writer.layout({
            "picture": kind, "layer": layer, "media": "gray8", "tile": [height, width],
            "tiles": tiles,
            "columns": columns, "images": len(sheets), **layout,
        })  # fmt: skip
        encoded = [
            encode_gray(sheet.astype(np.float32), columns, text)
            for sheet, text in zip(sheets, texts or [None] * len(sheets), strict=True)
        ]
        self.run.append(
            {"kind": kind, **self.where, "layer": layer, "media": "gray8", "layout": identifier},
            [sheet.png for sheet in encoded],
            [sheet.summary for sheet in encoded],
        )

    def rgb(self, kind: str, layer: str, tiles: NDArray[Any], **layout: Any) -> None:
        """Append one sheet of `(tiles, height, width, 3)` between 0 and 1."""
        count, height, width, _ = tiles.shape
        columns = layout.pop("columns", min(16, count))
        identifier = self.run.writer.layout({
            "picture": kind, "layer": layer, "media": "rgb8", "tile": [height, width],
            "tiles": count,
            "columns": columns, "images": 0, **layout,
        })  # fmt: skip
        pixels = (255 * np.clip(tiles, 0, 1)).astype(np.uint8)
        self.run.append(
            {"kind": kind, **self.where, "layer": layer, "media": "rgb8", "layout": identifier},
            [encode_rgb(pixels, columns, layout.get("text")).png],
        )

    def blob(self, image: int, turn: float, width: float = 0.1) -> NDArray[Any]:
        """Return a bump between 0 and 1 whose center depends on image and turn."""
        phase = 1.7 * image + turn
        distance = (self.rows - 0.5 * math.sin(phase)) ** 2
        distance = distance + (self.columns - 0.5 * math.cos(phase)) ** 2
        return np.exp(-distance / width)

    def overview(self) -> None:
        rows = 6
        sheets = []
        for image in self.images:
            maps = [
                [self.blob(image, row + column + 0.2 * self.step)[::2, ::2] * (1 + column)
                 for column in range(len(self.layers))]
                for row in range(rows)
            ]  # fmt: skip
            sheets.append(np.reshape(maps, (-1, SIZE // 2, SIZE // 2)))
        self.gray(
            "overview", "", sheets, columns=len(self.layers), method="ActivationGrid",
            column_titles=[layer.path for layer in self.layers],
            title="The first maps of the first layers, a column a layer",
        )  # fmt: skip

    def classes(self) -> None:
        names = self.run.class_names
        wave = 4 + self.step
        tiles = [
            np.stack([0.5 + 0.5 * np.sin(wave * self.blob(index, channel, 0.4) + channel)
                      for channel in range(3)], axis=-1)
            for index in range(len(names))
        ]  # fmt: skip
        self.rgb("classes", "", np.stack(tiles), titles=names, method="ClassMaximization")

    def cams(self) -> None:
        for kind, layer in (("cam", self.layers[-2]), ("cam:score-cam", self.layers[-1])):
            maps = [
                np.stack([self.blob(image, turn + 0.2 * self.step)[::8, ::8] for turn in (0, 1)])
                for image in self.images
            ]
            self.gray(kind, layer.path, maps, self.texts(), roles=["predicted", "true"])

    def saliency(self) -> None:
        noise = np.random.default_rng(int(10 * self.step))
        unsigned, signed = [], []
        for image in self.images:
            speckle = noise.standard_normal((2, SIZE, SIZE))
            where = np.stack([self.blob(image, turn + 0.1 * self.step) for turn in (0, 1)])
            signed.append(where * speckle)
            unsigned.append(np.abs(where * speckle))
        roles = ["predicted", "true"]
        self.gray("saliency:gradients", "", unsigned, self.texts(), roles=roles)
        self.gray(
            "saliency:integrated-gradients", "", signed, self.texts(), roles=roles, signed=True,
            title="Integrated gradients: what each pixel adds to the score",
        )  # fmt: skip

    def texts(self) -> list[dict]:
        """Return the captions of the tiles of class maps."""
        out = []
        for image, label in enumerate(self.run.labels):
            (best, share), *_ = self.run.prediction(image, self.step)
            tiles = [
                {"role": role, "class": index, "name": self.run.class_names[index],
                 "probability": probability, "score": math.log(probability), "target": "logit"}
                for role, index, probability in (
                    ("predicted", best, share), ("true", label, 0.2 + 0.5 * share))
            ]  # fmt: skip
            out.append({"tiles": tiles})
        return out

    def kernels(self) -> None:
        for layer in self.layers:
            if layer.type != "Conv2D":
                continue
            drift = np.random.default_rng(layer.channels)
            start = drift.standard_normal((layer.channels, 3, 3))
            weights = start * math.exp(-self.step / 10) + 0.5 * np.roll(start, 1, axis=0)
            self.gray(
                "kernels", layer.path, [weights], images=0, signed=True,
                channels=list(range(layer.channels)), total=layer.channels,
                title="The weights of each filter, mean over its input channels",
            )  # fmt: skip
        colors = drift.random((16, 3, 3, 3)) * (1 - math.exp(-self.step - 1))
        self.rgb("kernels:colors", self.layers[0].path, colors, total=16)

    def hypercolumns(self) -> None:
        lists = ["layers 1, 4, 7", "layers 1, 4, 7, 10, 11, 14, 17"]
        sheets = [
            np.stack([self.blob(image, 0.2 * self.step + turn, 0.3) for turn in range(2)])
            for image in self.images
        ]
        self.gray("hypercolumns", "", sheets, titles=lists, method="Hypercolumns")
        self.rgb("hypercolumns:colors", "", self.principal(), method="Hypercolumns")

    def principal(self) -> NDArray[Any]:
        """Return a color picture of each probe image."""
        return np.stack([
            np.stack([self.blob(image, turn + 0.1 * self.step, 0.4) for turn in range(3)], axis=-1)
            for image in self.images
        ])  # fmt: skip

    def colors(self) -> None:
        for layer in self.layers[:2]:
            self.rgb("activations:colors", layer.path, self.principal()[:, ::2, ::2])

    def augmentation(self) -> None:
        draws = 6
        tiles = []
        for image in self.images:
            photo = self.run.probe(image) / 255
            tiles += [photo] + [
                np.roll(photo, int(7 * draw + self.step), axis=draw % 2)[:, :: (-1) ** draw]
                for draw in range(1, draws + 1)
            ]
        names = [self.run.class_names[label] for label in self.run.labels]
        self.rgb(
            "augmentation", "", np.stack(tiles), columns=draws + 1, row_titles=names,
            column_titles=["image", *(f"draw {draw}" for draw in range(1, draws + 1))],
        )  # fmt: skip

    def unknown(self) -> None:
        maps = [np.stack([self.blob(0, turn) for turn in range(5)])]
        self.gray("spectra:log", self.layers[0].path, maps, images=0)
