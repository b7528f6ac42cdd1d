"""Convert decorrelated colors to red, green and blue with the ImageNet matrix.

Red, green and blue are correlated in photographs. Painted in decorrelated directions, an image
stays close to the colors of photographs. It changes the path of the ascent, not what it
can reach. Olah et al. 2017, "Feature Visualization",
https://doi.org/10.23915/distill.00007, section "Preconditioning and Parameterization".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

# Square root of the color covariance of ImageNet, from Lucid, optvis/param/color.py (Apache-2.0).
_ROOT = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
MATRIX = (_ROOT / np.linalg.norm(_ROOT, axis=0).max()).astype(np.float32)
"""`(color, direction)`: lightness, red against blue, and green against both, in columns."""


def correlated(pixels: Any) -> Any:
    """Convert pixels `(..., 3)` to red, green and blue; leave other numbers of channels alone."""
    if pixels.shape[-1] != 3:
        return pixels
    return ops.matmul(pixels, ops.convert_to_tensor(MATRIX.T))
