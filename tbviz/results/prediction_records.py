"""(a reader) => the predictions of each position, as they were logged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tbviz.store.read.reader import Reader


def prediction_records(reader: Reader, since: int = 0) -> list[list[Any] | None]:
    """Return the record of each position from `since` on, None if there is none.

    A record has one list per probe image, of `[class, value]`, strongest first, if tbviz wrote it.
    """
    records: list[list[Any] | None] = []
    for base, segment in reader.based():
        for ordinal in range(max(since - base, 0), len(segment)):
            text = segment.predictions.get(ordinal)
            records.append(None if text is None else json.loads(text))
    return records


def prediction_scale(reader: Reader) -> str:
    """Return the scale of the newest segment with predictions: `"probability"` or `"score"`."""
    newest = [segment for segment in reader.segments if "predictions" in segment.latest]
    return newest[-1].scale if newest else "probability"
