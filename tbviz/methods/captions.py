"""Caption maps that show nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def note_of(
    drawn: npt.NDArray[np.floating], zero: str, score: float = 0.0, cause: str | None = None
) -> str | None:
    """Return the reason if a map shows nothing, `None` if it shows something.

    Args:
        drawn: One map.
        zero: The meaning of a map of zeros.
        score: The explained score: gradients of a NaN score may be zero. Defaults to 0.0.
        cause: The reason if the map is not finite. Defaults to None: unknown.
    """
    if not np.all(np.isfinite(drawn)) or not np.isfinite(score):
        return f"the map is not finite: {cause or 'the network puts out NaN or infinity'}"
    if not np.any(drawn):
        return f"the map is zero: {zero}"
    return None
