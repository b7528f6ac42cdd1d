"""Tell whether a segment is in the format that this tbviz reads, and say it in one sentence.

A segment that is not is left as it is: its fields would mean something else, or nothing.
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
_MAX_NUMBER = 1 << 53  # beyond, a browser rounds


def refusal(writer: Mapping[str, Any]) -> str:
    """Return why the segment of a `writer` record is not read, `""` if it is.

    The text goes on from "segment 3 was".
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
    """Return the format that a `writer` record says, `None` if that is no whole number."""
    said = writer.get("format")
    return said if type(said) is int and abs(said) <= _MAX_NUMBER else None


def sentence(number: int, refused: str) -> str:
    """Return the whole sentence about the segment of this number; without a full stop."""
    return f"segment {number} was {refused}"


def clause(sentences: Sequence[str]) -> str:
    """Return what is appended to an error about something that is not there, `""` for nothing."""
    if not sentences:
        return ""
    more = len(sentences) - 1
    return f"; {sentences[-1]}" + (f" (and {more} more like it)" if more else "")


def _named(said: object) -> str:
    if type(said) is int and abs(said) > _MAX_NUMBER:
        try:
            said = float(said)  # as the quicker one of two JSON parsers reads it
        except OverflowError:
            said = None
    if type(said) is float and not math.isfinite(said):
        said = None  # more digits than a parser reads
    return "an unknown format" if said is None else f"format {_shortened(json.dumps(plain(said)))}"


def _shortened(number: str) -> str:
    return number if len(number) <= _MAX_LENGTH else f"{number[:_MAX_LENGTH]}..."
