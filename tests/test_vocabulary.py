"""No retired name is left in identifiers, strings, documents and names of files."""

from __future__ import annotations

import pytest
from vocabulary import files, hits, in_identifier, in_prose, in_python, in_script, words_of


def test_no_retired_name_is_left():
    found = hits()
    assert not found, "\n".join(map(str, found))


def test_all_that_people_read_is_searched():
    names = files()
    read = ("README.md", "docs/format.md", "tbviz/plugin/http_api.md", "plugin_frontend/src/api.ts",
            "tbviz/callbacks/session.py", "tests/conftest.py", "benchmarks/store.py",
            "Makefile")  # fmt: skip
    assert set(read) <= set(names)


@pytest.mark.parametrize(
    "name",
    ["look", "last_look", "lastLook", "Looker", "looker_of", "_LOOKS", "place_of", "RemotePlace",
     "journal", "AimOf", "isDear", "MOST_TILES", "_LARGEST", "of", "colours", "NAN_COLOUR",
     "normalise", "test_a_look_is_compiled_once", "FilmWish", "survey"],
)  # fmt: skip
def test_retired_identifiers(name):
    assert in_identifier(name)


@pytest.mark.parametrize(
    "name",
    ["outlook", "replace", "offset", "class_names_of", "most_active", "largest", "MAX_POOLING",
     "GlobalAveragePooling2D", "marker", "pacemaker", "remember", "layout_of", "claims_made",
     "aimless", "profile", "mostly"],
)  # fmt: skip
def test_ordinary_identifiers(name):
    assert in_identifier(name) is None


@pytest.mark.parametrize(
    "text",
    ["about 3 kB a look", "the first look decides", "it looks less often", "the journal is closed",
     "dear callbacks wait", "likeness to the input", "pass of='discriminator'", "each colour",
     "the neighbouring layer", "no look was taken", "Looks take 5 % of the time"],
)  # fmt: skip
def test_retired_phrases(text):
    assert list(in_prose(text))


@pytest.mark.parametrize(
    "text",
    ["look at the map of a layer", "a map that looks like the input", "most of the channels",
     "pooling layers", "it looks up the name", "where the model looks", "a part of the pack",
     "the color of the neighbor", "max pooling", "a place of its own", "kept for later"],
)  # fmt: skip
def test_ordinary_phrases(text):
    assert list(in_prose(text)) == []


def test_lines_are_counted_in_python():
    text = 'x = 1\n\n"""Doc.\n\nOne look.\n"""\ndef look(): ...\n'
    assert [(line, found) for line, found, _ in in_python(text)] == [(5, "One look"), (7, "look")]


def test_lines_are_counted_in_scripts():
    text = 'const a = 1;\n/* the last\n look */\nlet dear = "a colour";\nfor (const x of y) {}\n'
    assert [(line, found) for line, found, _ in in_script(text)] == [(4, "dear"), (4, "colour")]


def test_words_of_identifiers():
    assert words_of("_last_lookAtPNG2") == ["last", "look", "At", "PNG", "2"]
