"""Make the records that belong to no single callback: the probe images and the predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tbviz.arrays.floats import six_digits
from tbviz.callbacks.run.pictures import MetaRecord
from tbviz.callbacks.run.probe import ProbeArrays, image_names
from tbviz.images.display import display
from tbviz.images.sheet import encode_rgb
from tbviz.scores.recording import Recording

TOP_CLASSES = 5
"""How many classes of each probe image a `predictions` record holds."""


def probe_record(probes: Sequence[ProbeArrays]) -> MetaRecord | None:
    """Return the record of the probe images of all submodels; None if no input is an image.

    Images are resized to the largest height and width. The inputs of a submodel that takes no
    images, such as latent vectors, are shown as blank gray images.

    Args:
        probes: By submodel, in the order of the images.
    """
    pictures = [probe.pictures() for probe in probes]
    shown = [None if one is None else display(one) for one in pictures]
    known = [one for one in shown if one is not None]
    if not known:
        return None
    height, width = (max(pixels.shape[axis] for pixels, _ in known) for axis in (1, 2))
    names = iter(image_names(probes))
    class_names = _common([probe.class_names for probe in probes])
    ranges = _common([bounds for _, bounds in known])
    images: list[dict[str, Any]] = []
    sheets = []
    for probe, one in zip(probes, shown, strict=True):
        pixels = _blank(probe.count, height, width) if one is None else one[0]
        sheets += [_nearest(image, height, width) for image in pixels]
        own: dict[str, Any] = {}
        if len(probes) > 1 and class_names is None and probe.class_names is not None:
            own["class_names"] = probe.class_names
        if ranges is None and one is not None:
            own["range"] = list(one[1])
        for label in probe.labels or [None] * probe.count:
            entry = {"name": next(names), "label": label, "class": probe.class_name(label)}
            images.append(entry | own)
    meta = {
        "kind": "probe",
        "media": "rgb8",
        "size": [height, width],
        "range": list(known[0][1]),
        "images": images,
        "class_names": class_names,
    }
    return MetaRecord(meta, [encode_rgb(image[None], 1).png for image in sheets], positioned=False)


def _common(values: Sequence[Any]) -> Any:
    """Return the value that all have, or None."""
    return values[0] if all(value == values[0] for value in values) else None


def _blank(count: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    return np.full((count, height, width, 3), 128, np.uint8)


def _nearest(image: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """Resize an image by repeating its pixels."""
    rows = np.arange(height) * image.shape[0] // height
    columns = np.arange(width) * image.shape[1] // width
    return np.asarray(image[rows][:, columns], np.uint8)


class Predicted(NamedTuple):
    """The predictions of one model for its probe images.

    Attributes:
        recording: Of the probe images.
        labels: The class of each image. It is added if it is not one of the strongest, so that its
            curve has no gaps. None: no labels.
    """

    recording: Recording
    labels: Sequence[int | None] | None = None


def predictions_of(parts: Sequence[tuple[int, Predicted | None]]) -> dict[str, Any]:
    """Return the fields of a `predictions` record: strongest classes, and the true class after.

    Args:
        parts: By submodel, how many images it has, and what is predicted for them, None for
            nothing.
    """
    found = [part.recording for _, part in parts if part is not None]
    likely = all(recording.probabilities is not None for recording in found)
    images: list[list[list[float]]] = []
    for count, part in parts:
        images += [[] for _ in range(count)] if part is None else _strongest(part, likely=likely)
    return {"scale": "probability" if likely else "score", "images": images}


def _strongest(predicted: Predicted, *, likely: bool) -> list[list[list[float]]]:
    recording, labels = predicted
    values = recording.scores
    if likely and recording.probabilities is not None:
        values = recording.probabilities
    top = np.argsort(-values, axis=1, kind="stable")[:, :TOP_CLASSES]
    images = []
    for number, (row, best) in enumerate(zip(values, top.tolist(), strict=True)):
        label = labels[number] if labels is not None else None
        if label is not None and 0 <= label < len(row) and label not in best:
            best.append(label)
        images.append([[index, six_digits(row[index])] for index in best])
    return images


def metrics_record(logs: Mapping[str, Any] | None) -> tuple[MetaRecord | None, list[str]]:
    """Return the record of the metrics, and the names of those that are not scalars."""
    values: dict[str, float] = {}
    others = []
    for name, value in dict(logs or {}).items():
        try:
            values[str(name)] = float(value)
        except (TypeError, ValueError):
            others.append(str(name))
    return (MetaRecord({"kind": "metrics", "values": values}) if values else None), others
