"""The oldest versions that `make test-lowest` installs are those that the metadata allows."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import lowest
import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_each_lower_bound_becomes_a_version(tmp_path, monkeypatch):
    given = tmp_path / "pyproject.toml"
    given.write_text("""
[build-system]
requires = ["setuptools>=77"]
[project]
dependencies = ["orjson>=3.9; platform_python_implementation == 'CPython'", "six"]
[project.optional-dependencies]
more = ["tf-keras >= 2.16.1", "setuptools>=77"]
other = ["torch>=2"]
""")
    monkeypatch.setattr(lowest, "PYPROJECT", given)
    assert lowest.constraints() == ["orjson==3.9", "setuptools==77"]
    assert lowest.constraints("more") == ["orjson==3.9", "setuptools==77", "tf-keras==2.16.1"]


def test_two_bounds_of_a_package_are_an_error():
    with pytest.raises(SystemExit, match=r"received 3\.1 and 3\.10 as the oldest keras"):
        lowest.bounds(["keras>=3.1", "keras>=3.10"])


def test_every_package_that_a_user_installs_has_one_lower_bound():
    optional = SETTINGS["project"]["optional-dependencies"]
    asked = [*SETTINGS["build-system"]["requires"], *SETTINGS["project"]["dependencies"]]
    asked += [one for extra, needs in optional.items() if extra != "test" for one in needs]
    names = {re.match(r"[\w.-]+", one)[0] for one in asked}
    assert set(lowest.bounds([*asked, *optional["test"]])) == names


def test_what_the_makefile_leaves_out_is_there():
    left_out = re.findall(r"--deselect (\S+)::(\w+)", (ROOT / "Makefile").read_text("utf-8"))
    assert len(left_out) == 6
    for file, name in left_out:
        assert f"def {name}(" in (ROOT / file).read_text("utf-8")


def test_the_makefile_installs_the_oldest_python_and_versions():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert (
        f">={makefile.split('LOWEST_PYTHON ?= python')[1][:4]}"
        == (SETTINGS["project"]["requires-python"])
    )
    [extras] = re.findall(r"tests/lowest\.py ([\w ]+) >", makefile)
    assert f"'.[{','.join(extras.split())},test]'" in makefile
