"""Build HTTP responses: JSON that a browser can parse, bytes, errors, and their headers."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from tbviz.store.format.schema import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

IMMUTABLE = "private, max-age=31536000, immutable"
NO_CACHE = "no-cache"
# Below this length, gzip saves nothing.
_WORTH_PACKING = 500
_LEVEL = 4
# For files that a browser requests once.
_BEST = 9


def json_response(request: Request, answer: Mapping[str, Any], code: int = 200) -> Response:
    """Return JSON in UTF-8, non-finite floats as strings, gzipped if the client accepts it."""
    try:
        text = json.dumps(answer, allow_nan=False, separators=(",", ":"))
    except ValueError:
        text = json.dumps(plain(answer), allow_nan=False, separators=(",", ":"))
    return packed_response(request, text.encode("utf-8"), "application/json; charset=utf-8", code)


def packed_response(
    request: Request, content: bytes, kind: str, code: int = 200, cache: str = NO_CACHE
) -> Response:
    """Return bytes of a text, gzipped if the client accepts that and it is worthwhile."""
    response = bytes_response(content, kind, code, cache)
    response.headers["Vary"] = "Accept-Encoding"
    if len(content) >= _WORTH_PACKING and request.accept_encodings["gzip"] > 0:
        level = _BEST if cache == IMMUTABLE else _LEVEL
        response.set_data(gzip.compress(content, level, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def bytes_response(
    content: bytes | Sequence[bytes], kind: str, code: int = 200, cache: str = NO_CACHE
) -> Response:
    """Return bytes as they are, in one piece or several. No browser may guess their type."""
    response = Response(content, status=code, content_type=kind)
    response.headers["Cache-Control"] = cache
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def error_response(request: Request, code: int, message: str) -> Response:
    """Return an error as http_api.md specifies it."""
    return json_response(request, {"error": message}, code)
