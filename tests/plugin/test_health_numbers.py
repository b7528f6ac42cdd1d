"""Health numbers: what is computed has words on the page and in the documents."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tbviz.methods.layer_health.numbers import CHANNEL_COLUMNS, layer_numbers
from tbviz.store.format.schema import HEALTH_NUMBERS, MAX_HEALTH_NUMBERS
from tbviz.store.write.writer import Writer

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "plugin_frontend" / "src"
# These the callback adds: they belong to weights.
OF_WEIGHTS = {"weight_norm", "weight_update", "weight_fault"}


def read(*parts):
    return ROOT.joinpath(*parts).read_text("utf-8")


COMPUTED = OF_WEIGHTS | layer_numbers(np.zeros((2, 3, 3, 4), np.float32)).numbers.keys()


def test_what_is_served_first_is_computed():
    assert set(HEALTH_NUMBERS) <= COMPUTED - {"channels"}


def test_the_page_has_words_for_what_is_computed():
    text = (PAGE / "model" / "statistics.ts").read_text("utf-8")
    table = text[text.index("export const STATISTICS") : text.index("\n};\n")]
    assert set(re.findall(r"^  (\w+): \{", table, re.MULTILINE)) == COMPUTED - {"channels"}


def test_the_page_has_words_for_the_numbers_of_a_channel():
    text = (PAGE / "model" / "statistics.ts").read_text("utf-8")
    table = text[text.index("export const CHANNEL_STATISTICS") :]
    table = table[: table.index("\n};\n")]
    assert tuple(re.findall(r"^  (\w+): \{", table, re.MULTILINE)) == CHANNEL_COLUMNS


# How each file of the page names health numbers, and how often it does.
NAMED = {
    "ui/HealthView.tsx": (r"statistics: \[(\".*?)\]", 4),
    "state/nonFinite.ts": (r"MEANINGLESS: ReadonlySet<string> = new Set\(\[(.*?)\]\)", 4),
    "ui/Tree.tsx": (r"healthAt\(\w+, (\"\w+\")", 1),
    "state/health.ts": (r"_QUERY: HealthQuery = \{ names: (\"[\w,]+\")", 2),
    "state/colorScale.ts": (r"\bstatistic = signal\((.*?)\)|\bstatistic\.value = (\".*?\")", 2),
    "state/address.ts": (r"\"statistic\",\s*\(text\) => .*?,\s*(\"\w+\")", 1),
    "state/view.ts": (r"statistic\.value === (\"\w+\")", 1),
}
# A name where the page asks for a number by its name, in any file.
ASKED = re.compile(
    r"(?:\bhealthAt\(\w+, |\bnumbers\.get\(|\bstatisticOf\(|\bstatistic\.value ===? |"
    r"\bstatistic = signal\(|\bMEANINGLESS\.has\(|\bstatistics: \[|\bnames: )\"",
)


def named_numbers(file, text):
    """Return the health numbers that a file of the page names."""
    found = re.finditer(NAMED[file][0], text, re.DOTALL)
    return [
        name
        for match in found
        for group in match.groups(default="")
        for name in re.findall(r"\w+", group)
    ]


@pytest.mark.parametrize("file", NAMED)
def test_the_page_asks_for_nothing_else(file):
    names = named_numbers(file, (PAGE / file).read_text("utf-8"))
    assert len(names) == NAMED[file][1]
    assert set(names) <= COMPUTED


@pytest.mark.parametrize("file", NAMED)
def test_a_misspelled_number_of_the_page_is_found(file):
    text = (PAGE / file).read_text("utf-8")
    for name in set(named_numbers(file, text)):
        wrong = re.sub(rf"\b{name}\b", f"{name}x", text)
        assert f"{name}x" in named_numbers(file, wrong)


def test_no_other_file_of_the_page_asks_for_a_number_by_name():
    files = [path for path in PAGE.rglob("*.ts*") if ASKED.search(path.read_text("utf-8"))]
    assert {path.relative_to(PAGE).as_posix() for path in files} <= NAMED.keys()


def test_the_documents_list_them():
    text = read("tbviz", "plugin", "http_api.md")
    section = text[text.index("## `./health") : text.index("## `./channels")]
    answer = section[section.index('"numbers": {') : section.index('"advice": [')]
    assert re.findall(r'"(\w+)": (?:\[|…)', answer.removeprefix('"numbers": {')) == list(
        HEALTH_NUMBERS
    )
    text = read("docs", "format.md")
    section = text[text.index("### Health numbers") : text.index("## Media")]
    numbers, columns = section.split("Columns of the table")
    assert set(re.findall(r"`([a-z_]+)`", numbers)) == COMPUTED
    assert re.findall(r"`([a-z_]+)`", columns) == list(CHANNEL_COLUMNS)


def write(log_dir, *records):
    writer = Writer(log_dir)
    for epoch, layers in enumerate(records):
        writer.append({"kind": "health", "epoch": epoch, "layers": layers})
    writer.close()


def test_a_number_that_nobody_knows_is_served(board, tmp_path):
    write(
        tmp_path / "run",
        {"conv": {"channels": 4, "mean": 1.5}, "relu": {"channels": 4}},
        {
            "conv": {"channels": 4, "mean": 2.5, "spin": 0.125, "charm": "NaN"},
            "relu": {"channels": 4, "spin": 1e39},
        },
    )
    one = board(tmp_path)
    whole = one.ask("health", run="run")
    assert whole["names"] == ["mean", "charm", "spin"]
    assert whole["numbers"] == {
        "mean": [[1.5, 2.5], [None, None]],
        "charm": [[None, "NaN"], [None, None]],
        "spin": [[None, 0.125], [None, "Infinity"]],
    }
    some = one.ask("health", run="run", names="spin,mean", layer="conv", since=1)
    assert some["numbers"] == {"mean": [[2.5]], "spin": [[0.125]]}
    # Another fit that does not have it, and one that has another.
    write(tmp_path / "run", {"conv": {"mean": 3.5}})
    write(tmp_path / "run", {"conv": {"beauty": 4.5}})
    later = board(tmp_path).ask("health", run="run", layer="conv")
    assert later["numbers"]["spin"] == [[None, 0.125, None, None]]
    assert later["numbers"]["beauty"] == [[None, None, None, 4.5]]


def test_a_run_has_no_more_names_than_one_of_its_segments_may_have(board, tmp_path):
    for segment in range(3):
        numbers = {f"n{segment}_{index:02}": 1.0 for index in range(40)}
        write(tmp_path / "run", {"conv": {"channels": 1, "mean": 1.0, **numbers}})
    write(tmp_path / "run", {"conv": {f"n{index}": 1.0 for index in range(5000)}})
    one = board(tmp_path)
    answer = one.ask("health", run="run")
    assert len(answer["names"]) == len(answer["numbers"]) == MAX_HEALTH_NUMBERS
    assert answer["names"][:2] == ["mean", "n0_00"]
    segments = one.ask("index", run="run")["segments"]
    assert [segment["damaged"] for segment in segments] == [0, 0, 0, 1]
