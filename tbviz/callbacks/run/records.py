"""Make the records that belong to no single callback: the probe images and the predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tbviz.arrays.floats import six_digits
from tbviz.callbacks.run.pictures import MetaRecord
from tbviz.callbacks.run.probe import ProbeArrays
from tbviz.images.display import display
from tbviz.images.sheet import encode_rgb
from tbviz.scores.recording import Recording

TOP_CLASSES = 5
"""How many classes of each probe image a `predictions` record holds."""


def probe_record(probe: ProbeArrays) -> MetaRecord | None:
    """Return the record of the probe images; None if no input is an image."""
    pictures = probe.pictures()
    if pictures is None:
        return None
    shown, (low, high) = display(pictures)
    labels = probe.labels or [None] * probe.count
    images = [
        {"name": name, "label": label, "class": probe.class_name(label)}
        for name, label in zip(probe.names(), labels, strict=True)
    ]
    meta = {
        "kind": "probe",
        "media": "rgb8",
        "size": list(shown.shape[1:3]),
        "range": [low, high],
        "images": images,
        "class_names": probe.class_names,
    }
    return MetaRecord(meta, [encode_rgb(image[None], 1).png for image in shown], positioned=False)


def predictions_record(
    recording: Recording, labels: Sequence[int | None] | None = None
) -> MetaRecord:
    """Return the record of each probe image's strongest classes, and its true class after them.

    Args:
        recording: Of the probe images.
        labels: The class of each image. It is added if it is not one of the strongest, so that
            its curve has no gaps. Defaults to None: no labels.
    """
    values = recording.probabilities
    scale = "score" if values is None else "probability"
    values = recording.scores if values is None else values
    top = np.argsort(-values, axis=1, kind="stable")[:, :TOP_CLASSES]
    images = []
    for number, (row, best) in enumerate(zip(values, top.tolist(), strict=True)):
        label = labels[number] if labels is not None else None
        if label is not None and 0 <= label < len(row) and label not in best:
            best.append(label)
        images.append([[index, six_digits(row[index])] for index in best])
    return MetaRecord({"kind": "predictions", "scale": scale, "images": images})


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
