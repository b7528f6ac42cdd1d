"""Finds retired names: words of `retired_names.py` that the project no longer uses.

`docs/architecture.md` has the glossary. A word is searched where a reader meets it: in the
identifiers of Python and TypeScript, in strings that are names (keys of fields), in the classes of
style sheets, in the names of files, and in prose (docstrings, comments, strings, documents).
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from children.starting import run_program  # noqa: E402  the path to it has just been set
from retired_names import (  # noqa: E402  the same
    BRITISH,
    CONSTANTS,
    EXEMPT,
    IDENTIFIERS,
    PROSE,
    WHOLE,
)

# Stored data of older formats, whose names were fixed when they were written.
_OLD_NAMES = re.compile(r"^tests/golden/(?!.*\.py$)")
# The list itself, the map of old to new names, names of third parties, binary files.
_UNREAD = re.compile(
    r"^(tests/((test_)?vocabulary|retired_names)\.py|benchmarks/freeze/renames\.py|LICENSE|.*package-lock\.json)"
    r"|\.(png|jpg|gif|svg|npz|pack|jsonl|part|keras)$"
)


class Hit(NamedTuple):
    """A retired name where it stands.

    Args:
        path: the file, from the top of the project.
        line: counted from 1; 0 for the file's own name.
        found: the text.
        instead: what to write.
    """

    path: str
    line: int
    found: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.found!r}: write {self.instead}"


def files() -> list[str]:
    """List the files of the project whose names count."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = run_program(command, cwd=ROOT, check=True).stdout.splitlines()
    return [name for name in listed if name and not _OLD_NAMES.search(name)]


def is_read(path: str) -> bool:
    """Return whether the content of a file counts too."""
    return not _UNREAD.search(path)


def words_of(identifier: str) -> list[str]:
    """Split `last_look`, `lastLook` and `MOST_LOOKS` into their words."""
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", identifier)


def in_identifier(name: str) -> str | None:
    """Return what to write instead of an identifier, `None` if it is fine."""
    if name in WHOLE:
        return WHOLE[name]
    words = words_of(name)
    if name.isupper() and words and words[0] in CONSTANTS:
        return CONSTANTS[words[0]]
    for word in words:
        if word.lower() in IDENTIFIERS:
            return IDENTIFIERS[word.lower()]
        if re.match(BRITISH, word, re.IGNORECASE):
            return "the American spelling"
    return None


