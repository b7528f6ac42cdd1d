"""Check whether a segment is in the format that this tbviz reads, and explain it in one sentence.

A segment of another format is not touched: its fields may have another meaning, or none.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tbviz.store.format.schema import FORMAT, plain

_MAX_LENGTH = 40
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,40}")
_MAX_NUMBER = 1 << 53  # a browser rounds larger numbers


def refusal(writer: Mapping[str, Any]) -> str:
    """Return why the segment of a `writer` record is not read, "" if it is.

    The text continues "segment 3 was".
    """
    said = writer.get("format")
    if type(said) is int and said == FORMAT:
        return ""
    version = writer.get("tbviz")
    named = isinstance(version, str) and _VERSION.fullmatch(version)
    by = f" ({version})" if named else ""
    return (
        f"written in {_named(said)}; this tbviz reads format {FORMAT}: train again, or view it "
        f"with the tbviz that wrote it{by}"
    )


def format_number(writer: Mapping[str, Any]) -> int | None:
    """Return the format that a `writer` record states, None if it is not a whole number."""
    said = writer.get("format")
    return said if type(said) is int and abs(said) <= _MAX_NUMBER else None


def sentence(number: int, refused: str) -> str:
    """Return the sentence about the segment of this number, without a full stop."""
    return f"segment {number} was {refused}"


def clause(sentences: Sequence[str]) -> str:
    """Return the text to append to an error about something that does not exist, "" for none."""
    if not sentences:
        return ""
    more = len(sentences) - 1
    return f"; {sentences[-1]}" + (f" (and {more} more like it)" if more else "")


def _named(said: object) -> str:
    if type(said) is int and abs(said) > _MAX_NUMBER:
        try:
            said = float(said)  # as the faster one of two JSON parsers reads it
        except OverflowError:
            said = None
    if type(said) is float and not math.isfinite(said):
        said = None  # more digits than a parser reads
    return "an unknown format" if said is None else f"format {_shortened(json.dumps(plain(said)))}"


def _shortened(number: str) -> str:
    return number if len(number) <= _MAX_LENGTH else f"{number[:_MAX_LENGTH]}..."
