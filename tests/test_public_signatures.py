"""No public signature changes unannounced, and each is documented argument by argument."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from public_signatures import fields, methods, parameters, properties, public, returned, text

import tbviz
from tbviz.callbacks.options import ORDER
from tbviz.methods.maximization.transforms import Transforms

FILE = Path(__file__).with_name("public_signatures.txt")


def test_no_public_signature_changes_unannounced():
    assert text() == FILE.read_text("utf-8"), (
        "a public signature has changed: write a line about it in CHANGELOG.md, then "
        "python tests/public_signatures.py > tests/public_signatures.txt"
    )


# What an argument without a name may be: a directory, a model, arrays, the one value of a helper.
POSITIONS = {
    *("log_dir", "model", "images", "labels", "maps", "values", "pixels", "score", "factor"),
}


def callables():
    for name, value in public():
        yield pytest.param(value, id=name)


def described(value):
    """Return by argument the text that its docstring has."""
    doc = inspect.cleandoc(value.__doc__)
    section = re.search(r"^(?:Args|Attributes):\n((?:(?: .*)?\n)*)", doc + "\n", re.MULTILINE)
    entries = re.split(r"^    (\w+): ", section[1] if section else "", flags=re.MULTILINE)[1:]
    return {
        name: " ".join(entry.split())
        for name, entry in zip(entries[::2], entries[1::2], strict=True)
    }


def called():
    """Yield what users call: functions, classes, and methods of what they get."""
    yield from callables()
    for owner in returned():
        for name, method in methods(owner):
            if not name.startswith("__"):
                yield pytest.param(method, id=f"{owner.__name__}.{name}")


@pytest.mark.parametrize("value", list(called()))
def test_every_argument_is_documented_with_its_default(value):
    found = described(value)
    given = parameters(value)
    assert list(found) == [one.name for one in given]
    for one in given:
        entry = found[one.name]
        assert re.match(r"[A-Z`\d\"]", entry), entry
        assert entry.endswith("."), entry
        assert ("Defaults to" in entry) is (one.default is not inspect.Parameter.empty), entry


@pytest.mark.parametrize("value", list(callables()))
def test_only_the_directory_the_model_and_the_arrays_need_no_name(value):
    given = parameters(value)
    free = [one.name for one in given if one.kind is not inspect.Parameter.KEYWORD_ONLY]
    assert set(free) <= POSITIONS
    named = [one.name for one in given if one.name in ORDER and one.name not in free]
    assert named == [name for name in ORDER if name in named]


@pytest.mark.parametrize("value", list(callables()))
def test_every_default_can_be_typed(value):
    for one in parameters(value):
        if one.default is not one.empty:
            assert (
                eval(repr(one.default), {"tbviz": tbviz, "Transforms": Transforms}) == one.default
            )


@pytest.mark.parametrize("value", list(callables()))
def test_every_docstring_has_an_example(value):
    assert "\nExample:\n" in inspect.cleandoc(value.__doc__)


def test_what_functions_return_is_found():
    names = {value.__name__ for value in returned()}
    assert {"Run", "Position", "Segment", "Sheet", "ProbeImages", "Health", "Predictions"} <= names
    assert {"ClassMap", "SaliencyMap", "MaximizedClasses", "Axes", "Schedule"} <= names


@pytest.mark.parametrize("value", returned())
def test_every_field_of_what_functions_return_is_documented(value):
    documented = {name for one in value.__mro__ if one.__doc__ for name in described(one)}
    assert {name for name, _ in fields(value)} <= documented


def test_every_public_method_and_property_of_a_class_is_documented():
    classes = [value for _, value in public() if inspect.isclass(value)]
    for value in [*classes, *returned()]:
        for name in [name for name, _ in [*methods(value), *properties(value)]]:
            assert name.startswith("__") or inspect.getdoc(getattr(value, name)), name
