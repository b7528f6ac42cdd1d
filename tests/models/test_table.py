"""The table of cases: a real fit a row, a cell a method."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

import keras
import pytest
from models.case import DRAWN, METHODS, OCCASIONAL
from models.cases import FAMILIES
from models.print_table import page
from models.running import cells, fit, reasons, shown

BACKEND = keras.backend.backend()
EVERY_ROW = [pytest.mark.every_row, pytest.mark.timeout(1800)]


def rows():
    """Rows with the columns that are fitted together; what is not for every day is marked."""
    for case in (case for family in FAMILIES.values() for case in family):
        if BACKEND not in case.backends:
            continue
        name = "-".join(re.findall(r"\w+", case.name))
        if BACKEND not in case.every_day:
            yield pytest.param(case, tuple(METHODS), id=name, marks=EVERY_ROW)
        elif case.every_column or BACKEND in case.refused:
            yield pytest.param(case, tuple(METHODS), id=name)
        else:
            usual = tuple(method for method in METHODS if method not in OCCASIONAL)
            yield pytest.param(case, usual, id=name)
            yield pytest.param(
                case, OCCASIONAL, id=f"{name}-{'-'.join(OCCASIONAL)}", marks=EVERY_ROW
            )


@pytest.fixture(autouse=True)
def _as_in_a_new_process(request):
    policy = keras.config.dtype_policy()
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy(policy)
    if request.node.get_closest_marker("every_row"):  # they are many, and some of them large
        keras.utils.clear_session()


def refusal(case) -> str | None:
    """What a `fit` without tbviz says on this machine, `None` where it trains."""
    try:
        fit(case.build(), [])
    except Exception as error:
        return str(error)
    return None


def agree(expected: str, found: str) -> bool:
    """Whether a cell is as expected: drawn, or not drawn for this reason."""
    return found == DRAWN if expected == DRAWN else expected in found


@pytest.mark.parametrize(("case", "methods"), list(rows()))
def test_case(case, methods, tmp_path):
    if BACKEND in case.refused:
        message = refusal(case)
        if message is not None:
            assert case.refused[BACKEND] in message
            return
        assert BACKEND in case.cpu_decides, "a plain fit is not refused"
    found = cells(case.build(), tmp_path, methods)
    expected = {method: case.cell(method, BACKEND) for method in methods}
    assert {m: text for m, text in found.items() if not agree(expected[m], text)} == {}
    if "ActivationGrid" in methods:
        drawn = shown(tmp_path)
        assert [path for path in case.shows if not fnmatch.filter(drawn, path)] == []
    found = reasons(tmp_path)
    assert {
        path: found.get(path)
        for path, reason in case.reasons.items()
        if reason not in str(found.get(path))
    } == {}


def test_the_page_is_what_is_tested():
    written = Path(__file__).parents[2] / "docs/models.md"
    assert written.read_text("utf-8") == page(FAMILIES, METHODS)
