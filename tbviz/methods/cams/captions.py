"""What a caption must not be silent about."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def note_of(
    drawn: npt.NDArray[np.floating], zero: str, score: float = 0.0, cause: str | None = None
) -> str | None:
    """Why there is nothing to see in a map, `None` where there is.

    Args:
        drawn: one map.
        zero: what it means where the map is zero.
        score: what it explains: gradients of a score that is NaN may be zero.
        cause: why it is not finite, if that is known.
    """
    if not np.all(np.isfinite(drawn)) or not np.isfinite(score):
        return f"the map is not finite: {cause or 'the network puts out NaN or infinity'}"
    if not np.any(drawn):
        return f"the map is zero: {zero}"
    return None
