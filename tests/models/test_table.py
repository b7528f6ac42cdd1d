"""The table of cases: a real fit a row, a cell a method."""

from __future__ import annotations

import keras
import pytest
from models.case import METHODS
from models.cases import FAMILIES
from models.running import cells, fit, shown

BACKEND = keras.backend.backend()
EVERY_ROW = [pytest.mark.every_row, pytest.mark.timeout(1800)]


def rows():
    for case in (case for family in FAMILIES.values() for case in family):
        marks = () if BACKEND in case.every_day else EVERY_ROW
        yield pytest.param(case, id=case.name.replace(" ", "-"), marks=marks)


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
    work = case.build()
    if BACKEND in case.refused:
        with pytest.raises(Exception) as caught:
            fit(work, [])
        assert case.refused[BACKEND] in str(caught.value)
        return
    found = cells(work, tmp_path)
    expected = {method: case.cell(method, BACKEND) for method in METHODS}
    differing = {
        method: (expected[method], found[method])
        for method in METHODS
        if not (found[method] == expected[method] or expected[method] in found[method] != "drawn")
    }
    assert not differing
    missing = set(case.shows) - set(shown(tmp_path))
    assert not missing
