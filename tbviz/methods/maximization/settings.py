"""Define the settings of the ascent."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, Final, Self

from tbviz.errors import TbvizError
from tbviz.methods.maximization.basis import Basis, Fourier, Pixels
from tbviz.methods.maximization.transforms import Transforms

_WHOLE = Integral, 1, "a whole number of at least 1"
_NOT_NEGATIVE = Real, 0.0, "a finite number of at least 0"
_NUMBERS: Final[Mapping[str, tuple[type, float, str]]] = {
    "steps": _WHOLE,
    "rate": (Real, sys.float_info.min, "a finite number above 0"),
    "start": _NOT_NEGATIVE,
    "decay": (Real, -sys.float_info.max, "a finite number"),
    "total_variation": _NOT_NEGATIVE,
    "l2": _NOT_NEGATIVE,
    "diversity": _WHOLE,
    "apart": _NOT_NEGATIVE,
}
"""By setting, the type of the number, its lowest value, and both in words."""


@dataclass(frozen=True, kw_only=True)
class Ascent:
    """Settings of the ascent.

    With penalties, ln(score) minus each weight times its penalty is maximized, so that a weight
    means the same for every channel.

    The defaults were chosen by eye, for textures: twice the steps reach a tenth more and look the
    same.

    Args:
        steps: Steps of the ascent, at least 1. Defaults to 24.
        rate: Adam's step, in standard deviations of a coefficient. Defaults to 0.2.
        start: Standard deviation of the random start. 0 starts from an even gray. Defaults to
            0.05.
        image: `"fourier"` paints with waves, `"pixel"` with pixels. Defaults to "fourier".
        decay: Scale of the waves of `"fourier"`: the frequency to the power of minus this.
            Defaults to 1.0.
        transforms: How far each step moves, scales and rotates the image. Defaults to
            Transforms() of `tbviz.methods.maximization.transforms`.
        total_variation: Weight of the mean step between neighboring pixels, see
            `regularizers.total_variation`. Defaults to 0.0.
        l2: Weight of the mean squared distance from even gray, see `regularizers.contrast`.
            Defaults to 0.0.
        diversity: Images per channel, at least 1. They are pushed apart. Defaults to 1.
        apart: Weight of their Gram cosine, see `regularizers.gram_cosine`. Defaults to 1.0.

    Raises:
        TbvizError: If there is no such image, or a number is out of its range.

    Example:
        >>> longer = tbviz.Ascent(steps=96, rate=0.1, diversity=3)
        >>> tbviz.FilterMaximization("logs/run", ascent=longer)
    """

    steps: int = 24
    rate: float = 0.2
    start: float = 0.05
    image: str = "fourier"
    decay: float = 1.0
    transforms: Transforms = Transforms()  # noqa: RUF009  frozen, and help() prints it
    total_variation: float = 0.0
    l2: float = 0.0
    diversity: int = 1
    apart: float = 1.0

    def __post_init__(self) -> None:
        if self.image not in ("fourier", "pixel"):
            msg = f"Ascent received image={self.image!r}; expected 'fourier' or 'pixel'"
            raise TbvizError(msg)
        for name, (kind, lowest, expected) in _NUMBERS.items():
            value = getattr(self, name)
            number = isinstance(value, kind) and not isinstance(value, bool)
            if not (number and lowest <= value < math.inf):
                raise TbvizError(f"Ascent received {name}={value!r}; expected {expected}")
        transforms: Any = self.transforms
        if not isinstance(transforms, Transforms):
            msg = f"Ascent received transforms={self.transforms!r}; expected Transforms(...)"
            raise TbvizError(msg)

    @classmethod
    def of_classes(cls) -> Self:
        """Return settings for classes: their parts lie side by side and are as large as the image.

        They have more steps, smoother waves, and transforms that move parts only a little.
        """
        moved = Transforms(jitter=0.15, scale=0.3, rotate=5.0, pad=True)
        return cls(steps=48, rate=0.15, decay=1.25, transforms=moved)

    def careful(self) -> Self:
        """Return settings for higher quality: four times the steps, each half as long."""
        return replace(self, steps=4 * self.steps, rate=self.rate / 2)


def basis_of(ascent: Ascent) -> Basis:
    """Return the basis of the coefficients of the image."""
    return Fourier(ascent.decay) if ascent.image == "fourier" else Pixels()
