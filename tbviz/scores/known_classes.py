"""Turn targets as users write them into a class of each image, by labels and class names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np

from tbviz.arrays.types import Integers
from tbviz.errors import TbvizError
from tbviz.scores.class_target import PREDICTED, ClassTarget
from tbviz.scores.labels import class_names_of, classes_of
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
    """

    count: int
    labels: Sequence[int | None] | None = None
    names: Sequence[str] | None = None


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


def known_classes(images: Any, labels: Any = None, class_names: Any = None) -> KnownClasses:
    """Return the labels and the class names of a batch, in one form.

    Args:
        images: The batch, in the structure that the model takes.
        labels: The class of each image, as `classes_of` takes them. Defaults to None.
        class_names: The name of each class, as `class_names_of` takes them. Defaults to None.

    Raises:
        TbvizError: If there is not one label per image.
    """
    count = len(keras.tree.flatten(images)[0])
    return KnownClasses(count, classes_of(labels, count), class_names_of(class_names))


def class_targets_of(
    targets: Targets,
    known: KnownClasses,
    model_outputs: ModelOutputs,
    output: OutputName | None = None,
) -> list[tuple[OutputHead, ClassTarget]]:
    """Return the head and the class target of each target that a function received.

    Args:
        targets: The value of `targets=`.
        known: The labels of the images and the names of the classes.
        model_outputs: Of the model.
        output: The output of the model that targets without one explain. Defaults to None.

    Raises:
        TbvizError: If the model has no such class or output, or the labels do not give it.
    """
    found = []
    for target in targets_of(targets):
        head = head_of(model_outputs, output if target.output is None else target.output)
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
        return _true(known.labels, head)
    classes = np.asarray(_index_of(given, known.names) if isinstance(given, str) else given)
    if classes.ndim and len(classes) != known.count:
        given = f"{len(classes)} classes for {known.count} images"
        raise TbvizError(f"a target received {given}; expected one class per image")
    return np.broadcast_to(classes.astype(np.int64), (known.count,))


def _true(labels: Sequence[int | None] | None, head: OutputHead) -> Integers | MissingClasses:
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
