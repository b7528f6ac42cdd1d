"""Hold the result of an ascent, and say why some or all of its images are blank."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from tbviz.arrays.types import Floats
from tbviz.errors import TbvizError

_SAME_IMAGE = "the model compares its input images, and all of them are the same image here; or "


@dataclass(frozen=True)
class Maximized:
    """The images that activate the channels of one layer, or classes.

    Attributes:
        channels: One per image: with `diversity` each as often as it has images.
        images: `(images, height, width, colors)`, 0 to 1; even gray if there is a note.
        before: Each image's objective on the unmoved start image.
        after: The same at the end; not finite if the channel's output has NaN or infinity.
        coefficients: The image's parameters, to continue from at the next step of a run.
        notes: Why an image is blank, None if it is not.
        output: The model's output on each image, None if it did not run to the end.
        reached: Size of the largest slope of each image.
        objective: The name of the objective.
        painted_equally: Whether the model takes several images, which show the same.
        cause: Which weights are not finite, in words, if some of the images depend on them.
    """

    channels: list[int]
    images: Floats
    before: Floats
    after: Floats
    coefficients: Floats
    notes: list[str | None]
    output: Floats | None
    reached: Floats
    objective: str
    painted_equally: bool
    cause: str | None = field(default=None, kw_only=True)


Result = TypeVar("Result", bound=Maximized)


def notes_of(after: Floats, reached: Floats) -> list[str | None]:
    """Return why each image is blank, None for most.

    Args:
        after: The objective at the end.
        reached: Size of the largest slope.
    """
    return [
        "produces NaN or infinity"
        if not good
        else "no gradient reaches the input: it was inactive on every image that was tried"
        if not slope
        else None
        for good, slope in zip(np.isfinite(after), reached, strict=True)
    ]


def require_signal(found: Result) -> Result:
    """Return the result if any of its images shows something.

    Call it only for all channels of a layer together, since some of them may be dead.

    Raises:
        TbvizError: If all scores are NaN or infinite, or no gradient reaches the input from any.
    """
    if not np.isfinite(found.after).any():
        why = found.cause or "its values overflow their floating-point type; check the loss"
        msg = f"{found.objective} is NaN or infinite for every image: {why}"
        raise TbvizError(msg)
    if not np.any(found.reached):
        msg = (
            f"the image did not change: no gradient of {found.objective} reaches the input, "
            f"because {_SAME_IMAGE if found.painted_equally else ''}"
            "it or an earlier layer is dead on a uniform gray image (see layer health), or an "
            "operation rounds, such as an input of integers (declare it as float32)"
        )
        raise TbvizError(msg)
    return found
