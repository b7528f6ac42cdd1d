"""Hold the version in one place: the build, the store and the page read it from here."""

from __future__ import annotations

__version__ = "0.1.0"
