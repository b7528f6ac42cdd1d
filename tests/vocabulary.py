"""The retired names: words that the project no longer uses, and what stands in their place.

`docs/architecture.md` has the glossary. A word is looked for where a reader meets it: in the
identifiers of Python and TypeScript, in the names of files, and in prose (docstrings, comments,
strings, documents).
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from children.starting import run_program  # noqa: E402  the path to it has just been set

# The list itself, the map of old to new names, names of third parties, binary files.
_LEFT_ALONE = re.compile(
    r"^(tests/(test_)?vocabulary\.py|benchmarks/freeze/renames\.py|LICENSE"
    r"|tests/golden/(?!.*\.py$)|.*package-lock\.json)"
    r"|\.(png|jpg|gif|svg|npz|pack|jsonl|part|keras)$"
)

IDENTIFIERS = {
    "look": "capture, snapshot (verb: inspect, record)",
    "looks": "snapshots",
    "looked": "captured, inspected",
    "looking": "capturing, inspecting",
    "looker": "inspector",
    "lookers": "inspectors",
    "journal": "run_log",
    "ledger": "training_clock",
    "pace": "scheduler",
    "paced": "scheduled",
    "patience": "timeout",
    "gathering": "probe_batch",
    "subject": "submodel",
    "chief": "primary",
    "kept": "preserved, cached, retained",
    "member": "callback",
    "members": "callbacks",
    "aim": "class_target",
    "aims": "class_targets",
    "survey": "model_outputs",
    "surveys": "model_outputs",
    "likeness": "similarity",
    "alike": "duplicates, similar",
    "dear": "expensive",
    "dearest": "most_expensive",
    "minds": "predictions",
    "soundness": "check",
    "examine": "scan",
    "examination": "scan",
    "inspection": "summary",
    "claim": "exclusive",
    "claimed": "exclusive",
    "claiming": "exclusive",
    "endings": "exit_hooks",
    "wire": "json",
    "told": "json_values, reported",
    "place": "location, index, row, offset, position",
    "places": "locations, indices, rows, offsets, positions",
    "placed": "positioned",
    "unplaced": "unpositioned",
    "climb": "maximize",
    "climbed": "maximized",
    "wish": "request",
    "wishes": "requests",
    "yielding": "low_priority",
    "doomed": "killed",
    "crowd": "parallel_writers",
    "forge": "forged_store",
    "fabricate": "made_stores",
    "fabricated": "made",
    "minded": "predicted",
}
"""Words of an identifier (`last_look`, `lastLook`) to what to write."""

CONSTANTS = {"MOST": "MAX, DEFAULT", "LEAST": "MIN", "LARGEST": "MAX"}
"""First words of constants (`_MOST_TILES`) to what to write."""

WHOLE = {"of": "submodel, picture, kind, owner", "yields": "low_priority"}
"""Whole identifiers."""

_NOUN = (
    r"a|an|the|each|every|first|last|next|one|no|per|this|that|these|those|all|many|between|two|"
    r"few|later|earlier|former|newest|several|its|whole|interrupted|compiled|taken|single"
)
PROSE = {
    rf"\b(?:{_NOUN}) looks?\b(?! (?:at|like|up|into|for|as|alike)\b)": "snapshot",
    r"\blooks (?:less|more|no|every|now|when|took|take|taken|are|have|that|which|of|in|do)\b": (
        "snapshots"
    ),
    r"\blooks? at nothing\b": "is paused",
    r"\blooker\b": "inspector",
    r"\bjournal\b": "run log",
    r"\bledger\b": "training clock",
    r"\bthe chief\b": "the primary process",
    r"\bgathering\b": "probe batch",
    r"\bdear(?:er|est|ly)?\b": "expensive",
    r"\blikeness\b": "similarity",
    r"\bsurvey\b": "model outputs",
    r"\bcolumns of looks\b": "snapshots",
    r"\bexamination\b": "scan",
    r"\bsoundness\b": "check",
    r"\bof=": "submodel=",
}

BRITISH = (
    r"colour|grey|normalis|recognis|centre\b|centred|behaviour|favour|summaris|minimis|maximis|"
    r"optimis(?!t)|randomis|initialis|serialis|visualis|quantis|synchronis|learnt|neighbour|labelled|"
    r"modelled|cancell(?:ed|ing)|localis|analys(?:e|ed|es|ing)\b|licence|generalis|organis|"
    r"regularis|materialis|characteris|specialis|memoris|penalis|standardis|parallelis|vectoris|"
    r"utilis|emphasis(?:e|ed|es|ing)\b|tokenis|binaris|artefact|catalogue|judgement|travell|"
    r"programme\b|whilst|towards\b"
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
    """List the files of the project that people read."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = run_program(command, cwd=ROOT, check=True).stdout.splitlines()
    return [name for name in listed if name and not _LEFT_ALONE.search(name)]


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


def in_python(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield `(line, found, instead)`: identifiers, then strings and comments as prose."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            instead = in_identifier(token.string)
            if instead is not None:
                yield token.start[0], token.string, instead
        elif token.type in {tokenize.STRING, tokenize.COMMENT}:
            for offset, found, instead in in_prose(token.string):
                yield token.start[0] + token.string.count("\n", 0, offset), found, instead


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
            for offset, found, instead in in_prose(match["prose"]):
                yield line + match["prose"].count("\n", 0, offset), found, instead


def hits(paths: list[str] | None = None) -> list[Hit]:
    """Find all retired names, or those of some files."""
    found = []
    for path in files() if paths is None else paths:
        for part in re.split(r"[/.\-]", path):
            instead = in_identifier(part)
            if instead is not None:
                found.append(Hit(path, 0, part, instead))
        try:
            text = (ROOT / path).read_text()
        except (UnicodeDecodeError, OSError):
            continue
        if path.endswith(".py"):
            listed = in_python(text)
        elif path.endswith((".ts", ".tsx")):
            listed = in_script(text)
        else:
            listed = in_document(text)
        found += [Hit(path, *one) for one in listed]
    return found


if __name__ == "__main__":
    chosen = [name for name in files() if name.startswith(tuple(sys.argv[1:]) or "")]
    for hit in hits(chosen):
        print(hit)
