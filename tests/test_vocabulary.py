"""No retired name is left in identifiers, strings, documents and names of files."""

from __future__ import annotations

import io
import tokenize

import pytest
import vocabulary
from vocabulary import (
    EXEMPT,
    files,
    hits,
    in_content,
    in_identifier,
    in_prose,
    in_python,
    in_script,
    in_style,
    in_tokens,
    is_read,
    words_of,
)


def test_no_retired_name_is_left():
    found = hits()
    assert not found, "\n".join(map(str, found))


def test_all_that_people_read_is_searched():
    names = files()
    read = ("README.md", "docs/format.md", "tbviz/plugin/http_api.md",
            "plugin_frontend/src/net/api.ts", "tbviz/callbacks/run/session.py",
            "tests/conftest.py", "benchmarks/store.py", "Makefile")  # fmt: skip
    assert set(read) <= {name for name in names if is_read(name)}


def test_names_of_binary_files_count_and_their_content_does_not(tmp_path, monkeypatch):
    assert "docs/images/gallery/colors.jpg" in files()
    assert "tests/vocabulary.py" in files()
    assert not any(name.startswith("tests/golden/") and name.endswith(".pack") for name in files())
    names = ["colours.jpg", "look.npz", "journal.svg", "gray.png"]
    for name in names:
        (tmp_path / name).write_text("one look\n")
    monkeypatch.setattr(vocabulary, "ROOT", tmp_path)
    assert [(hit.path, hit.line) for hit in hits(names)] == [(name, 0) for name in names[:3]]


def test_what_is_exempt_has_a_reason_and_is_there():
    for (path, found), reason in EXEMPT.items():
        assert reason
        assert found in {text for _, text, _ in in_content(path)}


@pytest.mark.parametrize(
    "name",
    ["look", "last_look", "lastLook", "Looker", "looker_of", "_LOOKS", "place_of", "RemotePlace",
     "journal", "AimOf", "isDear", "MOST_TILES", "_LARGEST", "of", "colours", "NAN_COLOUR",
     "normalise", "test_a_look_is_compiled_once", "FilmWish", "survey", "likeness",
     "update_norm", "settled", "hands_on", "Due", "size_saying", "LONGEST_MS", "_SHORTEST_REST",
     "_FEWEST", "WIDEST", "SMALLEST_WINDOW"],
)  # fmt: skip
def test_retired_identifiers(name):
    assert in_identifier(name)


@pytest.mark.parametrize(
    "name",
    ["outlook", "replace", "offset", "class_names_of", "most_active", "largest", "MAX_POOLING",
     "GlobalAveragePooling2D", "marker", "pacemaker", "remember", "layout_of", "claims_made",
     "aimless", "profile", "mostly", "unsettled", "is_settled", "due", "longest", "smallest_window",
     "heads", "allSettled", "weight_norm", "update"],
)  # fmt: skip
def test_ordinary_identifiers(name):
    assert in_identifier(name) is None


@pytest.mark.parametrize(
    "text",
    ["about 3 kB a look", "the first look decides", "it looks less often", "the journal is closed",
     "dear callbacks wait", "likeness to the input", "pass of='discriminator'", "each colour",
     "the neighbouring layer", "no look was taken", "Looks take 5 % of the time",
     "looks were paced", "the others neither look nor write", "a model that is looked into",
     "what looks into the model"],
)  # fmt: skip
def test_retired_phrases(text):
    assert list(in_prose(text))


@pytest.mark.parametrize(
    "text",
    ["look at the map of a layer", "a map that looks like the input", "most of the channels",
     "pooling layers", "it looks up the name", "where the model looks", "a part of the pack",
     "the color of the neighbor", "max pooling", "a place of its own", "kept for later",
     "look into the folder", "a look up the tree", "looking at the map", "they settled on it",
     "due at the next step", "it looks at each map"],
)  # fmt: skip
def test_ordinary_phrases(text):
    assert list(in_prose(text)) == []


def test_lines_are_counted_in_python():
    text = 'x = 1\n\n"""Doc.\n\nOne look.\n"""\ndef look(): ...\n'
    assert [(line, found) for line, found, _ in in_python(text)] == [(5, "One look"), (7, "look")]


def test_lines_are_counted_in_scripts():
    text = 'const a = 1;\n/* the last\n look */\nlet dear = "a colour";\nfor (const x of y) {}\n'
    assert [(line, found) for line, found, _ in in_script(text)] == [(4, "dear"), (4, "colour")]


