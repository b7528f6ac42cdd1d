"""Apply every method to a saved model and a few images, without `fit`, and save the pictures.

Without arguments, it first trains a small network on the demo's photographs. Images are read as
0 to 255. If the model takes another range and does not rescale by itself, pass `--range -1 1`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np
from PIL import Image

import tbviz
from tbviz.demo import network, photographs
from tbviz.errors import TbvizError

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--model", type=Path, help="a .keras file; default: the demo's network")
parser.add_argument("--images", type=Path, nargs="+", help="default: the demo's photographs")
parser.add_argument(
    "--range", type=float, nargs=2, default=(0, 255), help="range of the model's input"
)
parser.add_argument("--epochs", type=int, default=5, help="epochs of the demo's network")
parser.add_argument("--out", type=Path, default=Path("pictures"))
options = parser.parse_args()

keras.utils.set_random_seed(1)
data = photographs.load()
if options.model is not None:
    model = keras.models.load_model(options.model, compile=False)
else:
    model = network.build(data)
    model.fit(data.train_images, data.train_labels, epochs=options.epochs, verbose=2)

pixels = data.probe_images
if options.images is not None:
    size = model.input_shape[2], model.input_shape[1]
    opened = [Image.open(path).convert("RGB").resize(size) for path in options.images]
    pixels = np.stack([np.asarray(image) for image in opened])
low, high = options.range
images = (pixels / 255 * (high - low) + low).astype(np.float32)


def save(picture: Image.Image, name: str) -> None:
    """Write a picture and print its path."""
    options.out.mkdir(parents=True, exist_ok=True)
    picture.save(options.out / f"{name.replace('/', '_')}.png")
    print(options.out / f"{name.replace('/', '_')}.png")


# Feature maps, their principal components in color, and an overview of the first layers.
for path, maps in tbviz.methods.activations(model, images[:1]).items():
    save(tbviz.render.channels(maps[0, ..., :64]), f"activations {path}")
for path, found in tbviz.methods.activation_colors(model, images).items():
    save(tbviz.render.colors(found.colors), f"colors {path}")
overview = tbviz.methods.activation_overview(model, images[:1])
save(tbviz.render.tiles(overview.tiles[0], columns=len(overview.layers), bounds="tile"), "overview")
columns = tbviz.methods.hypercolumns(model, images)
save(tbviz.render.colors(columns.colors, size=128), "hypercolumns")

# Where the model sees a class.
for method in ("grad-cam", "layercam"):
    cam = tbviz.methods.grad_cam(model, images, method=method)
    save(tbviz.render.overlays(pixels, cam.maps), method)
for method in ("gradients", "integrated-gradients"):
    map_ = tbviz.methods.saliency_maps(model, images, method=method)
    save(tbviz.render.tiles(map_.maps, signed=map_.signed, size=128), method)

# The strongest stimuli of filters and classes, and the weights themselves.
for path, best in tbviz.methods.maximize_filters(model, filters=16, images=images).items():
    save(tbviz.render.colors(best.images), f"maximization {path}")
ideal = tbviz.methods.maximize_classes(model, classes=list(range(4)), images=images)
save(tbviz.render.colors(ideal.images, size=128), "classes")
for path, kernel in tbviz.methods.kernels(model).items():
    save(tbviz.render.tiles(kernel.tiles, signed=True, size=32), f"kernels {path}")

# Numbers that show whether a layer works.
for path, health in tbviz.methods.health(model, images).items():
    numbers = health.numbers
    print(f"{path}: {numbers['dead']:.0f} dead channels, similarity {numbers['similarity']:.2f}")

try:
    augmented = tbviz.methods.augmented_images(model, images)
    row = augmented.colors.shape[1]
    save(
        tbviz.render.colors(augmented.colors.reshape(-1, *images.shape[1:]), columns=row),
        "augmented",
    )
except TbvizError as error:  # the model has no augmentation layer
    print(error)
