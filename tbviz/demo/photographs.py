"""Cut 64 x 64 crops from ten photographs at many scales: from which photograph is a crop?

The left 60 % of each photograph is for training and the rest for validation. The network can
memorize the left part; the validation curve shows how little that helps. `SOURCES.md` beside this
file has the sources and licenses of the pictures.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from tbviz.demo.dataset import Dataset

FOLDER = Path(__file__).parent / "photos"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.jpg")))
SIZE = 64
TRAIN_SHARE = 0.6
MIN_WINDOW = 80  # pixels: below it a crop of the cat is fur, and nobody knows it for a cat


class Window(NamedTuple):
    """A square of a photograph, in its pixels."""

    name: str
    left: int
    top: int
    side: int


# Chosen by eye: a stranger can name each of them. Each crosses the border between the two parts. No
# training window and no validation window does, so the probes are not among the examples.
PROBES = (
    Window("cat", left=85, top=0, side=300),
    Window("coffee", left=75, top=0, side=341),
    Window("astronaut", left=90, top=0, side=256),
    Window("rocket", left=130, top=92, side=250),
    Window("temple", left=20, top=10, side=320),
    Window("flower", left=110, top=45, side=270),
)


def load(train: int = 100, validation: int = 40, seed: int = 0) -> Dataset:
    """Cut the crops.

    Args:
        train: Training crops a photograph. Defaults to 100.
        validation: Validation crops a photograph. Defaults to 40.
        seed: The same seed cuts the same crops. Defaults to 0.
    """
    random = np.random.default_rng(seed)
    train_windows, validation_windows = [], []
    for name in NAMES:
        with Image.open(FOLDER / f"{name}.jpg") as photo:
            width, height = photo.size
        border = round(TRAIN_SHARE * width)
        train_windows += draw_windows(random, train, name, (0, border), height)
        validation_windows += draw_windows(random, validation, name, (border, width), height)
    return Dataset(
        "photographs",
        NAMES,
        *_cut(train_windows),
        *_cut(validation_windows),
        *_cut(list(PROBES)),
    )


def draw_windows(
    random: np.random.Generator, count: int, name: str, columns: tuple[int, int], height: int
) -> list[Window]:
    """Draw square windows that lie wholly between two columns of a photograph.

    Sides are between `MIN_WINDOW` and the largest that fits. Their logarithms are uniform: a window
    of twice the side is as likely as one of half the side.
    """
    start, end = columns
    largest = min(end - start, height)
    windows = []
    for _ in range(count):
        side = round(MIN_WINDOW * (largest / MIN_WINDOW) ** random.random())
        left = int(random.integers(start, end - side, endpoint=True))
        top = int(random.integers(0, height - side, endpoint=True))
        windows.append(Window(name, left, top, side))
    return windows


def _cut(windows: list[Window]) -> tuple[np.ndarray, np.ndarray]:
    photos = {name: _open(name) for name in {window.name for window in windows}}
    images = np.empty((len(windows), SIZE, SIZE, 3), np.uint8)
    for image, window in zip(images, windows, strict=True):
        _, left, top, side = window
        box = (left, top, left + side, top + side)
        crop = photos[window.name].resize((SIZE, SIZE), Image.Resampling.BOX, box)
        image[:] = np.asarray(crop)
    labels = np.array([NAMES.index(window.name) for window in windows], np.int64)
    return images, labels


def _open(name: str) -> Image.Image:
    with Image.open(FOLDER / f"{name}.jpg") as photo:
        return photo.convert("RGB")
