"""Read probes: the few images that the model is shown at every snapshot."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tbviz.callbacks.run.dataset_images import batches_of, count_images, take_images
from tbviz.class_names import class_name
from tbviz.errors import TbvizError
from tbviz.scores.given_classes import GivenClasses, given_classes
from tbviz.scores.labels import NoClasses, is_array
from tbviz.taps.final_outputs import FinalOutput, OutputName
from tbviz.taps.image_inputs import image_batch, image_layout
from tbviz.taps.random_state import global_states_preserved

ClassNames = Sequence[str] | Mapping[str, int] | Mapping[OutputName, Any]
"""The name of each class; names to classes; or these by output of the model."""

MAX_IMAGES = 16
"""Only this many probe images are used; each adds one sheet per layer and snapshot."""


@dataclass(frozen=True)
class ProbeArrays:
    """Probe images as the model takes them.

    Attributes:
        inputs: Arrays with the images along the first axis, in the model's input structure.
        labels: The class of each image, None where unknown, or None for all of them.
        class_names: Name of each class, None where unknown.
        count: How many images.
        left_out: How many more were given.
        given: The labels and class names as they were given, for any output of the model.
        missing: The reason if there are labels but no classes.
    """

    inputs: Any
    labels: Sequence[int | None] | None
    class_names: list[str] | None
    count: int
    left_out: int = 0
    given: GivenClasses = field(default_factory=GivenClasses)
    missing: NoClasses | None = None

    def for_output(self, final: FinalOutput, outputs: int, default: int = 0) -> ProbeArrays:
        """Return the probe with the labels and class names of one output of the model.

        Args:
            final: The output.
            outputs: How many outputs the model has.
            default: Index of the output that labels and names belong to unless they are given by
                output. Defaults to 0.
        """
        known = self.given.for_output(final, outputs, default)
        return replace(self, labels=known.labels, class_names=known.names, missing=known.missing)

    def without_classes(self) -> ProbeArrays:
        """Return the images alone."""
        return replace(self, labels=None, class_names=None, missing=None)

    def pictures(self) -> npt.NDArray[Any] | None:
        """Return the image input, `(images, height, width, channels)`, None if there is none."""
        return image_batch(self.inputs)

    def class_name(self, label: int | None) -> str | None:
        """Return the name of a class, such as `"class 3"` if it has none; None for no class."""
        return None if label is None else class_name(label, self.class_names)


def image_names(probes: Sequence[ProbeArrays]) -> list[str]:
    """Return a distinct name for each image of several probes: its class, or `image 0`."""
    seen: dict[str, int] = {}
    names: list[str] = []
    for probe in probes:
        for label in probe.labels or [None] * probe.count:
            name = probe.class_name(label)
            if name is None:
                names.append(f"image {len(names)}")
                continue
            seen[name] = seen.get(name, 0) + 1
            names.append(_numbered(name, seen[name]) if seen[name] > 1 else name)
    return names


def _numbered(name: str, number: int) -> str:
    """Return such as `cat 2`, or `class 3 (2)` if the name ends with a number itself."""
    return f"{name} ({number})" if name[-1:].isdigit() else f"{name} {number}"


@dataclass(frozen=True)
class InputFormat:
    """How a model takes images, for image files.

    Attributes:
        size: Height and width, None where any will do.
        channels: 1 or 3.
        channels_first: Whether they stand before height and width.
    """

    size: tuple[int, int] | None = None
    channels: int = 3
    channels_first: bool = False


def read_probe(
    images: Any,
    labels: Any = None,
    class_names: ClassNames | None = None,
    files: InputFormat | None = None,
) -> ProbeArrays:
    """Read probe images from whatever a user has.

    Args:
        images: An array `(images, ...)`, or a list of images; a dict or tuple of arrays for
            models of several inputs; a `tf.data.Dataset` or a `keras.utils.PyDataset`, with labels
            if it has them (a few images are taken, see `dataset_images`); a callable that returns
            a batch, `images` or `(images, labels)`; image paths, which the model gets as 0 to 255.
        labels: One class per image, or one-hot rows; a dict of those by output, or a list or tuple
            of arrays, one per output, for models of several outputs. Defaults to None.
        class_names: Name of each class, in order or as a dict of names to classes; a dict of those
            by output for models of several outputs. Defaults to None.
        files: How image files are given to the model. Defaults to None.

    Raises:
        TbvizError: If the images are a generator (reading a batch would take it away from training)
            or a dataset that reshuffles (opening it changes the order that training sees), or if
            the labels do not match.
    """
    if isinstance(images, Iterator):
        msg = (
            "images received a generator; reading a batch here would take it away from training; "
            "pass one batch (an array), or a callable that returns a new batch"
        )
        raise TbvizError(msg)
    whole = not is_dataset(images)
    with _random_states_preserved(images):
        names = class_names if labels is None else None
        images, found = _open(images, files or InputFormat(), names, in_turn=labels is None)
    images = keras.tree.map_structure(lambda leaf: leaf if is_array(leaf) else _array(leaf), images)
    given = count_images(keras.tree.flatten(images))
    count = min(given, MAX_IMAGES)
    # Cut first: a whole validation set need not be converted and copied.
    arrays = keras.tree.map_structure(lambda leaf: _array(leaf[:count]).copy(), images)
    if labels is None:
        classes = given_classes(found, class_names, given, found=True)
    else:
        # Nobody knows how many images a dataset has, so that more labels than images may be given.
        classes = given_classes(labels, class_names, given, whole=whole)
    classes = classes.first(count)
    known = classes.of_unknown_model()
    return ProbeArrays(
        arrays, known.labels, known.names, count, given - count, classes, known.missing
    )


def is_dataset(images: Any) -> bool:
    """Return whether this is a `tf.data.Dataset` or a `keras.utils.PyDataset`."""
    # A `tf.data.Dataset` is known by what it has, since TensorFlow may not be installed.
    return isinstance(images, keras.utils.PyDataset) or (
        hasattr(images, "element_spec") and hasattr(images, "take")
    )


def is_path(images: Any) -> bool:
    """Return whether these are image files, which are read once the input size is known."""
    if isinstance(images, list | tuple):
        return bool(images) and isinstance(images[0], str | Path)
    return isinstance(images, str | Path)


def input_format(model: Any) -> InputFormat:
    """Return how the model takes images, as far as its inputs tell."""
    for tensor in getattr(model, "inputs", None) or ():
        layout = image_layout(tuple(size or 0 for size in tensor.shape))
        if layout is not None:
            height, width, channels, first = layout
            size = (height, width) if height and width else None
            return InputFormat(size, 1 if channels == 1 else 3, first)
    return InputFormat()


def _array(value: Any) -> npt.NDArray[Any]:
    array = _plain(value)
    if array.dtype == np.float64:
        return array.astype(np.float32)
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        msg = f"images received values of type {array.dtype}; expected numbers or image paths"
        raise TbvizError(msg)
    return array


def _open(
    images: Any, files: InputFormat, class_names: ClassNames | None, *, in_turn: bool
) -> tuple[Any, Any]:
    """Return inputs and labels; from a dataset, images of its classes in turn or the first ones."""
    if is_dataset(images):
        _refuse_reshuffling(images)
        batches = (_arrays(_split(batch)) for batch in batches_of(images))
        return take_images(batches, class_names, classes_in_turn=in_turn)
    if is_path(images):
        paths = [images] if isinstance(images, str | Path) else images
        return _files([Path(path).expanduser() for path in paths], files), None
    if callable(images):
        return _split(_called(images))
    if isinstance(images, list) and images and np.ndim(images[0]) in (2, 3):
        return _stacked(images), None
    return images, None


def _stacked(images: list[Any]) -> npt.NDArray[Any]:
    """Return a list of single images as a batch."""
    shapes = {np.shape(image) for image in images}
    if len(shapes) > 1:
        msg = (
            f"images received a list of images of shapes {sorted(shapes)}; give all of them one "
            "size (or, for a model of several inputs, pass a tuple of batches)"
        )
        raise TbvizError(msg)
    return np.stack([_array(image) for image in images])


def _called(images: Callable[[], Any]) -> Any:
    batch = images()
    if inspect.isgenerator(batch):
        batch = next(batch)
    return batch


def _split(batch: Any) -> tuple[Any, Any]:
    """Return `(inputs, labels)` of a batch: with labels, with weights too, or with neither."""
    if isinstance(batch, tuple) and len(batch) in (2, 3):
        return batch[0], batch[1]
    if isinstance(batch, tuple) and len(batch) == 1:
        return batch[0], None
    return batch, None


def _arrays(batch: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return a batch of arrays."""
    labels = None if batch[1] is None else keras.tree.map_structure(_plain, batch[1])
    return keras.tree.map_structure(_array, batch[0]), labels


