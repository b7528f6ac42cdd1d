"""Print every public signature: `python tests/public_signatures.py > tests/public_signatures.txt`.

Besides what users can name, this is what they get: each class of tbviz that a public function
returns, or that a field, property or method of such a class has, with all of these. Methods of
callbacks are left out, since Keras and tbviz call them, and no user does.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
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
RETURNED = """
# The classes of what these return, and of what is in it.
"""
_KINDS = inspect.Parameter
_PACKAGE = Path(tbviz.__file__).parent
_OPERATORS = {"__getitem__", "__contains__", "__iter__", "__len__"}


def _module_of(path: Path) -> str:
    return ".".join(path.relative_to(_PACKAGE.parent).with_suffix("").parts).removesuffix(
        ".__init__"
    )


_TREES = {_module_of(path): ast.parse(path.read_text("utf-8")) for path in _PACKAGE.rglob("*.py")}


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


def returned() -> list[type]:
    """Return the classes that users get, by name: from public functions, and from these classes."""
    named = {value for _, value in public()}
    found: set[type] = set()
    waiting = [
        (value.__module__, _returned(value)) for _, value in public() if not inspect.isclass(value)
    ]
    while waiting:
        for value in _classes(*waiting.pop()):
            if value not in named and value not in found:
                found.add(value)
                inner = [text for _, text in [*fields(value), *properties(value)]]
                inner += [_returned(method) for _, method in methods(value)]
                waiting += [(value.__module__, text) for text in inner]
    return sorted(found, key=lambda value: value.__name__)


def parameters(value: Any) -> list[inspect.Parameter]:
    """Return the parameters of a callable, without `self`."""
    found = inspect.signature(value).parameters.values()
    return [parameter for parameter in found if parameter.name != "self"]


def fields(value: type) -> list[tuple[str, str]]:
    """Return (name, annotation) of the public fields of a class, those of its bases first.

    They are annotated in its body, or set by `__init__`, from an argument or with an annotation.
    """
    found: dict[str, str] = {}
    for node in _nodes(value):
        for one in node.body:
            if isinstance(one, ast.AnnAssign):
                found[ast.unparse(one.target)] = ast.unparse(one.annotation)
            elif isinstance(one, ast.FunctionDef) and one.name == "__init__":
                found.update(_set_by(one))
    return [(name, text) for name, text in found.items() if not name.startswith("_")]


def properties(value: type) -> list[tuple[str, str]]:
    """Return (name, annotation) of the public properties of a class that is no callback."""
    return [
        (name, ast.unparse(node.returns) if node.returns else "")
        for name, node in _functions(value).items()
        if _is_property(node)
    ]


def methods(value: type) -> list[tuple[str, Callable[..., Any]]]:
    """Return (name, function) of the public methods of a class that is no callback."""
    return [
        (name, getattr(value, name))
        for name, node in _functions(value).items()
        if not _is_property(node)
    ]


def text() -> str:
    """Return the text of the file."""
    lines = [HEADER]
    for name, value in sorted(public()):
        lines += _lines(name, value, "")
        if inspect.isclass(value):
            lines += _members(value)
    lines.append(RETURNED)
    for value in returned():
        bases = ", ".join(map(ast.unparse, _node(value).bases))
        lines.append(f"{value.__module__}.{value.__name__}" + f"({bases})" * bool(bases))
        lines += [f"    .{name}: {annotation}" for name, annotation in fields(value)]
        lines += _members(value)
    return "\n".join(lines) + "\n"


def _members(value: type) -> Iterator[str]:
    for name, annotation in properties(value):
        yield f"    .{name}: {annotation}"
    for name, method in methods(value):
        yield from _lines(f".{name}", method, "    ")


def _classes(module: str, annotation: str) -> Iterator[type]:
    """Yield the classes of tbviz that an annotation in a module names."""
    for name in re.findall(r"\w+", annotation):
        homes = [
            node.module
            for node in ast.walk(_TREES[module])
            if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}
        ]
        for home in [module, *homes]:
            if home in _TREES and name in _defined(home):
                yield getattr(importlib.import_module(home), name)


def _defined(module: str) -> dict[str, ast.ClassDef]:
    return {one.name: one for one in _TREES[module].body if isinstance(one, ast.ClassDef)}


def _node(value: type) -> ast.ClassDef:
    """Return a class of tbviz as it stands in its file."""
    return _defined(value.__module__)[value.__name__]


def _nodes(value: type) -> list[ast.ClassDef]:
    """Return a class of tbviz and its bases as they stand in their files, the bases first."""
    return [_node(one) for one in reversed(value.__mro__) if one.__module__ in _TREES]


def _functions(value: type) -> dict[str, ast.FunctionDef]:
    """Return the public functions of a class by name."""
    if issubclass(value, keras.callbacks.Callback):
        return {}
    found = {
        one.name: one
        for node in _nodes(value)
        for one in node.body
        if isinstance(one, ast.FunctionDef)
        if not one.name.startswith("_") or one.name in _OPERATORS
    }
    return dict(sorted(found.items()))


def _is_property(node: ast.FunctionDef) -> bool:
    return {"property", "cached_property"} & {
        ast.unparse(one) for one in node.decorator_list
    } != set()


def _set_by(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield (name, annotation) of the attributes that a constructor sets."""
    arguments = {arg.arg: arg.annotation for arg in function.args.args}
    for one in ast.walk(function):
        if isinstance(one, ast.AnnAssign):
            targets, annotation = [one.target], one.annotation
        elif isinstance(one, ast.Assign):
            targets = one.targets
            annotation = arguments.get(one.value.id) if isinstance(one.value, ast.Name) else None
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Attribute):
                yield target.attr, ast.unparse(annotation) if annotation else "?"


def _lines(name: str, value: Callable[..., Any], indent: str) -> Iterator[str]:
    given = parameters(value)
    answer = "" if inspect.isclass(value) or not _returned(value) else f" -> {_returned(value)}"
    if not given:
        yield f"{indent}{name}(){answer}"
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
    yield f"{indent}){answer}"


def _returned(value: Any) -> str:
    """Return the annotation of what a callable returns."""
    annotation = inspect.signature(value).return_annotation
    return "" if annotation is inspect.Signature.empty else str(annotation)


if __name__ == "__main__":
    print(text(), end="")
