"""Transforms: every step of the ascent sees the image shifted and scaled anew.

What excites a filter only in one exact place is noise to the eye. In a Fourier basis a shift and
a zoom are the same waves taken elsewhere, so both come for nothing and blur nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tbviz.methods.maximization.image import waves

Floats = npt.NDArray[np.float32]


# Multiples of these fill a circle most evenly: the golden ratio's and the silver ratio's inverse.
_EVENLY = (0.6180339887498949, 0.4142135623730951)


@dataclass(frozen=True)
class Wobble:
    """How far a step may move the image.

    Attributes:
        shift: share of the side, to each side; what leaves on one comes back on the other. At
            0.5 every part of the image comes everywhere, so that none of it stays at the border.
        scale: share of the size, larger and smaller, about the middle.
    """

    shift: float = 0.5
    scale: float = 0.1

    def draw(
        self, random: np.random.Generator, steps: int, size: tuple[int, int]
    ) -> tuple[Floats, Floats]:
        """The waves of every step, `(steps, height, height)` and `(steps, width, width)`.

        Drawn beforehand from a generator of our own, so that no global random state moves. Shifts
        are spread evenly from a random start: a few dozen at random would leave gaps.
        """
        zoom = random.uniform(1 - self.scale, 1 + self.scale, steps)
        sides = []
        for side, pace in zip(size, _EVENLY, strict=True):
            middle = (side - 1) / 2
            share = (random.uniform() + pace * np.arange(steps)) % 1.0
            shift = (2 * share - 1) * self.shift * side
            places = middle + (np.arange(side) - middle)[None] * zoom[:, None] + shift[:, None]
            sides.append(np.stack([waves(side, place) for place in places]))
        return sides[0], sides[1]
