"""Captions of maps that show nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def note_of(
    drawn: npt.NDArray[np.floating], zero: str, score: float = 0.0, cause: str | None = None
) -> str | None:
    """Return why a map shows nothing, `None` if it shows something.

    Args:
        drawn: one map.
        zero: the meaning of a map of zeros.
        score: the explained score: gradients of a NaN score may be zero.
        cause: why it is not finite, if that is known.
    """
    if not np.all(np.isfinite(drawn)) or not np.isfinite(score):
        return f"the map is not finite: {cause or 'the network puts out NaN or infinity'}"
    if not np.any(drawn):
        return f"the map is zero: {zero}"
    return None
