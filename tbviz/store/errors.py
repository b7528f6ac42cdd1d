"""What can go wrong with a store."""

from __future__ import annotations

from tbviz.errors import TbvizError


class StoreError(TbvizError):
    """A record could not be written or read."""


class UnknownWriterError(StoreError):
    """No pack of this writer is in the store (any more)."""


class DamagedError(StoreError):
    """The bytes of a sheet are gone, or not those that were written."""
