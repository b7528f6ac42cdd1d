"""Select the classes to maximize, and maximize their scores."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tbviz.arrays.types import Floats
from tbviz.errors import TbvizError
from tbviz.methods.maximization.ascent import maximize_objective
from tbviz.methods.maximization.objectives import ClassScore
from tbviz.methods.maximization.result import Maximized
from tbviz.methods.maximization.settings import Ascent
from tbviz.scores.output_head import head_of, probabilities
from tbviz.taps.select import cam_layer

if TYPE_CHECKING:
    from tbviz.methods.maximization.canvas import Canvas
    from tbviz.taps.final_outputs import OutputName
    from tbviz.taps.inspector import ModelInspector
    from tbviz.taps.model_outputs import ModelOutputs


Classes = Sequence[int | str]
"""Classes by index or by name."""

MAX_CLASSES = 10
"""The number of classes that are maximized by default."""


@dataclass(frozen=True)
class MaximizedClasses(Maximized):
    """The images that activate classes: `channels` are the classes.

    Attributes:
        probabilities: Of each image's class, None if the model has none.
        target: The score that was maximized, in words.
    """

    probabilities: Floats | None
    target: str


def maximize_scores(
    inspector: ModelInspector,
    model_outputs: ModelOutputs,
    classes: Sequence[int],
    canvas: Canvas,
    settings: Ascent,
    seed: int = 0,
    start: Floats | None = None,
    output: OutputName | None = None,
) -> MaximizedClasses:
    """Find the image that activates each class most. Some, or all, may be blank.

    See `ascent.maximize_objective`.

    Args:
        inspector: Of the model.
        model_outputs: Of the model.
        classes: By number.
        canvas: What the model takes as input.
        settings: Of the ascent.
        seed: Of the start and the transforms. Defaults to 0.
        start: Coefficients of a former ascent to continue from. Defaults to None.
        output: The output of the model whose classes these are. Defaults to the first.
    """
    head = head_of(model_outputs, output)
    features = cam_layer(model_outputs, head.output) if settings.diversity > 1 else None
    objective = ClassScore(head, features)
    found = maximize_objective(inspector, objective, classes, canvas, settings, seed, start)
    all_classes = None if found.output is None else probabilities(head, found.output)
    own = None
    if all_classes is not None:
        own = all_classes[np.arange(len(found.channels)), found.channels]
    return MaximizedClasses(**vars(found), probabilities=own, target=head.target)


def check_classes(classes: Classes) -> Classes:
    """Return a choice of classes, if it is one.

    Raises:
        TbvizError: If it is not.
    """
    given: Any = classes
    listed = isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping)
    found = list(given) if listed else []
    if found and all(map(_may_be_class, found)):
        return found
    msg = (
        f"received classes={given!r}; expected a list of classes by number (counted from 0) or by "
        "name, such as [0, 'cat']"
    )
    raise TbvizError(msg)


def _may_be_class(one: Any) -> bool:
    if isinstance(one, str):
        return bool(one)
    return isinstance(one, int | np.integer) and not isinstance(one, bool) and bool(one >= 0)


def select_classes(
    classes: Classes | None, count: int, class_names: Sequence[str] | None = None
) -> list[int]:
    """Return the numbers of classes.

    Args:
        classes: By number or by name. Defaults to the first ten.
        count: How many classes the model has.
        class_names: Name of each class. Defaults to None.

    Raises:
        TbvizError: If there is no such class.
    """
    if classes is None:
        return list(range(min(count, MAX_CLASSES)))
    return [_number(one, count, class_names) for one in check_classes(classes)]


def _number(given: int | str, count: int, class_names: Sequence[str] | None) -> int:
    names = list(class_names or ())[:count]
    if isinstance(given, str):
        if given in names:
            return names.index(given)
        near = difflib.get_close_matches(given, names, n=3)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        known = f"they begin with {', '.join(names[:5])}" if names else "pass class_names="
        msg = f"classes received {given!r}, none of the {len(names)} class names{hint}; {known}"
        raise TbvizError(msg)
    if not 0 <= int(given) < count:
        msg = f"classes received {given}; the model has {count} classes, from 0 to {count - 1}"
        raise TbvizError(msg)
    return int(given)
