"""Explain targets: the targets of `GradCAM` and `Saliency`, and their maps as pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from tbviz.arrays.floats import six_digits
from tbviz.arrays.types import Floats
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.caption import Caption, TileCaption
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.model_view import ModelView, Viewer
from tbviz.callbacks.run.pictures import GrayPicture
from tbviz.callbacks.run.probe import ProbeArrays
from tbviz.errors import TbvizError
from tbviz.methods.captions import note_of
from tbviz.methods.perturbed_model import PerturbedModel
from tbviz.scores.class_target import (
    ClassTarget,
    describe_target,
    resolve_predictions,
    target_scores,
)
from tbviz.scores.known_classes import KnownClasses, MissingClasses, class_target_of
from tbviz.scores.output_head import OutputHead, head_of
from tbviz.scores.target import DEFAULT_TARGETS, Target, Targets, roles_of, targets_of
from tbviz.taps.final_outputs import OutputName
from tbviz.taps.input_finiteness import CAUSE, faulty_images

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Explained:
    """One target at one position: the class of each image, and the model to explain it with.

    Attributes:
        class_target: With a class for each image.
        head: Of the output that is explained.
        probe: The images, with the labels and class names of that output.
        perturbed: The model, which can be run on perturbed images.
        scores: Of all classes, `(images, classes)`.
        probabilities: Likewise, None if the model has none.
    """

    class_target: ClassTarget
    head: OutputHead
    probe: ProbeArrays
    perturbed: PerturbedModel
    scores: Floats
    probabilities: Floats | None

    def captions(self, role: str, explained: str) -> list[TileCaption]:
        """Return the tile caption of each image: role, class, probability, score."""
        scores = target_scores(self.scores, self.class_target)
        against = self.class_target.against
        tiles = []
        for index, label in enumerate(self.class_target.classes.tolist()):
            likely = self.probabilities
            tile: TileCaption = {
                "role": role,
                "class": label,
                "name": self.probe.class_name(label),
                "probability": None if likely is None else six_digits(likely[index, label]),
                "score": six_digits(scores[index]),
                "target": explained,
            }
            if against is not None and against[index] >= 0:
                rival = int(against[index])
                tile |= {"against": rival, "against_name": self.probe.class_name(rival)}
            tiles.append(tile)
        return tiles


@dataclass(frozen=True)
class Explanation:
    """What one callback explains at one position.

    Attributes:
        targets: By role.
        view: Of the model.
        rows: Of the images among those of all callbacks.
    """

    targets: Mapping[str, Explained]
    view: ModelView
    rows: Sequence[int]

    def first(self) -> Explanation:
        """Return the explanation of the first target alone."""
        return replace(self, targets=dict(list(self.targets.items())[:1]))

    def once(self, compute: Callable[[Explained], _Result]) -> dict[str, _Result]:
        """Compute a result for each role; roles of the same classes share one."""
        known: dict[Any, _Result] = {}
        found = {}
        for role, one in self.targets.items():
            key = one.class_target.key
            if key not in known:
                known[key] = compute(one)
            found[role] = known[key]
        return found

    def picture(
        self,
        kind: str,
        layer: str,
        maps: Mapping[str, npt.NDArray[np.floating]],
        zero: str,
        describe: Callable[[str], str],
        layout: Layout,
        notes: Mapping[str, Mapping[int, str]] | None = None,
        **settings: Any,
    ) -> GrayPicture:
        """Return a picture with one sheet per image and one tile per role.

        Args:
            kind: Of the picture.
            layer: Path, or `""`.
            maps: By role, `(images, height, width)`.
            zero: What it means if a map is zero.
            describe: Describes what the method explains, given a description of the score.
            layout: Fields of the layout record beside roles and target.
            notes: Further notes on tiles, by role and by the number of the image. Defaults to None.
            **settings: Of `GrayPicture`.
        """
        tiles = np.stack([maps[role] for role in self.targets], axis=1)
        captions: list[list[TileCaption]] = [[] for _ in self.rows]
        for role, one in self.targets.items():
            explained = describe(describe_target(one.head.target, one.class_target))
            cause = self.view.cause(one.head.output)
            faulty = faulty_images(one.perturbed.inputs)
            for index, caption in enumerate(one.captions(role, explained)):
                why = cause or (CAUSE if faulty[index] else None)
                note = note_of(maps[role][index], zero, caption["score"], why)
                note = note or (notes or {}).get(role, {}).get(index)
                if note is not None:
                    caption["note"] = note
                captions[index].append(caption)
        head = next(iter(self.targets.values())).head
        layout = {"roles": list(self.targets), "target": describe(head.target), **layout}
        texts: list[Caption] = [{"tiles": one} for one in captions]
        return GrayPicture(kind, layer, tiles, layout, texts, self.rows, **settings)


class Explainer:
    """The targets of one callback.

    Args:
        method: What notices call the callback.
        targets: As `targets=` takes them; None for the default: the predicted and the true class.
        output: The output of the model that targets without one explain. Defaults to None.

    Raises:
        TbvizError: If one of them is no target.
    """

    def __init__(
        self, method: str, targets: Targets | None, output: OutputName | None = None
    ) -> None:
        self._explicit = targets is not None
        try:
            self._targets = targets_of(list(DEFAULT_TARGETS) if targets is None else targets)
        except TbvizError as error:
            raise TbvizError(f"{method}: {error}") from None
        self._default = output

    @property
    def output(self) -> OutputName | None:
        """The output that is explained; of several, that of the first target."""
        return self._output_of(self._targets[0])

    def explain(self, callback: Viewer, view: ModelView, log: CallbackLog) -> Explanation | None:
        """Return the explanation of all images of the callback's probe.

        Targets that the model or the labels cannot give are left out.

        Args:
            callback: Has the probe.
            view: Of the model that is captured.
            log: Takes notices about targets that are left out.

        Returns:
            None if no target is left; a notice has said so.

        Raises:
            TbvizError: If the model has no such class or output.
        """
        targets: dict[str, Explained] = {}
        perturbed: dict[int, PerturbedModel] = {}
        rows: list[int] = []
        for role, target in zip(roles_of(self._targets), self._targets, strict=True):
            head = head_of(view.model_outputs, self._output_of(target))
            probe, rows = view.probe_of(callback, head.output)
            own = callback.probe
            known = KnownClasses(
                probe.count,
                probe.labels,
                probe.class_names,
                probe.missing,
                None if own is None else own.count + own.left_out,
            )
            class_target = class_target_of(target, known, head)
            if isinstance(class_target, MissingClasses):
                self._report(log, class_target)
                continue
            recording = view.scores(head.output)
            scores, likely = recording.scores[rows], recording.probabilities
            if head.output not in perturbed:
                model = PerturbedModel(view.inspector, probe.inputs, output=head.output)
                perturbed[head.output] = model
            targets[role] = Explained(
                resolve_predictions(class_target, scores),
                head,
                probe,
                perturbed[head.output],
                scores,
                None if likely is None else likely[rows],
            )
        return Explanation(targets, view, rows) if targets else None

    def _output_of(self, target: Target) -> OutputName | None:
        return self._default if target.output is None else target.output

    def _report(self, log: CallbackLog, missing: MissingClasses) -> None:
        if missing.out_of_range:
            text = f"{missing.why}; maps of the true class are left out"
            detail = ["true", "labels out of range"]
        elif self._explicit:
            text, detail = f"maps of the true class are left out: {missing.why}", ["true"]
        else:
            return
        log.notice(text, missing.remedy, event="left_out", detail=detail)
