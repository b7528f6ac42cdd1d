"""Targets: which classes of each probe image are explained, as `GradCAM` and `Saliency` take them.

One is `"predicted"`, `"true"`, a class by number or name, an array of one class per image, or a
pair of these for the difference of two classes.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tbviz.arrays.types import Integers
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.probe import ProbeArrays
from tbviz.callbacks.run.run_log import RunLog
from tbviz.errors import TbvizError
from tbviz.scores.class_target import PREDICTED, ClassTarget
from tbviz.scores.targets import resolve_predictions

DEFAULT_TARGETS = ("predicted", "true")
"""The targets that are explained by default: the true class if it is known."""


class Targets:
    """The targets of one callback.

    Args:
        method: what notices call the callback.
        given: a sequence of targets. Defaults to `DEFAULT_TARGETS`.

    Raises:
        TbvizError: one of them is none of what a target can be.
    """

    def __init__(self, method: str, given: Sequence[Any] | str | int | None = None) -> None:
        self._method = method
        self._explicit = given is not None
        requested: Any = DEFAULT_TARGETS if given is None else given
        alone = isinstance(requested, str | int | np.integer)
        self._targets = [requested] if alone else list(requested)
        if not self._targets:
            raise TbvizError(f"{method} received no targets; {_EXPECTED}")
        self._roles: list[str] = []
        counts: Counter[str] = Counter()
        for target in self._targets:
            role = self._role(target)
            counts[role] += 1
            self._roles.append(role if counts[role] == 1 else f"{role} {counts[role]}")

    def class_targets(
        self, view: ModelView, run_log: RunLog, probe: ProbeArrays, rows: Sequence[int]
    ) -> dict[str, ClassTarget]:
        """Return by role a class of each image; leave out what model or labels cannot give.

        Args:
            view: of the model that is captured.
            run_log: takes notices about targets that are left out.
            probe: the callback's probe.
            rows: of its images among those of all callbacks.

        Raises:
            TbvizError: the model has no such class.
        """
        scores = view.recording.scores[list(rows)]
        class_targets = {}
        for role, target in zip(self._roles, self._targets, strict=True):
            pair = target if isinstance(target, tuple) else (target, None)
            classes = [
                None if one is None else self._classes(one, view, run_log, probe) for one in pair
            ]
            if classes[0] is None or (pair[1] is not None and classes[1] is None):
                continue
            class_targets[role] = resolve_predictions(ClassTarget(classes[0], classes[1]), scores)
        return class_targets

    def _role(self, target: Any) -> str:
        if isinstance(target, tuple):
            if len(target) != 2 or any(isinstance(one, tuple) for one in target):
                raise TbvizError(f"{self._method} received the target {target!r}; {_EXPECTED}")
            for one in target:
                self._role(one)
            return "difference"
        if isinstance(target, str):
            return target if target in DEFAULT_TARGETS else "class"
        values = np.asarray(target)
        if np.issubdtype(values.dtype, np.integer) and values.ndim < 2:
            return "given" if values.ndim else "class"
        raise TbvizError(f"{self._method} received the target {target!r}; {_EXPECTED}")

    def _classes(
        self, target: Any, view: ModelView, run_log: RunLog, probe: ProbeArrays
    ) -> Integers | None:
        """Return a class of each image, `None` if there is none and a notice says so."""
        if isinstance(target, str) and target == "predicted":
            return np.full(probe.count, PREDICTED)
        if isinstance(target, str) and target == "true":
            return self._true(view, run_log, probe)
        if isinstance(target, str):
            target = _number_of(target, probe.class_names)
        classes = np.asarray(target, np.int64)
        if classes.ndim and len(classes) != probe.count:
            given = f"{len(classes)} classes for {probe.count} images"
            raise TbvizError(f"a target received {given}; expected one each")
        if classes.min(initial=0) < 0:
            raise TbvizError(f"a target received {classes.tolist()}; classes count from 0")
        return np.broadcast_to(classes, (probe.count,))

    def _true(self, view: ModelView, run_log: RunLog, probe: ProbeArrays) -> Integers | None:
        head = view.model_outputs.head
        if probe.labels is None:
            self._report_if_explicit(run_log, "no labels", "pass labels=")
            return None
        if head.classes < 2:
            self._report_if_explicit(run_log, "the model has no classes")
            return None
        labels = np.array([-1 if label is None else label for label in probe.labels], np.int64)
        if labels.min() >= 0 and labels.max() < head.classes:
            return labels
        if head.kind != "linear":  # else a regression: whole numbers, but no classes
            run_log.notice(
                self._method,
                f"the labels go from {labels.min()} to {labels.max()}, the model has "
                f"{head.classes} classes; maps of the true class are left out",
                "pass labels counted from 0",
                event="left_out",
                detail=["true", "labels out of range"],
            )
        else:
            self._report_if_explicit(run_log, "the model has no classes")
        return None

    def _report_if_explicit(self, run_log: RunLog, why: str, remedy: str | None = None) -> None:
        if self._explicit:
            text = f"maps of the true class are left out: {why}"
            run_log.notice(self._method, text, remedy, event="left_out", detail=["true"])


_EXPECTED = (
    "expected 'predicted', 'true', a class by number or name, an array of one class per image, or "
    "a pair (tuple) of these for the difference of two classes"
)


def _number_of(name: str, names: Sequence[str] | None) -> int:
    if names and name in names:
        return list(names).index(name)
    near = difflib.get_close_matches(name, names or (), n=3)
    known = f"did you mean {near}?" if near else f"class_names are {list(names or ())[:10]}"
    raise TbvizError(f"a target received the class {name!r}, which has no number; {known}")
