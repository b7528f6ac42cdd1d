"""`Probe`: the images that callbacks show, with their labels and class names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from tbviz.callbacks.options import ARGUMENTS, PROBE_ARGUMENTS
from tbviz.callbacks.run.probe import ClassNames, InputFormat, ProbeArrays, is_path, read_probe
from tbviz.callbacks.signature import SharedOptions
from tbviz.errors import TbvizError
from tbviz.store.disk.locations import RemoteLocation


class Probe(SharedOptions):
    """The probe images of several callbacks, with their labels and class names, read once.

    A `Probe` may stand wherever a callback takes `images`. Callbacks that get the same one show
    the same images, even if they come from a callable that returns other images at each call.

    An array is used as it is given, up to 16 images. From a dataset, 8 images are taken, one
    class after the other, among its first 512: a dataset that is sorted by class would otherwise
    give images of one class alone. Reading a dataset does not change what training sees.

    Example:
        >>> probe = tbviz.Probe(validation_set, class_names=["cat", "dog"])
        >>> callbacks = [
        ...     tbviz.GradCAM("logs/run", probe, method="layercam"),
        ...     tbviz.Saliency("logs/run", probe, method="smoothgrad"),
        ... ]
    """

    shared_texts: ClassVar[Mapping[str, str]] = {**ARGUMENTS, **PROBE_ARGUMENTS}

    def __init__(
        self,
        images: Any,
        labels: Any = None,
        *,
        class_names: ClassNames | None = None,
    ) -> None:
        self._source = ProbeSource(images, labels, class_names)


class ProbeSource:
    """Reads the images of a `Probe`, once.

    Args:
        images: See `Probe`.
        labels: See `Probe`.
        class_names: See `Probe`.
    """

    def __init__(self, images: Any, labels: Any, class_names: ClassNames | None) -> None:
        self._class_names = class_names
        # Image files are read when the model's input size is known.
        self._files = (images, labels) if is_path(images) else None
        self._known: dict[InputFormat | None, ProbeArrays] = {}
        if self._files is None:
            self._known[None] = read_probe(images, labels, class_names)

    @property
    def is_files(self) -> bool:
        """Whether the images are files, which take the size of the model's input."""
        return self._files is not None

    def read(self, files: InputFormat | None = None) -> ProbeArrays:
        """Return the images as arrays.

        Args:
            files: How the model takes image files. Defaults to None: the images are no files.

        Raises:
            TbvizError: If a file cannot be read as an image.
        """
        if self._files is None:
            return self._known[None]
        if files not in self._known:
            self._known[files] = read_probe(*self._files, self._class_names, files)
        return self._known[files]


def source_of(probe: Probe) -> ProbeSource:
    """Return what reads the images of a `Probe`."""
    return probe._source  # noqa: SLF001  a user has no use for it


def as_probe(
    images: Any, labels: Any, class_names: ClassNames | None, callback: str
) -> Probe | None:
    """Return the `Probe` that a callback's arguments mean, None without images.

    Args:
        images: Images in any form, or a `Probe`.
        labels: Of the images.
        class_names: Of the labels.
        callback: The name of the callback, for messages.

    Raises:
        TbvizError: If labels or class names are given beside a `Probe`, which has its own, or
            labels without images.
    """
    if images is None:
        if labels is not None:
            msg = (
                f"{callback} received labels= without images=; labels are the classes of the "
                "images. Pass both, or leave both out"
            )
            raise TbvizError(msg)
        return None
    if not isinstance(images, Probe):
        return Probe(images, labels, class_names=class_names)
    given = {"labels": labels, "class_names": class_names}
    for name, value in given.items():
        if value is not None:
            msg = (
                f"{callback} received {name}= beside a tbviz.Probe, which has its own; expected "
                f"one of the two. Pass tbviz.Probe(images, {name}=...) and no {name}= here"
            )
            raise TbvizError(msg)
    return images


def check_log_dir(
    log_dir: str | os.PathLike[str] | RemoteLocation, callback: str
) -> str | os.PathLike[str] | RemoteLocation:
    """Return a log directory, if it is one.

    Args:
        log_dir: The user's argument.
        callback: The name of the callback, for the error.

    Raises:
        TbvizError: If it is something else, such as the images.
    """
    given: Any = log_dir
    path = os.fspath(given) if isinstance(given, os.PathLike) else given
    if isinstance(path, RemoteLocation) or (isinstance(path, str) and path.strip()):
        return log_dir
    what = (
        f"={given!r}" if isinstance(given, str | int | None) else f" of type {type(given).__name__}"
    )
    msg = (
        f"{callback} received log_dir{what}; expected a path or a URI. "
        'Pass the directory of the run first, such as "logs/run", and then the images'
    )
    raise TbvizError(msg)
