"""Why a route answers with an error."""

from __future__ import annotations

from tbviz.errors import TbvizError


class MalformedError(TbvizError):
    """A parameter is missing or is not what it should be (400)."""


class NotFoundError(TbvizError):
    """No such run, writer, series or layer is known (404)."""


class GoneError(TbvizError):
    """The bytes were there once and are gone or damaged (410)."""