def _plain(value: Any) -> npt.NDArray[Any]:
    return np.asarray(keras.ops.convert_to_numpy(value) if hasattr(value, "numpy") else value)


def _refuse_reshuffling(dataset: Any) -> None:
    pending = [dataset]
    while pending:
        stage = pending.pop()
        if "Shuffle" in type(stage).__name__ and getattr(stage, "_reshuffle_each_iteration", True):
            msg = (
                "images received a tf.data.Dataset that reshuffles each time it is read; reading "
                "it would change the order that training sees. Pass "
                "dataset.take(1) of an unshuffled dataset, one made with "
                "shuffle(..., reshuffle_each_iteration=False), or a batch as arrays"
            )
            raise TbvizError(msg)
        inputs = getattr(stage, "_inputs", None)
        pending += list(inputs()) if callable(inputs) else []


def _files(paths: list[Path], files: InputFormat) -> npt.NDArray[np.float32]:
    from PIL import Image

    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        msg = (
            f"images received paths of files that do not exist: {missing[:3]}; expected image files"
        )
        raise TbvizError(msg)
    pictures = []
    size = files.size
    for path in paths:
        with Image.open(path) as opened:
            picture = opened.convert("L" if files.channels == 1 else "RGB")
        height, width = size = size or (picture.height, picture.width)
        pixels = np.asarray(picture.resize((width, height)), np.float32)
        pictures.append(pixels.reshape(height, width, files.channels))
    batch = np.stack(pictures)
    return np.moveaxis(batch, -1, 1) if files.channels_first else batch


@contextmanager
def _random_states_preserved(images: Any) -> Iterator[None]:
    """Keep training's random numbers: opening a dataset draws some."""
    own = [
        value.bit_generator
        for value in getattr(images, "__dict__", {}).values()
        if isinstance(value, np.random.Generator)
    ]
    states = [generator.state for generator in own]
    with global_states_preserved():
        try:
            yield
        finally:
            for generator, state in zip(own, states, strict=True):
                generator.state = state
