"""Turn targets as users write them into a class of each image, by labels and class names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tbviz.arrays.types import Integers
from tbviz.errors import TbvizError
from tbviz.scores.class_target import PREDICTED, ClassTarget
from tbviz.scores.given_classes import GivenClasses
from tbviz.scores.labels import NoClasses
from tbviz.scores.output_head import OutputHead, head_of
from tbviz.scores.target import Target, Targets, targets_of
from tbviz.taps.final_outputs import OutputName
from tbviz.taps.model_outputs import ModelOutputs


@dataclass(frozen=True)
class KnownClasses:
    """The labels and the class names of some images.

    Attributes:
        count: How many images.
        labels: The true class of each image, None if it is not known.
        names: Name of each class, None if there are no names.
        missing: The reason if there are labels but no classes.
        given: How many images there were before they were cut to `count`, None if they were not.
    """

    count: int
    labels: Sequence[int | None] | None = None
    names: Sequence[str] | None = None
    missing: NoClasses | None = None
    given: int | None = None


class MissingClasses(NamedTuple):
    """The reason if the classes of a target are unknown.

    Attributes:
        why: The reason.
        remedy: What to do, None if there is nothing to do.
        out_of_range: Whether the labels are classes that the model does not have.
    """

    why: str
    remedy: str | None = None
    out_of_range: bool = False


def class_target_of(
    target: Target, known: KnownClasses, head: OutputHead
) -> ClassTarget | MissingClasses:
    """Return the class target of some images, or the reason if it is unknown.

    Args:
        target: The target as the user writes it.
        known: The labels of the images and the names of the classes.
        head: The head of the output that is explained.

    Raises:
        TbvizError: If there is no class of this name, or not one class per image.
    """
    classes = _classes(target.score, known, head)
    if isinstance(classes, MissingClasses):
        return classes
    against = None if target.against is None else _classes(target.against, known, head)
    if isinstance(against, MissingClasses):
        return against
    return ClassTarget(classes, against, head.output)


def class_targets_of(
    targets: Targets,
    count: int,
    given: GivenClasses,
    model_outputs: ModelOutputs,
    output: OutputName | None = None,
) -> list[tuple[OutputHead, ClassTarget]]:
    """Return the head and the class target of each target that a function received.

    Args:
        targets: The value of `targets=`.
        count: How many images there are.
        given: The labels of the images and the names of the classes.
        model_outputs: Of the model.
        output: The output of the model that targets without one explain. Defaults to None.

    Raises:
        TbvizError: If the model has no such class or output, or the labels do not give it.
    """
    found = []
    given.check(model_outputs.final)
    default = model_outputs.final_output(output).index
    for target in targets_of(targets):
        head = head_of(model_outputs, output if target.output is None else target.output)
        final = model_outputs.final_output(head.output)
        known = KnownClasses(count, *given.for_output(final, len(model_outputs.final), default))
        class_target = class_target_of(target, known, head)
        if isinstance(class_target, MissingClasses):
            remedy = f"; {class_target.remedy}" if class_target.remedy else ""
            msg = f"the true class cannot be explained: {class_target.why}{remedy}"
            raise TbvizError(msg)
        class_target.arrays(head.classes)
        found.append((head, class_target))
    return found


def _classes(given: Any, known: KnownClasses, head: OutputHead) -> Integers | MissingClasses:
    if given == "predicted":
        return np.full(known.count, PREDICTED)
    if given == "true":
        return _true(known, head)
    classes = np.asarray(_index_of(given, known.names) if isinstance(given, str) else given)
    if classes.ndim and len(classes) == known.given:
        classes = classes[: known.count]  # like the images
    if classes.ndim and len(classes) != known.count:
        given = f"{len(classes)} classes for {known.count} images"
        raise TbvizError(f"a target received {given}; expected one class per image")
    return np.broadcast_to(classes.astype(np.int64), (known.count,))


def _true(known: KnownClasses, head: OutputHead) -> Integers | MissingClasses:
    labels = known.labels
    if labels is None and known.missing is not None:
        why = f"the labels are no classes: {known.missing.why}"
        return MissingClasses(why, known.missing.remedy)
    if labels is None:
        return MissingClasses("no labels", "pass labels=")
    if head.classes < 2:
        return MissingClasses("the model has no classes")
    classes = np.array([-1 if label is None else label for label in labels], np.int64)
    if classes.min() >= 0 and classes.max() < head.classes:
        return classes
    if head.kind == "linear":  # a regression: whole numbers, but no classes
        return MissingClasses("the model has no classes")
    why = f"the labels go from {classes.min()} to {classes.max()}, the model has {head.classes}"
    return MissingClasses(f"{why} classes", "pass labels counted from 0", out_of_range=True)


def _index_of(name: str, names: Sequence[str] | None) -> int:
    if names and name in names:
        return list(names).index(name)
    near = difflib.get_close_matches(name, names or (), n=3)
    known = f"class_names are {list(names)[:10]}" if names else "pass class_names="
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else known
    raise TbvizError(f"targets received the unknown class {name!r}; {hint}")
