"""(a segment) => its probe images: photographs, labels and names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tbviz.errors import TbvizError
from tbviz.results.png import read_png
from tbviz.results.requests import listed, unknown
from tbviz.store.errors import DamagedError
from tbviz.store.format.schema import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tbviz.store.read.reader import Reader
    from tbviz.store.read.segment import IndexEntry


@dataclass(frozen=True, eq=False)
class ProbeImages:
    """The images that the model is shown at every snapshot of a segment.

    Args:
        photographs: uint8 RGB `(images, height, width, 3)`, as a person sees them.
        names: A name for each image: that of its class if it has one.
        labels: int64 `(images,)`, the class of each image, -1 if it is unknown.
        class_names: The name of each class, None if they are unknown.
        span: The values of the model's input that became 0 and 255, None if they are unknown.
    """

    photographs: NDArray[np.uint8]
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...] | None
    span: tuple[float, float] | None

    def __repr__(self) -> str:
        return f"<{len(self.names)} probe images: {listed(self.names)}>"


class ProbeCaption:
    """What is known of the probe images of a segment without reading a photograph.

    Args:
        entry: The record of the probe, None if there is none.
    """

    def __init__(self, entry: IndexEntry | None) -> None:
        self.entry = entry
        meta: Mapping[str, Any] = {} if entry is None else entry.meta
        images = [one if isinstance(one, dict) else {} for one in meta.get("images", ())]
        self.names = tuple(
            next((one[key] for key in ("class", "name") if isinstance(one.get(key), str)), None)
            or f"image {index}"
            for index, one in enumerate(images)
        )
        self.files = tuple(str(one.get("name")) for one in images)
        self.labels = np.array([_label(one.get("label")) for one in images], np.int64)
        names = meta.get("class_names")
        self.class_names = tuple(map(str, names)) if isinstance(names, list) else None
        self.span = _span(meta.get("range"))

    def index(self, image: object, among: Sequence[int]) -> int:
        """Return the index of an image that a user gave by its index or its name.

        Args:
            image: What the user gave.
            among: The images that the picture has.

        Raises:
            TbvizError: If the picture has no such image, or several of this name.
        """
        if isinstance(image, str):
            found = [one for one in among if image in {self._name(one), self._file(one)}]
            if len(found) > 1:
                raise TbvizError(
                    f"received image {image!r}, the name of images {listed(found)}; expected an "
                    "index"
                )
            if not found:
                names = list(dict.fromkeys(self._name(one) for one in among))
                raise unknown("image", image, names)
            return found[0]
        if image in among and not isinstance(image, bool):
            return among[list(among).index(image)]  # type: ignore[arg-type]  # it is among them
        names = [self._name(one) for one in among]
        raise TbvizError(
            f"received image {image!r}, expected one of {listed(among)}, or its name: "
            f"{listed(names)}"
        )

    def _name(self, index: int) -> str:
        return self.names[index] if index < len(self.names) else f"image {index}"

    def _file(self, index: int) -> str:
        return self.files[index] if index < len(self.files) else f"image {index}"


def caption_of(reader: Reader, segment: int) -> ProbeCaption:
    """Return what is known of the probe images of a segment.

    A segment without a probe has that of the last one before it, else the first of the run.

    Args:
        reader: The run.
        segment: Its number, counted from 1.
    """
    found = [(index, one.probes[-1]) for index, one in enumerate(reader.segments, 1) if one.probes]
    before = [entry for index, entry in found if index <= segment]
    return ProbeCaption(before[-1] if before else found[0][1] if found else None)


def photograph(reader: Reader, caption: ProbeCaption, index: int) -> NDArray[np.uint8] | None:
    """Read a photograph, None if the probe has none of this index.

    Raises:
        DamagedError: If it is damaged.
    """
    if caption.entry is None or not 0 <= index < len(caption.entry.sheets):
        return None
    try:
        pixels, _, _ = read_png(reader.read(caption.entry.sheets[index]), "rgb8")
    except (ValueError, DamagedError) as error:
        raise DamagedError(
            f"the photograph of probe image {index} cannot be read: {error}"
        ) from error
    return pixels


def probe_images(reader: Reader, segment: int) -> ProbeImages:
    """Read the probe images of a segment.

    Raises:
        TbvizError: If none were logged.
        DamagedError: If a photograph is damaged.
    """
    caption = caption_of(reader, segment)
    if caption.entry is None or not caption.names:
        raise TbvizError("received a run without probe images, expected one that logged some")
    read = [photograph(reader, caption, index) for index in range(len(caption.names))]
    photographs = [pixels for pixels in read if pixels is not None]
    if len({pixels.shape for pixels in photographs}) != 1 or len(photographs) != len(read):
        raise DamagedError("the photographs of the probe images have several sizes")
    return ProbeImages(
        np.stack(photographs), caption.names, caption.labels, caption.class_names, caption.span
    )


def _span(span: object) -> tuple[float, float] | None:
    try:
        low, high = map(number, span)  # type: ignore[call-overload]  # what it is not fails
    except (TypeError, ValueError, OverflowError):
        return None
    return low, high


def _label(label: object) -> int:
    return label if type(label) is int and 0 <= label < 1 << 62 else -1
