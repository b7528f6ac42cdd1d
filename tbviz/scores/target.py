"""Define targets as users write them: which class score of each image is explained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tbviz.errors import TbvizError

DEFAULT_TARGETS = ("predicted", "true")
"""The default targets of the callbacks. The true class is left out if it is unknown."""

Score = int | str | Sequence[int] | npt.NDArray[np.integer]
"""A choice of a class: an index, a name, `"predicted"`, `"true"`, or one class per image."""

EXPECTED = (
    "expected 'predicted', 'true', the index or the name of a class, an integer array with one "
    "class per image, or a Target"
)


@dataclass(frozen=True)
class Target:
    """Select the class score to explain with `GradCAM`, `Saliency` or `tbviz.methods`.

    A bare score, such as `"true"` or 3, is short for `Target("true")` or `Target(3)`.

    Args:
        score: The class whose score is explained: its index, its name, `"predicted"`, `"true"`, or
            an integer array with one class per image. Defaults to "predicted".
        against: The class whose score is subtracted, in the same forms. The map then shows the
            evidence for `score` and against this class. Defaults to None: nothing is subtracted.
        output: The index or the name of the model's output that is explained, if the model has
            several. Defaults to None: the `output` of the callback or function, which is the
            first output unless you set it.

    Raises:
        TbvizError: If an argument has another form.

    Example:
        >>> why_not_dog = tbviz.Target("predicted", against="dog")
        >>> cams = tbviz.GradCAM("logs/run", x_val[:4], y_val[:4], targets=["true", why_not_dog])
    """

    score: Score = "predicted"
    _: KW_ONLY
    against: Score | None = None
    output: int | str | None = None

    def __post_init__(self) -> None:
        # Targets are compared and hashed, so lists become tuples.
        object.__setattr__(self, "score", _checked("score", self.score))
        if self.against is not None:
            object.__setattr__(self, "against", _checked("against", self.against))
        if not may_name_output(self.output):
            raise TbvizError(
                f"Target received output={self.output!r}; expected the index or the name of an "
                "output of the model"
            )

    @property
    def role(self) -> str:
        """Return the role of its tiles: `predicted`, `true`, `class`, `given` or `difference`."""
        if self.against is not None:
            return "difference"
        if isinstance(self.score, str):
            return self.score if self.score in DEFAULT_TARGETS else "class"
        return "class" if isinstance(self.score, int) else "given"


Targets = Target | Score | list[Target | Score]
"""The values of `targets=`: one target, or a list of targets."""


def may_name_output(value: Any) -> bool:
    """Return whether a value can name an output of a model: a name, an index, or None."""
    known = value is None or isinstance(value, str | int | np.integer)
    return known and not isinstance(value, bool)


def is_several(targets: Any) -> bool:
    """Tell whether `targets=` received several targets: a list, even of a single one."""
    return isinstance(targets, list)


def targets_of(targets: Any) -> list[Target]:
    """Return the value of `targets=` as a list of targets.

    Args:
        targets: A target, a bare score, or a list of these.

    Raises:
        TbvizError: If it is empty, or one of them is no target.
    """
    found = [_target(one) for one in (targets if is_several(targets) else [targets])]
    if not found:
        raise TbvizError(f"targets received an empty list; {EXPECTED}, or a list of them")
    return found


def roles_of(targets: Sequence[Target]) -> list[str]:
    """Return the role of each target; the second of the same role gets the number 2, and so on."""
    counts: Counter[str] = Counter()
    roles = []
    for target in targets:
        counts[target.role] += 1
        number = counts[target.role]
        roles.append(target.role if number == 1 else f"{target.role} {number}")
    return roles


def _target(given: Any) -> Target:
    if isinstance(given, Target):
        return given
    if isinstance(given, tuple):
        difference = ""
        if len(given) == 2:
            difference = f"Target({given[0]!r}, against={given[1]!r}) for their difference, or "
        raise TbvizError(
            f"targets received the tuple {given!r}; write {difference}a list for several targets"
        )
    if isinstance(given, list):
        raise TbvizError(
            f"targets received the list {given!r} inside a list; write Target({given!r}) for one "
            "class per image"
        )
    return Target(given)


def _checked(name: str, given: Any) -> int | str | tuple[int, ...]:
    """Return a class as users write it: an index, a name, or one class per image as a tuple."""
    if isinstance(given, str):
        return given
    values = np.asarray(given) if _is_listed(given) else np.zeros(0)
    if isinstance(given, Target) or values.ndim > 1 or values.dtype.kind not in "iu":
        raise TbvizError(f"a target received {name}={given!r}; {EXPECTED}")
    if values.min(initial=0) < 0:
        raise TbvizError(f"a target received {name}={given!r}; classes count from 0")
    return tuple(map(int, values)) if values.ndim else int(values)


def _is_listed(given: Any) -> bool:
    """Tell whether this is a number or a flat sequence, which numpy can read."""
    try:
        return np.ndim(given) < 2
    except ValueError:  # ragged
        return False
