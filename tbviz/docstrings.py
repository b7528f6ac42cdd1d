"""Complete docstrings with the texts of arguments that several functions or classes share."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any, TypeVar

_WIDTH = 88
_SECTION = re.compile(
    r"^(Args|Returns|Raises|Example|References):\n((?:(?: .*)?\n)*)", re.MULTILINE
)
_ENTRY = re.compile(r"^    (\w+): ", re.MULTILINE)

Function = TypeVar("Function", bound=Callable[..., Any])


def sharing(arguments: Mapping[str, str]) -> Callable[[Function], Function]:
    """Return a decorator that gives a function's docstring the texts of shared arguments.

    Args:
        arguments: By argument, the text that all functions with this argument have.
    """

    def complete(function: Function) -> Function:
        if function.__doc__ is not None:  # python -OO
            parameters = dict(inspect.signature(function).parameters)
            parameters.pop("self", None)
            function.__doc__ = completed(function.__doc__, parameters, arguments)
        return function

    return complete


def completed(
    text: str,
    parameters: Mapping[str, Parameter],
    arguments: Mapping[str, str],
    raises: Mapping[str, str] | None = None,
) -> str:
    """Return a docstring whose `Args` hold every parameter, and whose `Raises` are complete.

    Args:
        text: The docstring; its own text of a parameter is added to the shared one.
        parameters: Of the function or class, by name.
        arguments: By name, the text of a parameter that several share.
        raises: Further entries of `Raises`. Defaults to None.
    """
    text = inspect.cleandoc(text) + "\n"
    sections = {found[1]: found[2] for found in _SECTION.finditer(text)}
    own = _entries(sections.pop("Args", ""))
    failures = {**_entries(sections.pop("Raises", "")), **(raises or {})}
    written = {name: f"{name}:\n{body.rstrip()}" for name, body in sections.items()}
    args = {name: _text(one, own, arguments) for name, one in parameters.items()}
    written |= {"Args": _section("Args", args), "Raises": _section("Raises", failures)}
    order = ("Args", "Returns", "Raises", "References", "Example")
    parts = [_SECTION.sub("", text).strip(), *(written[name] for name in order if name in written)]
    return re.sub(r"\n{3,}", "\n\n", "\n\n".join(parts)) + "\n"


def _entries(section: str) -> dict[str, str]:
    """Return by name the texts of a section, each on one line."""
    names = [*_ENTRY.finditer(section)]
    ends = [*(found.start() for found in names[1:]), len(section)][: len(names)]
    return {
        found[1]: " ".join(section[found.end() : end].split())
        for found, end in zip(names, ends, strict=True)
    }


def _text(parameter: Parameter, own: Mapping[str, str], arguments: Mapping[str, str]) -> str:
    """Return the text of an argument: the shared one, what is added to it, and the default."""
    shared, found, default = arguments.get(parameter.name, "").partition("Defaults to")
    added = own.get(parameter.name, "")
    text = f"{shared.strip()} {added}".strip()
    if "Defaults to" in added or parameter.default is Parameter.empty:
        return text
    if found:
        return f"{text} Defaults to{default}"
    value = parameter.default
    shown = f'"{value}"' if isinstance(value, str) else repr(value)
    return f"{text} Defaults to {shown}."


def _section(title: str, entries: Mapping[str, str]) -> str:
    lines = [
        textwrap.fill(
            f"{name}: {text}",
            _WIDTH,
            initial_indent="    ",
            subsequent_indent="        ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, text in entries.items()
    ]
    return "\n".join([f"{title}:", *lines])
