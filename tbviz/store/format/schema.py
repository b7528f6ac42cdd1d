"""Define the format: magic, limits, positions, and how metas become bytes and back.

docs/format.md explains it.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

try:
    from orjson import loads as _parse_quickly
except ImportError:  # its only purpose: long runs open in two thirds of the time
    _parse_quickly = None  # type: ignore[assignment]

FORMAT = 2
MAGIC = b"\x89tbv\r\n\x1a\n"
# Magic, lengths of meta and payload, CRC-32 of meta and payload.
HEADER = struct.Struct("<8sIIII")
MAX_META = 16 << 20
MAX_PAYLOAD = 1 << 30
MAX_DEPTH = 100
MAX_NAMES = 4096
MAX_VALUES = 1 << 25
MAX_HEALTH_NUMBERS = 64

FILE_NAME = re.compile(r"(?P<seq>[0-9]{6})-(?P<uid>[0-9a-f]{16})\.pack")

MEDIA = ("gray8", "rgb8", "table", "json")
STATUSES = ("finished", "stopped", "failed")
HEALTH_NUMBERS = (
    "dead",
    "sparsity",
    "mean",
    "std",
    "minimum",
    "maximum",
    "similarity",
    "output_change",
    "saturated",
    "duplicates",
    "nonfinite",
    "weight_norm",
    "weight_update",
    "nan",
    "weight_fault",
)
"""The health numbers that are served first, in this order.

A record may have other ones, which follow by name, so that a new number needs no entry here.
"""
COSTS = ("main", "compile", "wait", "writer", "epoch")

# Faster than json.loads on the many short metas of an index.
_DECODER = json.JSONDecoder()
_USUAL_DEPTH = 5
_NO_MARKS = bytes(set(range(256)) - set(b'[]{}"'))
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class FitPosition(NamedTuple):
    """A point on the axis of one `fit` that the slider moves along.

    Args:
        epoch: Counted from 0.
        batch: Optimizer steps since the start of this `fit`. Defaults to None: the end of the
            epoch.
        final: Whether this is the state after `fit`. Defaults to False.
    """

    epoch: int
    batch: int | None = None
    final: bool = False

    def fields(self) -> dict[str, int | bool]:
        """Return the fields of a record's meta for this position."""
        meta: dict[str, int | bool] = {"epoch": self.epoch}
        if self.batch is not None:
            meta["batch"] = self.batch
        if self.final:
            meta["final"] = True
        return meta


def plain(value: object) -> Any:
    """Convert a value for JSON: non-finite floats to strings, numpy's scalars to Python's.

    Raises:
        TypeError: If JSON has no equivalent of the value.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    as_python = getattr(value, "tolist", None)  # numpy's scalars and arrays
    if callable(as_python):
        return plain(as_python())
    raise TypeError(f"received {type(value).__name__}, expected numbers, texts, lists or dicts")


def number(value: object) -> float:
    """Convert a number of the format, including `"NaN"`, `"Infinity"` and `"-Infinity"`.

    Raises:
        ValueError: If it is not a number.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and value in _NON_FINITE:
        return _NON_FINITE[value]
    raise ValueError(f"received {value!r}, expected a number")


def encode_json(value: object) -> bytes:
    """Encode compact JSON without a line feed; non-finite floats become strings.

    Raises:
        ValueError: If it is nested deeper than the format allows.
    """
    data = json.dumps(plain(value), allow_nan=False, separators=(",", ":")).encode("ascii")
    _check_depth(data)
    return data


def check_names(held: Collection[object], more: Collection[object], positions: int = 1) -> None:
    """Refuse more names than the format allows: they would take far more memory than bytes.

    Args:
        held: The metrics, layers, callbacks ... that a segment has so far.
        more: Those of a record.
        positions: The number of values that each of them has with this record. Defaults to 1.

    Raises:
        ValueError: If a segment would have more than the format allows.
    """
    if (len(held) + len(more)) * positions <= MAX_NAMES:
        return
    count = len({*held, *more})
    if count > MAX_NAMES or count * positions > MAX_VALUES:
        raise ValueError(
            f"received {count} names with {positions} values each, expected at most {MAX_NAMES} "
            f"names and {MAX_VALUES} values"
        )


def decode_json(data: bytes) -> Any:
    """Decode JSON.

    Raises:
        ValueError: If the bytes are not JSON, or nested deeper than the format allows.
    """
    _check_depth(data)
    return json.loads(data.decode("utf-8"))


def _check_depth(data: bytes) -> None:
    # JSON that is nested deeper than the stack cannot be parsed, and JSON that is a little less
    # deep cannot be sent. Few metas have so many brackets at all.
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Most texts are reduced to two quotation marks.
    marks = data.translate(None, _NO_MARKS).replace(b'""', b"")
    brackets = b"".join(marks.split(b'"')[::2])
    for _ in range(_USUAL_DEPTH):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH - _USUAL_DEPTH:
            raise ValueError(f"received JSON nested deeper than {MAX_DEPTH}, expected less")


def decode_meta(data: bytes) -> dict[str, Any]:
    """Decode a meta.

    Raises:
        ValueError: If the bytes are not one JSON object with a `kind`.
    """
    _check_depth(data)
    meta = _parsed(data)
    if type(meta) is not dict or type(meta.get("kind")) is not str:
        raise ValueError("a meta is not an object with a kind")
    return meta


def _parsed(data: bytes) -> Any:
    if _parse_quickly is not None:
        try:
            return _parse_quickly(data)
        except ValueError:
            pass  # it refuses rare but valid input, such as half a surrogate pair in a name
    text = data.decode("utf-8")
    try:
        value, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # a number of more digits than Python converts
        value, end = json.JSONDecoder(parse_int=_whole_or_infinite).raw_decode(text)
    if end != len(text):
        raise ValueError("the JSON is followed by something else")
    return value


def _whole_or_infinite(digits: str) -> float:
    try:
        return int(digits)
    except ValueError:
        return float(digits)  # as parsers without long whole numbers do


def layout_id(fields: Mapping[str, object]) -> str:
    """Return eight hexadecimal digits that identify the content of a layout.

    Args:
        fields: The layout's fields; `id`, `kind` and `time` do not count.

    Returns:
        The same digits for the same fields in any order.
    """
    rest = {key: value for key, value in fields.items() if key not in {"id", "kind", "time"}}
    text = json.dumps(plain(rest), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:8]
