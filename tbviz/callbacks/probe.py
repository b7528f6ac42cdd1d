"""Probes: the few images that the model is shown again and again, read once."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tbviz.errors import TbvizError
from tbviz.methods.maximization.canvas import image_layout

MOST_IMAGES = 16
"""More probe images than this are cut: each costs a sheet a layer a step."""

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}


@dataclass(frozen=True)
class Probe:
    """Probe images as the model takes them.

    Attributes:
        inputs: arrays with the images along the first axis, in the model's input structure.
        labels: the class of each image, `None` where unknown.
        class_names: name of each class, `None` where unknown.
        count: how many images.
        left_out: how many more were given.
    """

    inputs: Any
    labels: list[int] | None
    class_names: list[str] | None
    count: int
    left_out: int = 0

    def pictures(self) -> npt.NDArray[Any] | None:
        """The input that is an image, `(images, height, width, channels)`, `None` without one."""
        for leaf in keras.tree.flatten(self.inputs):
            found = image_layout(np.shape(leaf))
            if found is not None:
                values = np.asarray(leaf)
                return np.moveaxis(values, 1, -1) if found[3] else values
        return None

    def names(self) -> list[str]:
        """What to call each image: its class, numbered where several share it; else a number."""
        seen: dict[str, int] = {}
        names = []
        for index in range(self.count):
            name = self.class_name(self.labels[index]) if self.labels else None
            if name is None:
                names.append(f"image {index}")
                continue
            seen[name] = seen.get(name, 0) + 1
            names.append(f"{name} {seen[name]}" if seen[name] > 1 else name)
        return names

    def class_name(self, label: int | None) -> str | None:
        """The name of a class; its number as text where there are no names."""
        if label is None:
            return None
        if self.class_names and 0 <= label < len(self.class_names):
            return self.class_names[label]
        return str(label)


def read_probe(
    images: Any,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
) -> Probe:
    """Reads probe images from whatever a user has.

    Args:
        images: an array `(images, ...)`; a dict or tuple of arrays for models of several inputs;
            a `tf.data.Dataset` (its first batch) or a `keras.utils.PyDataset` (item 0), with
            labels where it has them; a callable that returns a batch; or image paths.
        labels: a class each image, or one-hot rows.
        class_names: name of each class.
        size: height and width to which image files are scaled.

    Raises:
        TbvizError: a generator (its first batch would be missing from training), a dataset that
            reshuffles (opening it changes the order that training sees), or labels that do not
            match; each with the remedy.
    """
    if inspect.isgenerator(images) or isinstance(images, Iterator):
        msg = (
            "images received a generator, whose first batch would then be missing from training; "
            "pass a batch of it (an array), or a callable that makes a fresh batch"
        )
        raise TbvizError(msg)
    with _random_states_kept():
        images, found = _open(images, size)
    if labels is None:
        labels = found
    arrays = keras.tree.map_structure(_array, images)
    leaves = keras.tree.flatten(arrays)
    counts = {len(leaf) for leaf in leaves}
    if len(counts) != 1 or 0 in counts:
        shapes = [leaf.shape for leaf in leaves]
        msg = f"images received arrays of shapes {shapes}; all need the same first axis, above 0"
        raise TbvizError(msg)
    given = counts.pop()
    count = min(given, MOST_IMAGES)
    arrays = keras.tree.map_structure(lambda leaf: leaf[:count], arrays)
    chosen = _classes(labels, given)
    names = [str(name) for name in class_names] if class_names is not None else None
    return Probe(arrays, chosen[:count] if chosen else None, names, count, given - count)


def is_path(images: Any) -> bool:
    """Whether these are image files, which are read once the model's input size is known."""
    if isinstance(images, list | tuple):
        return bool(images) and isinstance(images[0], str | Path)
    return isinstance(images, str | Path)


def _array(value: Any) -> npt.NDArray[Any]:
    array = np.asarray(keras.ops.convert_to_numpy(value) if hasattr(value, "numpy") else value)
    if array.dtype == np.float64:
        return array.astype(np.float32)
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        msg = f"images received values of type {array.dtype}; expected numbers or image paths"
        raise TbvizError(msg)
    return array


def _open(images: Any, size: tuple[int, int] | None) -> tuple[Any, Any]:
    """Inputs and labels of a batch."""
    if isinstance(images, keras.utils.PyDataset):
        return _split(images[0])
    if hasattr(images, "element_spec") and hasattr(images, "take"):  # tf.data, TensorFlow or not
        _refuse_reshuffling(images)
        for batch in images.take(1):
            return _split(batch)
        msg = "images received an empty dataset; it needs at least one batch"
        raise TbvizError(msg)
    if is_path(images):
        paths = [images] if isinstance(images, str | Path) else images
        return _files([Path(path) for path in paths], size), None
    if callable(images):
        return _split(_called(images))
    if isinstance(images, list) and images and not hasattr(images[0], "shape"):
        return np.asarray(images), None
    return images, None


def _called(images: Callable[[], Any]) -> Any:
    batch = images()
    if inspect.isgenerator(batch):
        batch = next(batch)
    return batch


def _split(batch: Any) -> tuple[Any, Any]:
    """`(inputs, labels)` of what a dataset yields: with labels, with weights, or neither."""
    if isinstance(batch, tuple) and len(batch) in (2, 3):
        return batch[0], batch[1]
    if isinstance(batch, tuple) and len(batch) == 1:
        return batch[0], None
    return batch, None


def _refuse_reshuffling(dataset: Any) -> None:
    pending = [dataset]
    while pending:
        stage = pending.pop()
        if "Shuffle" in type(stage).__name__ and getattr(
            stage, "_reshuffle_each_iteration", True
        ):
            msg = (
                "images received a tf.data.Dataset that shuffles anew at each opening; looking at "
                "it would change the order that training sees. Pass "
                "dataset.take(1) of an unshuffled dataset, one made with "
                "shuffle(..., reshuffle_each_iteration=False), or a batch as arrays"
            )
            raise TbvizError(msg)
        inputs = getattr(stage, "_inputs", None)
        pending += list(inputs()) if callable(inputs) else []


def _files(paths: list[Path], size: tuple[int, int] | None) -> npt.NDArray[np.uint8]:
    from PIL import Image  # noqa: PLC0415  (only for those who pass paths)

    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        known = ", ".join(sorted(_SUFFIXES))
        msg = f"images received paths that are no files: {missing[:3]}; expected images ({known})"
        raise TbvizError(msg)
    pictures = [Image.open(path).convert("RGB") for path in paths[:MOST_IMAGES]]
    width, height = (size[1], size[0]) if size else pictures[0].size
    return np.stack([np.asarray(picture.resize((width, height))) for picture in pictures])


def _classes(labels: Any, count: int) -> list[int] | None:
    if labels is None or isinstance(labels, dict):
        return None
    values = np.asarray(keras.ops.convert_to_numpy(labels) if hasattr(labels, "numpy") else labels)
    if len(values) != count:
        msg = f"labels received {len(values)} values for {count} images; expected one each"
        raise TbvizError(msg)
    if values.ndim == 2 and values.shape[1] > 1:  # one-hot rows
        return [int(label) for label in values.argmax(axis=1)]
    values = values.reshape(count, -1)
    if values.shape[1] != 1 or not np.all(np.equal(np.mod(values, 1), 0)):
        return None  # targets that are no classes: masks, regression
    return [int(label) for label in values[:, 0]]


@contextmanager
def _random_states_kept() -> Iterator[None]:
    """What opening a dataset draws from Python's and numpy's random state is put back."""
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002  (users' state)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