def in_prose(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield `(offset, found, instead)` for each retired phrase or British spelling."""
    for pattern, instead in PROSE.items():
        for match in re.finditer(pattern, text, re.IGNORECASE):
            yield match.start(), match.group(), instead
    for match in re.finditer(rf"\b\w*?(?:{BRITISH})\w*", text, re.IGNORECASE):
        yield match.start(), match.group(), "the American spelling"


_KEY = re.compile(r"[\w:-]+")
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_PYTHON_STRING = re.compile(
    r"(?P<prefix>[A-Za-z]*)(?P<quote>\"{3}|'{3}|\"|')(?P<content>.*)(?P=quote)", re.DOTALL
)
# From Python 3.12 on, the text between the braces of an f-string is a token of its own.
STRING_PARTS = {
    getattr(tokenize, name) if hasattr(tokenize, name) else -1
    for name in ("FSTRING_MIDDLE", "TSTRING_MIDDLE")
}


def in_names(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield `(offset, found, instead)` for each identifier of an expression."""
    code = _QUOTED.sub(
        lambda quoted: (
            quoted.group() if _KEY.fullmatch(quoted.group()[1:-1]) else " " * len(quoted.group())
        ),
        text,
    )
    for match in _NAME.finditer(code):
        instead = in_identifier(match.group())
        if instead is not None:
            yield match.start(), match.group(), instead


def in_key(content: str) -> Iterator[tuple[int, str, str]]:
    """Yield the same of the content of a string if it is a name, such as the key of a field."""
    instead = in_identifier(content) if _KEY.fullmatch(content) else None
    if instead is not None:
        yield 0, content, instead


def in_template(content: str, opening: str) -> Iterator[tuple[int, str, str]]:
    """Yield the same of a string with expressions in braces, and of the text between them."""
    # Doubled braces are text; the length stays, since offsets count.
    plain = content if opening == "${" else content.replace("{{", "  ")
    end = 0
    for match in re.finditer(re.escape(opening) + r"(?P<code>[^{}]+)\}*", plain):
        for offset, found, instead in in_names(match["code"]):
            yield match.start("code") + offset, found, instead
        for _, found, instead in in_key(plain[end : match.start()]):
            yield end, found, instead
        end = match.end()
    for _, found, instead in in_key(plain[end:]):
        yield end, found, instead


def in_string(literal: str) -> Iterator[tuple[int, str, str]]:
    """Yield the same of a string of Python, with its prefix and quotes."""
    parts = _PYTHON_STRING.fullmatch(literal)
    if parts is None:
        return
    if "f" in parts["prefix"].lower():
        found = in_template(parts["content"], "{")
    else:
        found = in_key(parts["content"])
    for offset, text, instead in found:
        yield parts.start("content") + offset, text, instead


def in_tokens(tokens: Iterable[tokenize.TokenInfo]) -> Iterator[tuple[int, str, str]]:
    """Yield `(line, found, instead)`: identifiers, then strings and comments as prose."""
    for token in tokens:
        listed: list[tuple[int, str, str]] = []
        if token.type == tokenize.NAME:
            listed += in_names(token.string)
        elif token.type == tokenize.STRING:
            listed += [*in_string(token.string), *in_prose(token.string)]
        elif token.type in STRING_PARTS:
            listed += [*in_key(token.string), *in_prose(token.string)]
        elif token.type == tokenize.COMMENT:
            listed += in_prose(token.string)
        for offset, found, instead in listed:
            yield token.start[0] + token.string.count("\n", 0, offset), found, instead


def in_python(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the same of a module."""
    return in_tokens(tokenize.generate_tokens(io.StringIO(text).readline))


# What names were called in an older format is told in a table of its own.
_HISTORY = re.compile(r"^\| in format \d+ \|.*(\n\|.*)*", re.MULTILINE)


def in_document(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the same of a document, all of which is prose."""
    present = _HISTORY.sub(lambda table: "\n" * table.group().count("\n"), text)
    for offset, found, instead in in_prose(present):
        yield present.count("\n", 0, offset) + 1, found, instead


_SCRIPT = re.compile(
    r"(?P<prose>/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)"
    r"|(?P<name>[A-Za-z_$][\w$]*)",
    re.DOTALL,
)


def in_script(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the same of TypeScript; text between tags counts as identifiers do."""
    for match in _SCRIPT.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match["name"]:
            # `of` is a word of the language: `for (const x of y)`, and of text between tags.
            before = text[max(0, match.start() - 1) : match.start()]
            ordinary = match["name"] == "of" and before == " "
            instead = None if ordinary else in_identifier(match["name"])
            if instead is not None:
                yield line, match["name"], instead
        else:
            prose = match["prose"]
            listed = list(in_prose(prose))
            if prose[0] == "`":
                listed += in_template(prose[1:-1], "${")
            elif prose[0] in "\"'":
                listed += in_key(prose[1:-1])
            for offset, found, instead in listed:
                yield line + prose.count("\n", 0, offset), found, instead


def in_style(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the same of a style sheet: its classes and properties, and its comments."""
    for match in re.finditer(r"/\*.*?\*/|(?:\.|--|#)[A-Za-z_][\w-]*", text, re.DOTALL):
        if match.group().startswith("/*"):
            listed = list(in_prose(match.group()))
        else:
            listed = list(in_key(match.group().lstrip(".#-")))
        for offset, found, instead in listed:
            yield text.count("\n", 0, match.start() + offset) + 1, found, instead


def hits(paths: list[str] | None = None) -> list[Hit]:
    """Find all retired names, or those of some files."""
    found = []
    for path in files() if paths is None else paths:
        for part in re.split(r"[/.\-]", path):
            instead = in_identifier(part)
            if instead is not None:
                found.append(Hit(path, 0, part, instead))
        if is_read(path):
            listed = in_content(path)
            found += [Hit(path, *one) for one in listed if (path, one[1]) not in EXEMPT]
    return found


def in_content(path: str) -> Iterator[tuple[int, str, str]]:
    """Yield the same of a file, which is read as its suffix tells."""
    try:
        text = (ROOT / path).read_text("utf-8")
    except (UnicodeDecodeError, OSError):
        return iter(())
    if path.endswith(".py"):
        return in_python(text)
    if path.endswith((".ts", ".tsx")):
        return in_script(text)
    return in_style(text) if path.endswith(".css") else in_document(text)


if __name__ == "__main__":
    chosen = [name for name in files() if name.startswith(tuple(sys.argv[1:]) or "")]
    for hit in hits(chosen):
        print(hit)
