"""The calls, signatures and links in the documents match the code and the files."""

from __future__ import annotations

import ast
import inspect
import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from children.starting import run_program

import tbviz
import tbviz.methods

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SIGNATURE = re.compile(r"^\| `([A-Z]\w+)(\(.*?\))` \|", re.MULTILINE)
LINK = re.compile(
    r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)"  # [text](target "title"), ![text](target)
    r"|^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)"  # [name]: target
    r"|<(?:img|a|source)\b[^>]*?\b(?:src|href)=[\"']([^\"']+)",
    re.MULTILINE,
)


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


def targets(text):
    """Return the targets of the links of a document that are files of the project."""
    prose = re.sub(r"^(```|~~~).*?^\1|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)
    found = [next(filter(None, groups)) for groups in LINK.findall(prose)]
    return [unquote(one.split("#")[0]) for one in found if not re.match(r"[a-z]+:|#|//", one)]


def tracked():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing says which files belong to it")
    return set(run_program(["git", "ls-files"], cwd=ROOT, check=True).stdout.splitlines())


def missing(name, text, names):
    """Return the targets that are neither a tracked file nor a folder of one."""
    folders = {parent.as_posix() for one in names for parent in Path(one).parents}
    located = {one: os.path.normpath(Path(name).parent / one) for one in targets(text)}
    return [one for one, path in located.items() if path not in names | folders]


def test_links_of_the_documents_lead_to_tracked_files():
    names = tracked()
    documents = [name for name in sorted(names) if name.endswith(".md")]
    texts = {name: (ROOT / name).read_text("utf-8") for name in documents}
    assert {name: bad for name in documents if (bad := missing(name, texts[name], names))} == {}
    assert {"images/gallery/colors.jpg", "images/gallery.py"} <= set(
        targets(texts["docs/gallery.md"])
    )


def test_links_that_lead_nowhere_are_found():
    text = """[a](one.md#part) ![b](sub/two.jpg "title") [c](<../up.md>) [d](#here) [e](https://x.y/z)
[f]: three%20words.md
<img src="four.png"> `[g](code.md)` [h](sub) [i](mailto:a@b.c)
```
[j](block.md)
```
"""
    names = {"docs/one.md", "docs/sub/other.jpg", "up.md"}
    wrong = ["sub/two.jpg", "three words.md", "four.png"]
    assert missing("docs/index.md", text, names) == wrong
