"""Raise errors about something that is not in a run, with names that are close to it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from tbviz.errors import TbvizError

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMED = 12


class UnknownNameError(TbvizError, KeyError):
    """A run has nothing of this name.

    It is a `KeyError` too, so that mappings which raise it have a working `get`.
    """

    __str__ = Exception.__str__  # that of a KeyError is for a key, not for a sentence


def unknown(what: str, received: object, known: Sequence[str], hint: str = "") -> UnknownNameError:
    """Return the error for a name that is not among the known ones.

    Args:
        what: What the name is of, such as `"kind"`.
        received: What was received.
        known: The names that there are.
        hint: What else to say. Defaults to nothing.
    """
    near = [name for name in known if name.rpartition("/")[2] == received]
    near = near or get_close_matches(str(received), known, cutoff=0.5)
    meant = f"; did you mean {listed(near[:3])}?" if near else ""
    there = listed(known) if known else "one, but there is none"
    return UnknownNameError(f"received {what} {received!r}, expected {there}{meant}{hint}")


def listed(names: Sequence[object]) -> str:
    """Return names for a text, and how many more there are if there are many."""
    texts = [repr(name) if isinstance(name, str) else str(name) for name in names[:_NAMED]]
    more = len(names) - _NAMED
    return ", ".join(texts) + (f" and {more} more" if more > 0 else "")
