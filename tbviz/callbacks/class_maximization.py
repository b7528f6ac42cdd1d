"""`ClassMaximization`: the input that the model takes for each class most."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from tbviz.arrays.floats import six_digits
from tbviz.arrays.types import Floats
from tbviz.callbacks.error_boundary import boundary
from tbviz.callbacks.maximization import Maximization
from tbviz.callbacks.model_view import View
from tbviz.callbacks.probe import Probe
from tbviz.callbacks.run_log import Journal
from tbviz.callbacks.schedule import ScheduleLike
from tbviz.callbacks.submodel import Of
from tbviz.methods.maximization.canvas import Canvas
from tbviz.methods.maximization.classes import (
    MOST_CLASSES,
    Classes,
    MaximizedClasses,
    choose_classes,
    climb_scores,
)
from tbviz.methods.maximization.settings import Ascent
from tbviz.taps.model_outputs import Survey


class ClassMaximization(Maximization):
    """Logs, for each class, an image that raises its score before softmax, from a blank one.

    All classes climb at once in one compiled loop. The start and the transforms have the same seed
    at every epoch, so epochs compare.

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        classes: which, by number or by name. Unless given all of up to ten classes; of more, those
            of the probe images' labels, else the first ten.
        class_names: name of each class; those of the other callbacks unless given.
        images: images as the model takes them, from which size and range of the input are
            learnt; else the other callbacks' images, else the model's own input shape.
        settings: steps, rate, image, transforms and penalties of the ascent, with its
            `diversity` several images a class; `Ascent.of_classes()` unless given.
        seed: of the start and the transforms.
        warm_start: go on from the images of this `fit`'s last look in place of a blank.
        schedule: when to look; at every epoch's end unless given.
        of: the model to look into where it is not the one that is fitted, such as a GAN's
            `"discriminator"`: a path of attributes, or a function of the fitted model.
        max_overhead: share of training time that all callbacks of the fit together may take,
            such as 0.05; they look less often to stay below. No limit unless given.
        max_disk: bytes that the run's store may have, or a text such as `"5 GB"`; likewise.
        strict: raise what goes wrong instead of saying it once and going on.

    Raises:
        TbvizError: images, schedule, limits or `of` cannot be used.

    Example:
        >>> classes = tbviz.ClassMaximization("logs/run", ["cat", "dog"], class_names=names)
        >>> model.fit(x, y, callbacks=[classes])
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        classes: Classes | None = None,
        *,
        class_names: Sequence[str] | None = None,
        images: Any = None,
        settings: Ascent | None = None,
        seed: int = 0,
        warm_start: bool = False,
        schedule: ScheduleLike = "epoch",
        of: Of = None,
        max_overhead: float | None = None,
        max_disk: float | str | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__(
            log_dir,
            images=images,
            class_names=class_names,
            settings=settings or Ascent.of_classes(),
            seed=seed,
            warm_start=warm_start,
            schedule=schedule,
            of=of,
            max_overhead=max_overhead,
            max_disk=max_disk,
            strict=strict,
        )
        self.classes = classes
        self.class_names = class_names

    def choose(self, survey: Survey, journal: Journal) -> None:
        """No layer: what is drawn belongs to the whole model."""
        del survey, journal
        self.forget()

    def look(self, view: View, journal: Journal) -> Iterator[None]:
        """Adds one picture with a tile a class."""
        canvas = self.canvas(view, journal, asked=self.classes is not None)
        if canvas is None:
            return
        classes: list[int] = []
        names: dict[int, str] = {}
        with boundary(journal, self.method, strict=self.strict):
            classes, names = self._chosen(view)
        if not classes:
            return
        ascent = partial(self._ascent, view, canvas)
        climbed = yield from self.climb(view, journal, "", classes, ascent)
        if climbed is None:
            return
        found, over = climbed
        with boundary(journal, self.method, strict=self.strict):
            shown = [names.get(number, str(number)) for number in found.channels]
            layout = {
                "title": "Made to raise each class's score; another class may score higher still",
                "target": found.target,
                "titles": shown,
            }
            text = {"tiles": _captions(found, shown)}
            journal.add(self.picture("classes", "", found, shown, layout, text, over))

    def _ascent(
        self, view: View, canvas: Canvas, some: Sequence[int], start: Floats | None
    ) -> MaximizedClasses:
        return climb_scores(view.looker, view.survey, some, canvas, self.settings, self.seed, start)

    def _chosen(self, view: View) -> tuple[list[int], dict[int, str]]:
        """The numbers of the classes, and the names that are known."""
        count = view.survey.head.classes
        probe = view.probe
        known = self.class_names or (probe.class_names if probe is not None else None) or ()
        names = dict(enumerate(map(str, known)))
        wanted = self.classes
        if wanted is None and count > MOST_CLASSES:
            wanted = _labels(probe, count)
        return choose_classes(wanted, count, list(names.values())), names


def _labels(probe: Probe | None, count: int) -> list[int] | None:
    """The classes that the probe images are of, `None` where they are of none."""
    labels = (probe.labels if probe is not None else None) or ()
    found = sorted({label for label in labels if label is not None and 0 <= label < count})
    return found[:MOST_CLASSES] or None


def _captions(found: MaximizedClasses, names: Sequence[str]) -> list[dict[str, Any]]:
    likely = found.probabilities
    return [
        {
            "role": "given",
            "class": number,
            "name": name,
            "probability": None if likely is None else six_digits(likely[index]),
            "score": six_digits(found.after[index]),
            "target": found.target,
        }
        for index, (number, name) in enumerate(zip(found.channels, names, strict=True))
    ]
