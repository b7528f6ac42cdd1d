"""Hold labels and class names as a user gives them, until it is known whose output they are."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np

from tbviz.errors import TbvizError
from tbviz.scores.labels import (
    Labels,
    NoClasses,
    as_array,
    class_names_by_output,
    class_names_of,
    first_labels,
    is_array,
    read_labels,
)
from tbviz.taps.final_outputs import FinalOutput, OutputName, find_final_output

_Value = TypeVar("_Value")


class ClassesOfOutput(NamedTuple):
    """What is known about one output of a model.

    Attributes:
        labels: The class of each image, None if it is not known.
        names: The name of each class, None if there are no names.
        missing: The reason if there are labels but no classes.
    """

    labels: list[int] | None = None
    names: list[str] | None = None
    missing: NoClasses | None = None


@dataclass(frozen=True)
class GivenClasses:
    """The labels and the class names of some images, by output of the model.

    The key None stands for the output that is explained: values that are not given by output.

    Attributes:
        labels: The labels by name or index of the output.
        names: The class names, likewise.
        in_order: Whether the labels are a list with those of each output.
        rows: The labels if that list holds one-hot rows instead: only the model can tell.
        found: Whether the labels came with the images, as those of a dataset do.
    """

    labels: Mapping[OutputName | None, Labels] = field(default_factory=dict)
    names: Mapping[OutputName | None, list[str] | None] = field(default_factory=dict)
    in_order: bool = False
    rows: Labels = None
    found: bool = False

    @property
    def by_output(self) -> bool:
        """Whether some labels or class names are given by output of the model."""
        return any(key is not None for key in (*self.labels, *self.names))

    def for_output(self, final: FinalOutput, outputs: int, default: int = 0) -> ClassesOfOutput:
        """Return what is known about one output of the model.

        Args:
            final: The output.
            outputs: How many outputs the model has.
            default: Index of the output that values belong to unless they are given by output.
                Defaults to 0.
        """
        labels = _at(self.labels, final, default)
        if self.in_order and len(self.labels) != outputs:
            labels = self.rows if outputs == 1 else None
        return _known(labels, _at(self.names, final, default))

    def of_unknown_model(self) -> ClassesOfOutput:
        """Return what is known before the model is: the first output is explained."""
        labels = self.labels.get(None, self.labels.get(0) if self.in_order else None)
        return _known(self.rows if isinstance(self.rows, list) else labels, self.names.get(None))

    def check(self, outputs: Sequence[FinalOutput]) -> None:
        """Check that the model has the outputs that labels and class names are given for.

        Raises:
            TbvizError: If it does not.
        """
        if self.in_order and len(self.labels) != len(outputs):
            if len(outputs) == 1 and self.rows is not None:
                return
            msg = (
                f"labels received a list of {len(self.labels)} arrays; the model has "
                f"{len(outputs)} output{'s' if len(outputs) != 1 else ''}, expected one array per "
                "output. For one-hot rows, pass a single array"
            )
            raise TbvizError(msg)
        for argument, given in (("labels", self.labels), ("class_names", self.names)):
            for key in given:
                if key is not None:
                    find_final_output(outputs, key, argument)

    def first(self, count: int) -> Self:
        """Return those of the first images."""
        return replace(
            self,
            labels={key: first_labels(one, count) for key, one in self.labels.items()},
            rows=first_labels(self.rows, count),
        )

    def belonging_to(self, output: OutputName | None) -> Self:
        """Return them with what is not given by output as that of an output."""
        if output is None or None not in (*self.labels, *self.names):
            return self
        return replace(
            self, labels=_renamed(self.labels, output), names=_renamed(self.names, output)
        )

    def joined(self, other: Self) -> Self | None:
        """Return both together; None if they contradict each other."""
        for one, more in ((self.labels, other.labels), (self.names, other.names)):
            for key in one.keys() & more.keys():
                named = one is self.names and key is None  # the first ones are used
                if not named and None not in (one[key], more[key]) and one[key] != more[key]:
                    return None
        if self.labels and other.labels and self.in_order != other.in_order:
            return None
        return replace(
            self,
            labels=_filled(self.labels, other.labels),
            names=_filled(self.names, other.names),
            in_order=self.in_order or other.in_order,
            rows=other.rows if self.rows is None else self.rows,
            found=self.found if self.labels else other.found,
        )


def given_classes(
    labels: Any, class_names: Any, count: int, *, whole: bool = True, found: bool = False
) -> GivenClasses:
    """Return labels and class names as a user gives them.

    Args:
        labels: As `read_labels` takes them; a dict of those by output; or a list or tuple of
            arrays, one per output, with one label per image each.
        class_names: As `class_names_of` takes them, or a dict of those by output.
        count: How many images there are.
        whole: Whether these are all images that the labels are of. Otherwise, labels of further
            images are dropped. Defaults to True.
        found: Whether the labels came with the images. Defaults to False.

    Raises:
        TbvizError: If there is not one label per image, or the names cannot be used.
    """
    named: Mapping[Any, Any] = class_names_by_output(class_names)
    if not named and class_names is not None:
        named = {None: class_names_of(class_names)}
    elif None in named:
        raise TbvizError("class_names received None as an output; expected its name or its index")
    by_output = _by_output(labels, count, whole=whole)
    rows: Labels = None
    in_order = by_output is not None and not isinstance(labels, Mapping)
    if in_order and isinstance(labels, list) and _may_be_rows(labels, count, whole=whole):
        rows = read_labels(np.stack([as_array(row) for row in labels[:count]]), count)
    if by_output is None:
        by_output = {} if labels is None else {None: labels}
    elif None in by_output:
        raise TbvizError("labels received None as an output; expected its name or its index")
    read = {
        key: read_labels(part if whole else _cut(part, count), count)
        for key, part in by_output.items()
    }
    return GivenClasses(read, named, in_order, rows, found and bool(read))


def _by_output(labels: Any, count: int, *, whole: bool) -> dict[Any, Any] | None:
    """Return labels by output, None if they are those of a single output."""
    if isinstance(labels, Mapping):
        return dict(labels)
    if not isinstance(labels, tuple | list) or not labels:
        return None
    lengths = [part.shape[0] if is_array(part) and len(part.shape) else -1 for part in labels]
    if min(lengths) < 0:
        return None
    one_each = all(length == count if whole else length >= count for length in lengths)
    if one_each:
        return dict(enumerate(labels))
    if whole and len(labels) != count and len(set(lengths)) == 1:  # neither outputs nor rows
        msg = (
            f"labels received {len(labels)} arrays of {lengths[0]} values for {count} images; "
            "expected one label per image, or an array of those per output of the model"
        )
        raise TbvizError(msg)
    return None


def _may_be_rows(parts: Sequence[Any], count: int, *, whole: bool) -> bool:
    enough = len(parts) == count if whole else len(parts) >= count
    return enough and len({tuple(part.shape) for part in parts}) == 1


def _cut(part: Any, count: int) -> Any:
    return part[:count] if is_array(part) or isinstance(part, list | tuple) else part


def _at(given: Mapping[OutputName | None, _Value], final: FinalOutput, default: int) -> Any:
    """Return the value of an output, None if there is none."""
    keys: list[OutputName | None] = [
        name for name in (final.key, final.name, final.index) if name is not None
    ]
    if final.index == default:
        keys.append(None)
    return next((given[key] for key in keys if key in given), None)


def _known(labels: Labels, names: list[str] | None) -> ClassesOfOutput:
    if isinstance(labels, tuple):
        labels = _numbers(labels, names)
    if isinstance(labels, NoClasses):
        return ClassesOfOutput(None, names, labels)
    return ClassesOfOutput(labels, names)


def _numbers(texts: Sequence[str], names: list[str] | None) -> list[int] | NoClasses:
    """Return the number of each class from its name."""
    if names is None:
        return NoClasses(
            f"they are texts, such as {texts[0]!r}, and there are no class_names",
            "pass class_names=, in the order of the model's classes, or whole numbers from 0",
        )
    unknown = [text for text in dict.fromkeys(texts) if text not in names]
    if unknown:
        return NoClasses(
            f"{_listed(unknown)} is not among class_names ({_listed(names)})"
            if len(unknown) == 1
            else f"{_listed(unknown)} are not among class_names ({_listed(names)})",
            "pass the names of class_names, or whole numbers from 0",
        )
    return [names.index(text) for text in texts]


def _listed(texts: Iterable[str]) -> str:
    listed = [repr(text) for text in itertools.islice(texts, 6)]
    return ", ".join([*listed[:5], "..."] if len(listed) > 5 else listed)


def _renamed(
    given: Mapping[OutputName | None, _Value], output: OutputName
) -> dict[OutputName | None, _Value]:
    return {output if key is None else key: value for key, value in given.items()}


def _filled(
    one: Mapping[OutputName | None, _Value], other: Mapping[OutputName | None, _Value]
) -> dict[OutputName | None, _Value]:
    return {**other, **{key: value for key, value in one.items() if value is not None}}
