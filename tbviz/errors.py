"""Errors that tbviz raises on purpose. Each message says what was received, expected, and to do."""

from __future__ import annotations


class TbvizError(Exception):
    """Base class of every error that tbviz raises on purpose."""


class MissingBackendError(TbvizError, ImportError):
    """A part of tbviz that looks into models was used where Keras or its backend is missing.

    It is an `ImportError` too, so that code which tries an import and goes on without it works.
    """
