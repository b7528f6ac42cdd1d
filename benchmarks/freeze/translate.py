"""(a recording, renames) => (the recording in the new names). Numbers and hashes stay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from benchmarks.freeze.canonical import HASH

SENTENCE: Final = "sentence"
# Names of these sorts are keys only; those of the others are keys and whole strings.
KEYS: Final = frozenset({"field", "layout field"})
SORTS: Final = KEYS | {
    *(SENTENCE, "argument", "callback", "function", "health number", "kind", "metric", "method"),
    *("role", "route", "rule", "value"),
}
_HOLE: Final = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True)
class Rename:
    """One intended change.

    Args:
        sort: One of `SORTS`.
        old: The name at the reference commit; of a sentence, a template.
        new: The name now.
        reason: Why.
        where: A pattern of paths in the old recording, ending with the key that is renamed or that
            holds the string. Everywhere by default.
        digits: Why the digits in a name may change, such as a version. Those of a sentence may not.
    """

    sort: str
    old: str
    new: str
    reason: str
    where: str = "*"
    digits: str = ""

    def covers(self, path: str) -> bool:
        """Return whether it applies to this path."""
        return fnmatchcase(path, self.where)


def faults(renames: Sequence[Rename]) -> list[str]:
    """Say what is wrong with renames: nothing that could hide a changed number is taken."""
    return [
        f"the rename of {one.old!r} to {one.new!r}: {fault}"
        for number, one in enumerate(renames)
        for fault in _faults(one, renames[:number])
    ]


def _faults(one: Rename, before: Sequence[Rename]) -> Iterator[str]:
    if one.sort not in SORTS:
        yield f"received the sort {one.sort!r}, expected one of {', '.join(sorted(SORTS))}"
    if not one.reason.strip():
        yield "received no reason, expected one"
    if one.old == one.new:
        yield "both are the same, expected a change"
    if any(_is_number(name) for name in (one.old, one.new)):
        yield "received a number or a hash, expected a name: numbers may not change"
    if _digits(one.old) != _digits(one.new) and (one.sort == SENTENCE or not one.digits):
        yield "the digits differ, expected the same ones; a name may say why in `digits`"
    if one.sort == SENTENCE:
        old, new = _HOLE.findall(one.old), _HOLE.findall(one.new)
        if sorted(old) != sorted(new) or len(set(filter(None, old))) != len([*filter(None, old)]):
            yield "the places {} differ, expected each once on both sides"
        if old and not re.search(r"[^\W\d_]", _HOLE.sub("", one.old)):
            yield "received places without words, expected words"
    for other in before:
        if (other.sort, other.old, other.where) == (one.sort, one.old, one.where):
            yield "is there twice, expected it once"
        names = SENTENCE not in {one.sort, other.sort} and one.old != other.old
        if names and (other.new, other.where) == (one.new, one.where):
            yield f"{other.old!r} gets the same name, expected names that stay apart"


def _digits(text: str) -> list[str]:
    return re.findall(r"\d+", _HOLE.sub("", text))


def _is_number(text: str) -> bool:
    if text.startswith(HASH) or not re.search(r"[^\W\d_]|^\{", text):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


@dataclass
class Translation:
    """Translates recordings and remembers which renames applied.

    Args:
        renames: Without faults.
    """

    renames: Sequence[Rename]
    used: set[Rename] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._names: dict[str, list[Rename]] = {}
        self._news: dict[str, list[Rename]] = {}
        self._sentences = []
        for one in self.renames:
            if one.sort == SENTENCE:
                self._sentences.append((one, _pattern(one.old)))
                continue
            self._names.setdefault(one.old, []).append(one)
            if one.sort not in KEYS:
                self._news.setdefault(one.new, []).append(one)
        self._sentences.sort(key=lambda pair: -len(_HOLE.sub("", pair[0].old)))

    def translate(self, value: Any, path: str = "") -> Any:
        """Return the value with the new names."""
        if isinstance(value, dict):
            return self._dict(value, path)
        if isinstance(value, list):
            return [self.translate(one, f"{path}/{number}") for number, one in enumerate(value)]
        return self._string(value, path) if isinstance(value, str) else value

    def _dict(self, value: dict[str, Any], path: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, one in value.items():
            inner = f"{path}/{key}"
            name = self._name(key, inner, keys=True) or key
            if name in found or (name != key and name in value and not self._leaves(name, path)):
                self.problems.append(f"{inner}: {name!r} is there already; two names became one")
            found[name] = self.translate(one, inner)
        return found

    def _leaves(self, key: str, path: str) -> bool:
        """Return whether a key is renamed itself, so that its name becomes free."""
        return any(one.covers(f"{path}/{key}") for one in self._names.get(key, ()))

    def _name(self, text: str, path: str, *, keys: bool) -> str | None:
        for one in self._names.get(text, ()):
            if (keys or one.sort not in KEYS) and one.covers(path):
                self.used.add(one)
                return one.new
        return None

    def _string(self, text: str, path: str) -> str:
        if _is_number(text):
            return text
        name = self._name(text, path, keys=False)
        if name is not None:
            return name
        for other in self._news.get(text, ()):
            if other.covers(path):
                self.problems.append(
                    f"{path}: {text!r} was there before {other.old!r} got this name; two names "
                    "would become one. Narrow `where`"
                )
        for one, pattern in self._sentences:
            match = pattern.fullmatch(text)
            if match is not None and one.covers(path):
                self.used.add(one)
                return self._filled(one, match, path)
        return text

    def _filled(self, one: Rename, match: re.Match[str], path: str) -> str:
        """Return the new sentence with the values of the old one; names in it are translated."""
        captured = iter(match.groups())
        parts: dict[str, list[str]] = {}
        for name in _HOLE.findall(one.old):
            text = next(captured)
            parts.setdefault(name, []).append(self._name(text, path, keys=False) or text)
        return _HOLE.sub(lambda hole: parts[hole[1]].pop(0), one.new)


def _pattern(template: str) -> re.Pattern[str]:
    pieces = _HOLE.split(template)[::2]
    return re.compile("(.*?)".join(map(re.escape, pieces)), re.DOTALL)
