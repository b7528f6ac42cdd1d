"""Define the errors that a route answers with."""

from __future__ import annotations

from tbviz.errors import TbvizError


class MalformedError(TbvizError):
    """A parameter is missing or invalid (400)."""


class NotFoundError(TbvizError):
    """The run, writer, series or layer is unknown (404)."""


class GoneError(TbvizError):
    """The bytes existed once and are gone or damaged (410)."""
