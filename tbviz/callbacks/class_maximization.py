"""`ClassMaximization`: the input that the model takes for each class most."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any, Unpack

from tbviz.arrays.floats import six_digits
from tbviz.arrays.types import Floats
from tbviz.callbacks.maximization import Maximization
from tbviz.callbacks.options import ImageOptions
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.caption import Caption, TileCaption
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.probe import ProbeArrays
from tbviz.callbacks.run.probe_classes import report_names
from tbviz.class_names import class_name
from tbviz.methods.maximization.canvas import Canvas
from tbviz.methods.maximization.classes import (
    MAX_CLASSES,
    Classes,
    MaximizedClasses,
    check_classes,
    maximize_scores,
    select_classes,
)
from tbviz.methods.maximization.settings import Ascent
from tbviz.scores.given_classes import given_classes
from tbviz.scores.output_head import head_of
from tbviz.taps.model_outputs import ModelOutputs


class ClassMaximization(Maximization):
    """Log, for each class, an image that raises its score, found by gradient ascent from a blank.

    The image shows what the model takes for a class. All classes are maximized in one compiled
    loop, with the same seed at every snapshot, so that epochs compare. With the score
    `S_c` of a class before softmax, the image `I` is

        argmax_I  ln S_c(I) - penalties(I)

    Args:
        classes: Classes to maximize, by number or by name. Defaults to None: all of up to ten
            classes; if there are more, those of the labels, otherwise the first ten.
        images: The size and the range of the input are learned from them. Defaults to None:
            the images of the other callbacks, otherwise the input shape of the model.
        ascent: With its `diversity`, several images per class. Defaults to None:
            `tbviz.Ascent.of_classes()`.

    References:
        Simonyan, Vedaldi and Zisserman 2014, "Deep Inside Convolutional Networks", equation 1;
        Olah, Mordvintsev and Schubert 2017, "Feature Visualization".

    Example:
        >>> names = ["cat", "dog", "horse"]
        >>> classes = tbviz.ClassMaximization("logs/run", classes=["cat", 2], class_names=names)
        >>> model.fit(x, y, callbacks=[classes])  # one picture of 2 color tiles
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        *,
        classes: Classes | None = None,
        images: Any = None,
        ascent: Ascent | None = None,
        seed: int = 0,
        warm_start: bool = False,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(
            log_dir,
            images,
            ascent=ascent or Ascent.of_classes(),
            seed=seed,
            warm_start=warm_start,
            **options,
        )
        self.classes = None if classes is None else check_classes(classes)
        self._names = given_classes(None, options.get("class_names"), 0)

    def prepare(self, model_outputs: ModelOutputs, log: CallbackLog) -> None:
        """Select no layer: the pictures belong to the whole model. Check the class names."""
        self.reset()
        if self.probe is not None:  # then they are checked with its labels
            return
        self._names.check(model_outputs.final)
        for key, names in self._names.names.items():
            if names is not None:
                head = head_of(model_outputs, self.output if key is None else key)
                report_names(names, head, model_outputs, log)

    def capture(self, view: ModelView, log: CallbackLog) -> None:
        """Add one picture with one tile per class."""
        canvas = self.canvas(view, log, explicit=self.classes is not None)
        if canvas is None:
            return
        classes, names = self._selected_classes(view)
        found = self.maximize("", classes, partial(self._ascent, view, canvas))
        titles = [class_name(number, names) for number in found.channels]
        layout: Layout = {
            "title": "Images optimized for each class (other classes may still score higher)",
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
            self.ascent,
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
        own = self._names.for_output(final, len(view.model_outputs.final), final.index).names
        known = own or (probe.class_names if probe is not None else None) or ()
        names = dict(enumerate(map(str, known)))
        selected = self.classes
        if selected is None and count > MAX_CLASSES:
            selected = _labels(probe, count)
        return select_classes(selected, count, list(names.values())), names


def _labels(probe: ProbeArrays | None, count: int) -> list[int] | None:
    """Return the classes of the probe images, None if they have none."""
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