@pytest.mark.parametrize(
    ("text", "found"),
    [("meta['update_norm']", ["update_norm"]), ('x = {"likeness": 1}', ["likeness"]),
     ('kind == "cam:last-look"', ["cam:last-look"]), ('r"aim"', ["aim"]), ('"of"', ["of"]),
     ('f"look"', ["look"]), ('f"{run}look_{step}"', ["look_"]), ('b"journal"', ["journal"]),
     ('"""places"""', ["places"]),
     ('"look at it"', []), ('"a of b"', []), ('f"{run} of {all}"', []), ('"most_active"', []),
     ('"replace"', []), ('"offset"', []), ('"pooling"', []), ('"GlobalMaxPooling2D"', []),
     ('"./look/at.png"', []), ('""', [])],
)  # fmt: skip
def test_strings_that_are_names_in_python(text, found):
    assert list(dict.fromkeys(one for _, one, _ in in_python(f"{text}\n"))) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [("f'{look}'", ["look"]), ("f'{self.last_look!r:>{places}} x'", ["last_look", "places"]),
     ("rf'a {aim:.2f}'", ["aim"]), ("f'{meta[\"likeness\"]} x'", ["likeness"]),
     ("f'{{look}} a'", []), ("f'{{{look}}} a'", ["look"]), ("'{look} a'", []),
     ("f'{\", a part of\" * many} x'", []), ("f'{replace(x)} {x.offset} look'", [])],
)  # fmt: skip
def test_identifiers_in_f_strings(text, found):
    assert list(dict.fromkeys(one for _, one, _ in in_python(f"{text}\n"))) == found


def test_lines_are_counted_in_f_strings():
    text = 'x = f"""a\n{y}\n{look} of {\n  aim}\n"""\n'
    assert [(line, found) for line, found, _ in in_python(text)] == [(3, "look"), (4, "aim")]


def test_text_of_f_strings_that_is_a_token_of_its_own(monkeypatch):
    """From Python 3.12 on; a token of that kind stands for it before."""
    middle = getattr(tokenize, "FSTRING_MIDDLE", 1000)
    monkeypatch.setattr(vocabulary, "STRING_PARTS", {*vocabulary.STRING_PARTS, middle})
    made = [
        tokenize.TokenInfo(kind, text, (line, 0), (line, len(text)), text)
        for line, kind, text in [
            (1, middle, "the first look"), (2, middle, "look_"), (3, middle, " of "),
            (4, tokenize.NAME, "aim"), (5, middle, "a\ncolour"), (7, tokenize.OP, "look"),
        ]
    ]  # fmt: skip
    found = [(line, one) for line, one, _ in in_tokens(made)]
    assert found == [(1, "first look"), (2, "look_"), (4, "aim"), (6, "colour")]


def test_the_tokens_of_this_python_are_known():
    text = "f'the first look {aim} x'\n"
    kinds = {token.type for token in tokenize.generate_tokens(io.StringIO(text).readline)}
    assert kinds & {tokenize.STRING, *vocabulary.STRING_PARTS}
    assert sorted(one for _, one, _ in in_python(text)) == ["aim", "first look"]


@pytest.mark.parametrize(
    ("text", "found"),
    [('a["likeness"]', ["likeness"]), ("b('update_norm')", ["update_norm"]),
     ("`${look}`", ["look"]), ("`x ${a.lastLook + 1}px`", ["lastLook"]), ("`${a}-aim`", ["-aim"]),
     ('<p class="look">', ["look"]), ("`${a} of ${b}`", []), ('"look at it"', []),
     ("`{look} a`", []), ('x("replace", "offset", "most_active")', [])],
)  # fmt: skip
def test_strings_that_are_names_in_scripts(text, found):
    assert list(dict.fromkeys(one for _, one, _ in in_script(text))) == found


def test_names_in_style_sheets():
    text = """/* One look
of a colour. */
.look-line:hover > .maps.isDear { color: var(--colour); margin: .5em; }
.replace, .offset, #places { background: #aabbcc; }
"""
    assert sorted((line, found) for line, found, _ in in_style(text)) == [
        (1, "One look"), (2, "colour"), (3, "colour"), (3, "isDear"), (3, "look-line"),
        (4, "places"),
    ]  # fmt: skip


def test_words_of_identifiers():
    assert words_of("_last_lookAtPNG2") == ["last", "look", "At", "PNG", "2"]
