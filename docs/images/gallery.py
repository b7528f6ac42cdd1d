"""Makes the pictures of docs/gallery.md from a network that knows ImageNet and four photographs.

python docs/images/gallery.py NETWORK.keras PHOTOGRAPHS [NAME ...]

NETWORK takes 224 x 224 images as `(pixel - 127) / 128`, as EfficientNet-Lite0 does, and has
ImageNet's thousand classes; PHOTOGRAPHS holds cat.png, coffee.png, rocket.png and astronaut.png of
224 x 224 pixels. Names choose some of the pictures.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import keras
import numpy as np
from PIL import Image

import tbviz
from tbviz.arrays.resample import area_average
from tbviz.methods.cams.registry import CAMS
from tbviz.methods.saliency.registry import ATTRIBUTIONS

HERE = Path(__file__).parent / "gallery"
PHOTOGRAPHS = ("cat", "coffee", "rocket", "astronaut")
DEPTHS = "block2_add", "block7_add", "block13_add"
EARLY, MIDDLE, LATE = "stem_relu", "block5_project_conv", "block13_add"
SIDE = 72
CLASSES = {
    285: "Egyptian cat",
    967: "espresso",
    388: "giant panda",
    985: "daisy",
    130: "flamingo",
    22: "bald eagle",
}


class Gallery:
    """The pictures, each made by the method of its name."""

    def __init__(self, network: Path, photographs: Path) -> None:
        self.model = keras.models.load_model(network, compile=False)
        files = [photographs / f"{name}.png" for name in PHOTOGRAPHS]
        self.pixels = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])
        self.images = (self.pixels.astype(np.float32) - 127) / 128

    def feature_maps(self) -> Image.Image:
        """Thirteen maps of an early, a middle and a late layer, of the cat."""
        found = tbviz.methods.activations(self.model, self.images[:1], layers=[EARLY, MIDDLE, LATE])
        rows = []
        for maps in found.values():
            tiles = np.moveaxis(maps[0, :, :, :13], -1, 0)
            small = area_average(tiles, SIDE)
            rows.append(tbviz.render.tiles(small, columns=13, bounds="tile", size=SIDE))
        return stacked(rows)

    def colors(self) -> Image.Image:
        """Principal components of three depths, of the four photographs."""
        rows = [tbviz.render.colors(self.pixels, bounds=None, size=224)]
        found = tbviz.methods.activation_colors(self.model, self.images, layers=list(DEPTHS))
        rows += [tbviz.render.colors(one.colors, size=224) for one in found.values()]
        return stacked(rows)

    def cams(self) -> Image.Image:
        """Six methods on the cat and the astronaut, at the last layer and at a middle one."""
        rows, names = [], list(CAMS)
        for index in (0, 3):
            image, pixels = self.images[[index]], self.pixels[[index] * len(names)]
            for layer in ("head_relu", "block7_add"):
                maps = [
                    tbviz.methods.grad_cam(self.model, image, layers=layer, method=name).maps[0]
                    for name in names
                ]
                titles = [CAMS[name].title for name in names] if not rows else None
                rows.append(
                    tbviz.render.overlays(pixels, maps, columns=len(names), size=224, titles=titles)
                )
        return shrunk(stacked(rows), 1000)

    def saliency(self) -> Image.Image:
        """Each saliency method, one row per photograph."""
        rows = []
        for index, pixels in enumerate(self.pixels):
            image = self.images[index : index + 1]
            titles = ["photograph"] if not index else None
            row = [tbviz.render.colors(pixels[None], bounds=None, size=224, titles=titles)]
            for name, method in ATTRIBUTIONS.items():
                found = tbviz.methods.saliency_maps(self.model, image, method=name)
                maps = clipped(found.maps)
                titles = [method.title] if not index else None
                row.append(
                    tbviz.render.tiles(
                        maps, colormap="gray", signed=found.signed, size=224, titles=titles
                    )
                )
            rows.append(side_by_side(row))
        return shrunk(stacked(rows), 1200)

    def kernels(self) -> Image.Image:
        """Kernels of the first layer in color, and of a depthwise layer."""
        found = tbviz.methods.kernels(self.model, layers=["stem_conv", "block5_depthwise"])
        return stacked(
            [
                tbviz.render.colors(found["stem_conv"].shown_in_color(), size=64),
                tbviz.render.tiles(found["block5_depthwise"].tiles[:32], signed=True, size=64),
            ]
        )

    def hypercolumns(self) -> Image.Image:
        """Hypercolumns of the four photographs: the mean, and principal components."""
        found = tbviz.methods.hypercolumns(self.model, self.images, layers=list(DEPTHS))
        return stacked(
            [
                tbviz.render.tiles(found.mean, bounds="tile", size=224),
                tbviz.render.colors(found.colors, size=224),
            ]
        )

    def maximization(self) -> Image.Image:
        """Images that activate filters most, at three depths."""
        found = tbviz.methods.maximize_filters(
            self.model,
            layers=[EARLY, MIDDLE, LATE],
            filters=8,
            images=self.images,
            ascent=tbviz.Ascent().careful(),
        )
        return stacked(
            [tbviz.render.colors(one.images, columns=8, size=128) for one in found.values()]
        )

    def classes(self) -> Image.Image:
        """Images that activate classes most."""
        settings = dataclasses.replace(tbviz.Ascent.of_classes(), steps=96)
        found = tbviz.methods.maximize_classes(
            self.model, classes=list(CLASSES), images=self.images, ascent=settings
        )
        return tbviz.render.colors(found.images, columns=6, size=224, titles=list(CLASSES.values()))


NAMES = tuple(name for name in vars(Gallery) if not name.startswith("_"))


def clipped(maps: np.ndarray) -> np.ndarray:
    """Clip the strongest hundredth, which would leave the rest of a saliency map dark."""
    largest = np.percentile(np.abs(maps), 99)
    return np.clip(maps, -largest, largest)


def stacked(rows: list[Image.Image], gap: int = 6) -> Image.Image:
    """Stack pictures one below the other."""
    width = max(row.width for row in rows)
    sheet = Image.new("RGB", (width, sum(row.height + gap for row in rows) - gap), "white")
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height + gap
    return sheet


def shrunk(picture: Image.Image, width: int) -> Image.Image:
    """Shrink a picture of many photographs to the width of a page."""
    height = round(picture.height * width / picture.width)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def side_by_side(parts: list[Image.Image], gap: int = 4) -> Image.Image:
    """Arrange pictures in a row."""
    turned = [part.transpose(Image.Transpose.TRANSPOSE) for part in parts]
    return stacked(turned, gap).transpose(Image.Transpose.TRANSPOSE)


def main(network: Path, photographs: Path, names: list[str]) -> None:
    """Write the pictures."""
    gallery = Gallery(network, photographs)
    HERE.mkdir(exist_ok=True)
    for name in names or NAMES:
        image: Image.Image = getattr(gallery, name)()
        image.save(HERE / f"{name}.jpg", quality=88)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
