"""Read the argument `method`: a name, an object with its own settings, or a list of these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from tbviz.errors import TbvizError


class _Named(Protocol):
    @property
    def name(self) -> str:
        """The name that users write."""


_Method = TypeVar("_Method", bound=_Named)


def methods_of(
    callback: str,
    method: str | _Method | Sequence[str | _Method],
    method_of: Callable[[str | _Method], _Method],
) -> list[_Method]:
    """Return the methods that an argument names.

    Args:
        callback: The name of the callback, for messages.
        method: The argument.
        method_of: Returns the method of a name.

    Raises:
        TbvizError: If there is no such method, no method at all, or one of them twice.
    """
    several: Any = method if isinstance(method, list | tuple) else [method]
    found = [method_of(one) for one in several]
    names = [one.name for one in found]
    if not names or len(set(names)) < len(names):
        msg = f"{callback} received the methods {names}; expected at least one, each once"
        raise TbvizError(msg)
    return found
