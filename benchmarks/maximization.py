"""Maximizes 16 channels at three depths of an ImageNet network: how well, and how fast.

    python benchmarks/maximization.py model.keras photographs/

For each layer: the share of activation that remains when the images are shifted by 8 pixels, with
wrap-around (the images are seamless) and with the edge repeated instead; how many channels reach
three times the largest mean activation of the photographs, and the seconds of a first ascent, which
compiles, and of a second.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tbviz.methods.maximization.canvas import Canvas
    from tbviz.taps.inspector import ModelInspector
    from tbviz.taps.outputs import Output

Floats = npt.NDArray[np.float32]

LAYERS = ("block2_add", "block7_add", "block13_add")
CHANNELS = 16
SHIFT = 8
TIMES = 3.0
BOUNDS = (-127 / 128, 1.0)  # EfficientNet-Lite takes (pixel - 127) / 128


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("model", type=Path, nargs="?", help="a .keras file")
    parser.add_argument("photographs", type=Path, nargs="?", help="a folder of pictures")
    parser.add_argument("--layers", nargs="+", default=LAYERS, help="early, middle, late")
    parser.add_argument("--range", type=float, nargs=2, default=BOUNDS, help="of the inputs")
    parser.add_argument("--careful", action="store_true", help="four times the steps")
    parser.add_argument("--sheet", type=Path, help="where to save the images as one picture")
    options = parser.parse_args()
    if options.model is None or not options.model.exists():
        print(f"skipped: there is no model {options.model}; pass the path of a .keras file")
        return

    import keras

    from tbviz.methods.maximization.ascent import maximize
    from tbviz.methods.maximization.canvas import canvas_of
    from tbviz.methods.maximization.settings import Ascent
    from tbviz.taps.inspector import ModelInspector
    from tbviz.taps.select import select

    model = keras.models.load_model(options.model, compile=False)
    canvas = canvas_of(model, bounds=tuple(options.range))
    inspector = ModelInspector(model)
    model_outputs = inspector.model_outputs(canvas.blank(1))
    settings = Ascent().careful() if options.careful else Ascent()
    photographs = read(options.photographs, canvas)
    rows = []
    print("layer           left after a shift    channels above 3 x photographs    seconds")
    for output in select(model_outputs, list(options.layers)):
        channels = list(range(min(CHANNELS, output.channels)))
        seconds = []
        for _ in range(2):
            start = time.perf_counter()
            found = maximize(inspector, output, channels, canvas, settings)
            seconds.append(time.perf_counter() - start)
        rows.append(found.images)
        before = own_means(inspector, output, canvas, found.images)
        remaining = [
            own_means(inspector, output, canvas, shifted(found.images, mode)).sum() / before.sum()
            for mode in ("wrap", "edge")
        ]
        reached = "-"
        if photographs is not None:
            seen = means(inspector, output, canvas, photographs)[:, channels].max(axis=0)
            above = before > TIMES * np.maximum(seen, 0)
            ratio = before / np.maximum(seen, 1e-6)
            reached = f"{above.sum()} of {len(channels)} (median {np.median(ratio):.0f} x)"
        took = f"{seconds[0]:.1f}, again {seconds[1]:.1f}"
        print(
            f"{output.key:16}{remaining[0]:.2f}, edge {remaining[1]:<10.2f}{reached:34}{took}",
            flush=True,
        )
    if options.sheet is not None:
        save(rows, options.sheet)


def read(folder: Path | None, canvas: Canvas) -> Floats | None:
    """Read the photographs of a folder at the canvas' size, 0 to 1; `None` if there are none."""
    from PIL import Image

    height, width = canvas.size
    found = []
    for path in sorted(folder.iterdir()) if folder is not None and folder.is_dir() else ():
        if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
            continue
        with Image.open(path) as photograph:
            colors = photograph.convert("RGB" if canvas.channels == 3 else "L")
            pixels = np.asarray(colors.resize((width, height)), np.float32) / 255
        found.append(pixels.reshape(height, width, canvas.channels))
    return np.stack(found) if found else None


def shifted(images: Floats, mode: Literal["wrap", "edge"]) -> Floats:
    """Shift images down and to the right; `mode` is the padding."""
    room = ((0, 0), (SHIFT, 0), (SHIFT, 0), (0, 0))
    return np.pad(images, room, mode)[:, :-SHIFT, :-SHIFT]


def means(inspector: ModelInspector, output: Output, canvas: Canvas, images: Floats) -> Any:
    """Return the mean activation of each channel on each image, `(images, channels)`."""
    from tbviz.scores.recording import record

    inputs = canvas.fill(images, np)
    maps = record(inspector, [output], inputs).maps[output.key]
    return maps.mean(axis=(1, 2))


def own_means(inspector: ModelInspector, output: Output, canvas: Canvas, images: Floats) -> Any:
    """Return the mean activation of channel `i` on image `i`."""
    return np.diagonal(means(inspector, output, canvas, images))


def save(rows: list[Floats], path: Path) -> None:
    """Save one picture, one row per layer."""
    from PIL import Image

    lines = [np.concatenate(list(images), axis=1) for images in rows]
    pixels = (np.concatenate(lines) * 255).round().astype(np.uint8)
    Image.fromarray(pixels.squeeze()).save(path)


if __name__ == "__main__":
    main()
