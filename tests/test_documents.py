"""The calls and signatures in the documents match the code."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import tbviz
import tbviz.methods

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SIGNATURE = re.compile(r"^\| `([A-Z]\w+)(\(.*?\))` \|", re.MULTILINE)


def rows():
    return [match.groups() for match in SIGNATURE.finditer(DOCUMENTS[0].read_text("utf-8"))]


def test_every_callback_has_a_row():
    callbacks = {
        name
        for name in tbviz.__all__
        if inspect.isclass(getattr(tbviz, name)) and hasattr(getattr(tbviz, name), "on_epoch_end")
    }
    assert {name for name, _ in rows()} == callbacks


@pytest.mark.parametrize(("name", "parameters"), rows())
def test_the_signatures_of_the_readme_are_those_of_the_callbacks(name, parameters):
    """A printed signature may omit arguments, but the others match."""
    function = ast.parse(f"def {name}{parameters}: ...").body[0].args
    printed = [arg.arg for arg in function.args]
    named = [arg.arg for arg in function.kwonlyargs]
    signature = inspect.signature(getattr(tbviz, name))
    positional = [
        one.name
        for one in signature.parameters.values()
        if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
    assert printed == positional[: len(printed)]
    assert set(named).isdisjoint(positional)
    signature.bind(*printed, **dict.fromkeys(named))
    defaults = dict(zip(reversed(printed), reversed(function.defaults), strict=False))
    defaults |= dict(zip(named, function.kw_defaults, strict=True))
    values = {key: ast.literal_eval(value) for key, value in defaults.items()}
    assert values == {key: signature.parameters[key].default for key in values}
    needed = [key for key in (*printed, *named) if key not in values]
    empty = inspect.Parameter.empty
    assert all(signature.parameters[key].default is empty for key in needed)


def calls():
    """Yield (document, call) of every call of tbviz in the code of a document."""
    for document in DOCUMENTS:
        text = document.read_text("utf-8")
        blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        spans = re.findall(r"`(tbviz\.[^`]+\))`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        for code in (*blocks, *spans):
            for node in ast.walk(ast.parse(code)):
                if isinstance(node, ast.Call) and re.fullmatch(
                    r"tbviz(\.\w+)+", ast.unparse(node.func)
                ):
                    yield pytest.param(node, id=f"{document.name}: {ast.unparse(node.func)}")


@pytest.mark.parametrize("call", list(calls()))
def test_calls_in_the_documents_match_the_signatures(call):
    value = tbviz
    for part in ast.unparse(call.func).split(".")[1:]:
        value = getattr(value, part)
    named = {keyword.arg: None for keyword in call.keywords}
    if any(isinstance(one, ast.Constant) and one.value is ... for one in call.args):
        return
    inspect.signature(value).bind(*call.args, **named)
