"""No public signature changes unannounced, and each is documented argument by argument."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from public_signatures import methods, parameters, public, text

FILE = Path(__file__).with_name("public_signatures.txt")


def test_no_public_signature_changes_unannounced():
    assert text() == FILE.read_text("utf-8"), (
        "a public signature has changed: write a line about it in CHANGELOG.md, then "
        "python tests/public_signatures.py > tests/public_signatures.txt"
    )


def callables():
    for name, value in public():
        yield pytest.param(value, id=name)


def described(value):
    """Return by argument the text that its docstring has."""
    doc = inspect.cleandoc(value.__doc__)
    section = re.search(r"^Args:\n((?:(?: .*)?\n)*)", doc + "\n", re.MULTILINE)
    entries = re.split(r"^    (\w+): ", section[1] if section else "", flags=re.MULTILINE)[1:]
    return {
        name: " ".join(entry.split())
        for name, entry in zip(entries[::2], entries[1::2], strict=True)
    }


@pytest.mark.parametrize("value", list(callables()))
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
def test_every_docstring_has_an_example(value):
    assert "\nExample:\n" in inspect.cleandoc(value.__doc__)


def test_every_public_method_of_a_class_is_documented():
    for _, value in public():
        for name, method in methods(value):
            assert inspect.getdoc(method), name
