"""Explanations as pictures: a map of each image and target, and a caption that says of what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from tbviz.arrays.floats import six_digits
from tbviz.callbacks.model_view import View
from tbviz.callbacks.pictures import Maps
from tbviz.callbacks.probe import Probe
from tbviz.methods.cams.captions import note_of
from tbviz.methods.cams.classes import in_words, of_class
from tbviz.methods.cams.perturbed_model import Perturbed
from tbviz.taps.class_target import Aim

_Result = TypeVar("_Result")


def once(aims: Mapping[str, Aim], compute: Callable[[Aim], _Result]) -> dict[str, _Result]:
    """What is computed for each role; roles of the same classes share it."""
    known: dict[Any, _Result] = {}
    found = {}
    for role, aim in aims.items():
        key = aim.classes.tobytes(), None if aim.against is None else aim.against.tobytes()
        if key not in known:
            known[key] = compute(aim)
        found[role] = known[key]
    return found


@dataclass(frozen=True)
class Explained:
    """What is explained to one callback at one position: some images, and classes of them.

    Attributes:
        aims: by role.
        view: of the model.
        probe: of the images.
        places: where they are among those of all callbacks.
        changed: the model, to be asked about changed images.
    """

    aims: Mapping[str, Aim]
    view: View
    probe: Probe
    places: Sequence[int]
    changed: Perturbed

    @classmethod
    def of(
        cls, aims: Mapping[str, Aim], view: View, probe: Probe, places: Sequence[int]
    ) -> Explained:
        """All images of a callback's probe."""
        return cls(aims, view, probe, places, Perturbed(view.looker, probe.inputs))

    def only(self, row: int) -> Explained:
        """One of the images."""
        probe = self.probe.part([row])
        return Explained(
            {role: aim.of([row]) for role, aim in self.aims.items()},
            self.view,
            probe,
            [self.places[row]],
            Perturbed(self.view.looker, probe.inputs, self.changed),
        )

    def picture(
        self,
        kind: str,
        layer: str,
        maps: Mapping[str, npt.NDArray[np.floating]],
        zero: str,
        target: Callable[[str], str],
        layout: Mapping[str, Any],
        notes: Mapping[str, Mapping[int, str]] | None = None,
        **settings: Any,
    ) -> Maps:
        """A sheet an image, a tile a role.

        Args:
            kind: of the picture.
            layer: path, or `""`.
            maps: by role, `(images, height, width)`.
            zero: what it means where a map is zero.
            target: what the method explains, in words; it gets what the score is.
            layout: fields of the layout record beside roles and target.
            notes: what else is to be said of a tile, by role and by the image's number.
            **settings: of `Maps`.
        """
        tiles = np.stack([maps[role] for role in self.aims], axis=1)
        texts = []
        for index, captions in enumerate(self._captions(target)):
            for drawn, caption in zip(tiles[index], captions, strict=True):
                further = (notes or {}).get(caption["role"], {}).get(index)
                cause = self.view.cause
                note = note_of(drawn, zero, caption["score"], cause) or further
                if note is not None:
                    caption["note"] = note
            texts.append({"tiles": captions})
        head = self.view.survey.head.target
        layout = {"roles": list(self.aims), "target": target(head), **layout}
        return Maps(kind, layer, tiles, layout, texts, self.places, **settings)

    def _captions(self, target: Callable[[str], str]) -> list[list[dict[str, Any]]]:
        """Of each image what its tiles show: role, class, probability, score."""
        recording = self.view.recording
        rows = list(self.places)
        likely = None if recording.probabilities is None else recording.probabilities[rows]
        tiles: list[list[dict[str, Any]]] = [[] for _ in rows]
        for role, aim in self.aims.items():
            scores = of_class(recording.scores[rows], aim)
            explained = target(in_words(self.view.survey.head.target, aim))
            for index, label in enumerate(aim.classes.tolist()):
                tile = {
                    "role": role,
                    "class": label,
                    "name": self.probe.class_name(label),
                    "probability": None if likely is None else six_digits(likely[index, label]),
                    "score": six_digits(scores[index]),
                    "target": explained,
                }
                if aim.against is not None and aim.against[index] >= 0:
                    rival = int(aim.against[index])
                    tile |= {"against": rival, "against_name": self.probe.class_name(rival)}
                tiles[index].append(tile)
        return tiles
