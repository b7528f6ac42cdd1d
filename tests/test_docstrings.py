"""Docstrings have one style (CONTRIBUTING.md, *Docstrings*). ruff checks the rest of it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "tbviz"

# A docstring of a module or a function begins with a verb in the imperative, not with one of these.
NO_VERB = {
    *("A", "All", "An", "And", "Any", "As", "At", "Both", "By", "Each", "Every", "For", "From"),
    *("How", "If", "In", "Its", "No", "Nothing", "Of", "On", "One", "Only", "Some", "Such", "That"),
    *("The", "Their", "There", "These", "This", "Those", "To", "What", "When", "Where", "Whether"),
    *("Which", "Who", "Why", "With"),
}
THIRD_PERSON = re.compile(r"\w*[^s]s")  # "Returns", and nouns such as "Numbers"; not "Access"
SECTION = re.compile(r"^(Args|Raises|Returns|Yields|Attributes|Example):$", re.MULTILINE)
ENTRY = re.compile(r"^    (\*{0,2}\w+): ?(.*(?:\n(?:     .*|$))*)", re.MULTILINE)


def files():
    return sorted(PACKAGE.rglob("*.py"))


def documented(tree):
    """Yield (node, docstring) of what has a docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text is not None:
                yield node, text


def sections(text):
    """Return the sections of a docstring: name to text."""
    parts = SECTION.split(text)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def entries(section):
    return [(name, " ".join(body.split())) for name, body in ENTRY.findall(section)]


def with_defaults(node):
    """Return the names of the arguments that have a default: of a function, or of a class."""
    if isinstance(node, ast.ClassDef):
        for inner in node.body:
            if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
                # Completed by `callbacks/signature.py`; test_public_signatures.py checks it.
                options = inner.args.kwarg is not None and inner.args.kwarg.arg == "options"
                return set() if options else with_defaults(inner)
        fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
        return {one.target.id for one in fields if one.value is not None}
    args = node.args
    plain = [*args.posonlyargs, *args.args]
    found = {one.arg for one in plain[len(plain) - len(args.defaults) :]}
    pairs = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    return found | {one.arg for one, default in pairs if default is not None}


def is_property(node):
    """Return whether this is read like an attribute: its docstring may be a noun, as there."""
    decorators = [ast.unparse(one) for one in getattr(node, "decorator_list", [])]
    return any(one.split(".")[-1] in {"property", "cached_property"} for one in decorators)


def faults(tree):
    """Yield what is wrong with the docstrings of a module, a line each."""
    for node, text in documented(tree):
        where = f"line {getattr(node, 'lineno', 1)}: "
        first = re.match(r"`?(\w*)", text)[1]
        wrong = first in NO_VERB or THIRD_PERSON.fullmatch(first)
        if wrong and not isinstance(node, ast.ClassDef) and not is_property(node):
            yield f"{where}begins with {first!r}, expected a verb in the imperative"
        found = sections(text)
        defaults = set() if isinstance(node, ast.Module) else with_defaults(node)
        for name, body in entries(found.get("Args", "")):
            if not re.match(r"[A-Z0-9`'\"(]|u?int\d|float\d", body):
                yield f"{where}{name} begins with {body[:20]!r}, expected a capital letter"
            if name in defaults and not re.search(r"\bDefaults to [^.]", body):
                yield f"{where}{name} has a default, expected 'Defaults to ...'"
            if re.search(r"\bDefaults to `", body):
                yield f"{where}{name} has a default in backticks, expected a plain value"
            if not body.endswith("."):
                yield f"{where}{name} ends with {body[-20:]!r}, expected a full stop"
        for name, body in entries(found.get("Raises", "")):
            if not re.match(r"(If|As|Whatever) ", body):
                yield f"{where}{name} begins with {body[:20]!r}, expected 'If'"


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_docstrings_follow_the_style(path):
    assert list(faults(ast.parse(path.read_text("utf-8")))) == []


BAD = '''
def no_verb(): """What it is."""
def third_person(): """Returns it."""
def small(value):
    """Return it.

    Args:
        value: the value.
    """
def without_default(value=1):
    """Return it.

    Args:
        value: The value.
    """
def in_backticks(value=1):
    """Return it.

    Args:
        value: The value. Defaults to `1`.
    """
def without_stop(value):
    """Return it.

    Args:
        value: The value
    """
def raising():
    """Return it.

    Raises:
        TbvizError: the value is wrong.
    """
'''


def test_each_fault_is_found():
    found = [fault.split(": ", 1)[1].split(" ")[-1] for fault in faults(ast.parse(BAD))]
    assert found == ["imperative", "imperative", "letter", "...'", "value", "stop", "'If'"]
