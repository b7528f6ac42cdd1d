"""Print every public signature: `python tests/public_signatures.py > tests/public_signatures.txt`.

Methods of callbacks are left out, since Keras and tbviz call them, and no user does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import keras

import tbviz
import tbviz.images.render
import tbviz.methods

HEADER = """\
# The public signatures of tbviz. tests/test_public_signatures.py fails if one changes. Write a line
# about the change in CHANGELOG.md, then:
# python tests/public_signatures.py > tests/public_signatures.txt
"""
_KINDS = inspect.Parameter


def public() -> Iterator[tuple[str, Any]]:
    """Yield (name, value) of everything that users may name, modules excepted."""
    for name in tbviz.__all__:
        value = getattr(tbviz, name)
        error = inspect.isclass(value) and issubclass(value, Exception)  # users only catch it
        if callable(value) and not error:
            yield f"tbviz.{name}", value
    for name in tbviz.methods.__all__:
        yield f"tbviz.methods.{name}", getattr(tbviz.methods, name)
    render: ModuleType = tbviz.images.render
    for name, value in vars(render).items():
        own = inspect.isfunction(value) and value.__module__ == render.__name__
        if own and not name.startswith("_"):
            yield f"tbviz.render.{name}", value


def methods(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield (name, function) of the public methods of a class that is no callback."""
    if not inspect.isclass(value) or issubclass(value, keras.callbacks.Callback):
        return
    for name in sorted(vars(value)):
        method = getattr(value, name)
        if not name.startswith("_") and callable(method):
            yield name, method


def parameters(value: Any) -> list[inspect.Parameter]:
    """Return the parameters of a callable, without `self`."""
    found = inspect.signature(value).parameters.values()
    return [parameter for parameter in found if parameter.name != "self"]


def text() -> str:
    """Return the text of the file."""
    lines = [HEADER]
    for name, value in sorted(public()):
        lines += _lines(name, value, "")
        for method, function in methods(value):
            lines += _lines(f".{method}", function, "    ")
    return "\n".join(lines) + "\n"


def _lines(name: str, value: Callable[..., Any], indent: str) -> Iterator[str]:
    given = parameters(value)
    returned = "" if inspect.isclass(value) else _returned(value)
    if not given:
        yield f"{indent}{name}(){returned}"
        return
    yield f"{indent}{name}("
    named = False
    for parameter in given:
        if parameter.kind is _KINDS.KEYWORD_ONLY and not named:
            named = True
            yield f"{indent}    *,"
        stars = {_KINDS.VAR_POSITIONAL: "*", _KINDS.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = "" if parameter.default is _KINDS.empty else f" = {parameter.default!r}"
        annotation = "" if parameter.annotation is _KINDS.empty else f": {parameter.annotation}"
        yield f"{indent}    {stars}{parameter.name}{annotation}{default},"
    yield f"{indent}){returned}"


def _returned(value: Any) -> str:
    annotation = inspect.signature(value).return_annotation
    return "" if annotation is inspect.Signature.empty else f" -> {annotation}"


if __name__ == "__main__":
    print(text(), end="")
