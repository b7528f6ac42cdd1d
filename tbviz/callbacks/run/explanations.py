"""Explanations as pictures: a map of each image and target, and a caption that says of what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from tbviz.arrays.floats import six_digits
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.pictures import GrayPicture
from tbviz.callbacks.run.probe import ProbeArrays
from tbviz.methods.captions import note_of
from tbviz.methods.perturbed_model import PerturbedModel
from tbviz.scores.class_target import ClassTarget
from tbviz.scores.targets import describe_target, target_scores
from tbviz.taps.input_finiteness import CAUSE, faulty_images

_Result = TypeVar("_Result")


def once(
    class_targets: Mapping[str, ClassTarget], compute: Callable[[ClassTarget], _Result]
) -> dict[str, _Result]:
    """Compute a result for each role; roles of the same classes share one."""
    known: dict[Any, _Result] = {}
    found = {}
    for role, class_target in class_targets.items():
        key = (
            class_target.classes.tobytes(),
            None if class_target.against is None else class_target.against.tobytes(),
        )
        if key not in known:
            known[key] = compute(class_target)
        found[role] = known[key]
    return found


@dataclass(frozen=True)
class Explanation:
    """What one callback explains at one position: some images, and a class of each.

    Attributes:
        class_targets: by role.
        view: of the model.
        probe: of the images.
        rows: of the images among those of all callbacks.
        perturbed: the model, which can be run on perturbed images.
    """

    class_targets: Mapping[str, ClassTarget]
    view: ModelView
    probe: ProbeArrays
    rows: Sequence[int]
    perturbed: PerturbedModel

    @classmethod
    def of_targets(
        cls,
        class_targets: Mapping[str, ClassTarget],
        view: ModelView,
        probe: ProbeArrays,
        rows: Sequence[int],
    ) -> Explanation:
        """Return an explanation of all images of a callback's probe."""
        return cls(class_targets, view, probe, rows, PerturbedModel(view.inspector, probe.inputs))

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
    ) -> GrayPicture:
        """Return a picture with one sheet per image and one tile per role.

        Args:
            kind: of the picture.
            layer: path, or `""`.
            maps: by role, `(images, height, width)`.
            zero: what it means if a map is zero.
            target: describes what the method explains, given a description of the score.
            layout: fields of the layout record beside roles and target.
            notes: further notes on tiles, by role and by the number of the image.
            **settings: of `GrayPicture`.
        """
        tiles = np.stack([maps[role] for role in self.class_targets], axis=1)
        texts = []
        cause = self.view.cause
        faulty = faulty_images(self.perturbed.inputs)
        for index, captions in enumerate(self._captions(target)):
            for tile, caption in zip(tiles[index], captions, strict=True):
                further = (notes or {}).get(caption["role"], {}).get(index)
                why = cause or (CAUSE if faulty[index] else None)
                note = note_of(tile, zero, caption["score"], why) or further
                if note is not None:
                    caption["note"] = note
            texts.append({"tiles": captions})
        head = self.view.model_outputs.head.target
        layout = {"roles": list(self.class_targets), "target": target(head), **layout}
        return GrayPicture(kind, layer, tiles, layout, texts, self.rows, **settings)

    def _captions(self, target: Callable[[str], str]) -> list[list[dict[str, Any]]]:
        """Return the tile captions of each image: role, class, probability, score."""
        recording = self.view.recording
        rows = list(self.rows)
        likely = None if recording.probabilities is None else recording.probabilities[rows]
        tiles: list[list[dict[str, Any]]] = [[] for _ in rows]
        for role, class_target in self.class_targets.items():
            scores = target_scores(recording.scores[rows], class_target)
            explained = target(describe_target(self.view.model_outputs.head.target, class_target))
            for index, label in enumerate(class_target.classes.tolist()):
                tile = {
                    "role": role,
                    "class": label,
                    "name": self.probe.class_name(label),
                    "probability": None if likely is None else six_digits(likely[index, label]),
                    "score": six_digits(scores[index]),
                    "target": explained,
                }
                if class_target.against is not None and class_target.against[index] >= 0:
                    rival = int(class_target.against[index])
                    tile |= {"against": rival, "against_name": self.probe.class_name(rival)}
                tiles[index].append(tile)
        return tiles
