"""The table of cases: a real fit a row, a cell a method."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

import keras
import pytest
from models.case import METHODS
from models.cases import FAMILIES
from models.print_table import page
from models.running import cells, fit, reasons, shown

BACKEND = keras.backend.backend()
EVERY_ROW = [pytest.mark.every_row, pytest.mark.timeout(1800)]


def rows():
    for case in (case for family in FAMILIES.values() for case in family):
        if BACKEND in case.backends:
            name = "-".join(re.findall(r"\w+", case.name))
            yield pytest.param(case, id=name, marks=() if BACKEND in case.every_day else EVERY_ROW)


@pytest.fixture(autouse=True)
def _as_in_a_new_process(request):
    policy = keras.config.dtype_policy()
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy(policy)
    if request.node.get_closest_marker("every_row"):  # they are many, and some of them large
        keras.utils.clear_session()


@pytest.mark.parametrize("case", list(rows()))
def test_case(case, tmp_path):
    if BACKEND in case.refused:
        with pytest.raises(Exception) as caught:
            fit(case.build(), [])
        assert case.refused[BACKEND] in str(caught.value)
        return
    found = cells(case.build(), tmp_path)
    expected = {method: case.cell(method, BACKEND) for method in METHODS}
    differing = {
        method: (expected[method], found[method])
        for method in METHODS
        if not (found[method] == expected[method] or expected[method] in found[method] != "drawn")
    }
    assert not differing
    drawn = shown(tmp_path)
    assert [wanted for wanted in case.shows if not fnmatch.filter(drawn, wanted)] == []
    said = {path: reason for path, reason in reasons(tmp_path).items() if path in case.reasons}
    assert said.keys() == case.reasons.keys()
    assert {path: case.reasons[path] in (said[path] or "") for path in said} == dict.fromkeys(
        said, True
    )


def test_the_page_is_what_is_tested():
    written = Path(__file__).parents[2] / "docs/models.md"
    assert written.read_text("utf-8") == page(FAMILIES, METHODS)
