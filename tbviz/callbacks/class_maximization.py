"""`ClassMaximization`: the input that the model takes for each class most."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any

from tbviz.arrays.floats import six_digits
from tbviz.arrays.types import Floats
from tbviz.callbacks.limits.schedule import ScheduleLike
from tbviz.callbacks.maximization import Maximization
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.caption import Caption, TileCaption
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.probe import ClassNames, Probe
from tbviz.callbacks.run.submodel import Submodel
from tbviz.methods.maximization.canvas import Canvas
from tbviz.methods.maximization.classes import (
    MAX_CLASSES,
    Classes,
    MaximizedClasses,
    maximize_scores,
    select_classes,
)
from tbviz.methods.maximization.settings import Ascent
from tbviz.scores.labels import class_names_by_output, class_names_of, of_output
from tbviz.scores.output_head import head_of
from tbviz.taps.final_outputs import OutputName
from tbviz.taps.model_outputs import ModelOutputs


class ClassMaximization(Maximization):
    """Logs, for each class, an image that raises its score before softmax, from a blank one.

    All classes are maximized at once in one compiled loop. The start and the transforms have
    the same seed at every epoch, so epochs compare.

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        classes: which, by number or by name. Unless given all of up to ten classes; of more, those
            of the probe images' labels, else the first ten.
        class_names: The name of each class, in order or as a dict of names to classes. For a model
            with several outputs also a dict of these by output. Defaults to those of the other
            callbacks.
        output: The index or the name of the model's output whose classes these are, if the model
            has several. Defaults to the first.
        images: images as the model takes them, from which size and range of the input are
            learned; else the other callbacks' images, else the model's own input shape.
        settings: steps, rate, image, transforms and penalties of the ascent, with its
            `diversity` several images per class; `Ascent.of_classes()` unless given.
        seed: of the start and the transforms.
        warm_start: start from the images of this `fit`'s last snapshot instead of a blank.
        schedule: when to capture. Defaults to the end of every epoch.
        submodel: the model to capture if it is not the fitted one, such as a GAN's
            `"discriminator"`: a path of attributes, or a function of the fitted model.
        max_overhead: share of training time that all callbacks of the fit together may take,
            such as 0.05. They capture less often to stay below it. Defaults to no limit.
        max_disk: bytes that the run's store may have, or a text such as `"5 GB"`. Defaults to no
            limit.
        strict: raise errors instead of reporting each one once and going on. Defaults to `False`.

    Raises:
        TbvizError: images, schedule, limits or `submodel` cannot be used.

    Example:
        >>> classes = tbviz.ClassMaximization("logs/run", ["cat", "dog"], class_names=names)
        >>> model.fit(x, y, callbacks=[classes])
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        classes: Classes | None = None,
        *,
        class_names: ClassNames | None = None,
        output: OutputName | None = None,
        images: Any = None,
        settings: Ascent | None = None,
        seed: int = 0,
        warm_start: bool = False,
        schedule: ScheduleLike = "epoch",
        submodel: Submodel = None,
        max_overhead: float | None = None,
        max_disk: float | str | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__(
            log_dir,
            images=images,
            class_names=class_names,
            output=output,
            settings=settings or Ascent.of_classes(),
            seed=seed,
            warm_start=warm_start,
            schedule=schedule,
            submodel=submodel,
            max_overhead=max_overhead,
            max_disk=max_disk,
            strict=strict,
        )
        self.classes = classes
        self.class_names = class_names

    def prepare(self, model_outputs: ModelOutputs, log: CallbackLog) -> None:
        """Select no layer: the pictures belong to the whole model."""
        del model_outputs, log
        self.reset()

    def capture(self, view: ModelView, log: CallbackLog) -> None:
        """Add one picture with one tile per class."""
        canvas = self.canvas(view, log, explicit=self.classes is not None)
        if canvas is None:
            return
        classes, names = self._selected_classes(view)
        found = self.maximize("", classes, partial(self._ascent, view, canvas))
        titles = [names.get(number, str(number)) for number in found.channels]
        layout: Layout = {
            "title": "Made to raise each class's score; another class may score higher still",
            "target": found.target,
            "titles": titles,
        }
        text: Caption = {"tiles": _captions(found, titles)}
        log.add(self.picture("classes", "", found, titles, layout, text))

    def _ascent(
        self, view: ModelView, canvas: Canvas, classes: Sequence[int], start: Floats | None
    ) -> MaximizedClasses:
        return maximize_scores(
            view.inspector,
            view.model_outputs,
            classes,
            canvas,
            self.settings,
            self.seed,
            start,
            self.output,
        )

    def _selected_classes(self, view: ModelView) -> tuple[list[int], dict[int, str]]:
        """Return the numbers of the classes, and the names that are known."""
        head = head_of(view.model_outputs, self.output)
        count = head.classes
        final = view.model_outputs.final_output(head.output)
        probe = view.probe_for(final)
        own = of_output(
            class_names_by_output(self.class_names),
            class_names_of(self.class_names),
            final,
            final.index,
        )
        known = own or (probe.class_names if probe is not None else None) or ()
        names = dict(enumerate(map(str, known)))
        selected = self.classes
        if selected is None and count > MAX_CLASSES:
            selected = _labels(probe, count)
        return select_classes(selected, count, list(names.values())), names


def _labels(probe: Probe | None, count: int) -> list[int] | None:
    """Return the classes of the probe images, `None` if they have none."""
    labels = (probe.labels if probe is not None else None) or ()
    found = sorted({label for label in labels if label is not None and 0 <= label < count})
    return found[:MAX_CLASSES] or None


def _captions(found: MaximizedClasses, names: Sequence[str]) -> list[TileCaption]:
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
