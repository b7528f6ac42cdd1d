"""Define the errors of a store."""

from __future__ import annotations

from tbviz.errors import TbvizError


class StoreError(TbvizError):
    """A record could not be written or read."""


class UnknownWriterError(StoreError):
    """The store has no pack of this writer, or no longer has one."""


class DamagedError(StoreError):
    """The bytes of a sheet are missing, or differ from those that were written."""
