"""(image batch) => (image batch), moved a little: what excites a filter only in one exact place
is noise to the eye, so every step of the ascent sees the image shifted, turned and scaled anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from keras import ops

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Wobble:
    """How far a step may move the image.

    Attributes:
        shift: share of the side, to each side.
        turn: degrees, to each side.
        scale: share of the size, larger and smaller.
    """

    shift: float = 0.06
    turn: float = 6.0
    scale: float = 0.08

    def draw(
        self, random: np.random.Generator, steps: int, images: int, size: tuple[int, int]
    ) -> Floats:
        """Affine transforms `(steps, images, 8)` as `keras.ops.image.affine_transform` takes them.

        Turned and scaled about the middle of the image. Drawn beforehand from a generator of our
        own, so that no global random state moves.
        """
        height, width = size
        shape = (steps, images)
        angle = np.deg2rad(random.uniform(-self.turn, self.turn, shape))
        zoom = random.uniform(1 - self.scale, 1 + self.scale, shape)
        down = random.uniform(-self.shift, self.shift, shape) * height
        right = random.uniform(-self.shift, self.shift, shape) * width
        cosine, sine = np.cos(angle) / zoom, np.sin(angle) / zoom
        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
        from_x = middle_x - cosine * middle_x + sine * middle_y + right
        from_y = middle_y - sine * middle_x - cosine * middle_y + down
        zeros = np.zeros(shape)
        rows = [cosine, -sine, from_x, sine, cosine, from_y, zeros, zeros]
        return np.stack(rows, axis=-1).astype(np.float32)


def move(images: Any, transform: Any) -> Any:
    """Images moved by one step's transforms, reflected at the border.

    Args:
        images: tensor `(images, height, width, channels)`.
        transform: tensor `(images, 8)`.
    """
    return ops.image.affine_transform(
        images, transform, interpolation="bilinear", fill_mode="reflect", data_format="channels_last"
    )
