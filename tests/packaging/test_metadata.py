from __future__ import annotations

import importlib.metadata
import os
import re
import sys
import tomllib
from pathlib import Path

import tbviz

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_version_is_defined_in_one_file():
    assert PROJECT["dynamic"] == ["version", "readme"]
    holders = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tbviz").rglob("*.py")
        if f'"{tbviz.__version__}"' in path.read_text(encoding="utf-8")
    ]
    assert holders == ["tbviz/version.py"]
    assert importlib.metadata.version("tbviz") == tbviz.__version__


def test_tensorboard_finds_the_plugin_and_the_shell_finds_the_command():
    found = importlib.metadata.distribution("tbviz").entry_points
    plugin = found.select(group="tensorboard_plugins")["tbviz"].load()
    assert plugin.__module__.startswith("tbviz.plugin")
    command = found.select(group="console_scripts")["tbviz"].load()
    assert command.__module__ == "tbviz.cli.main"


def test_viewing_needs_four_packages_and_nothing_is_pinned_from_above():
    assert [name.partition(">")[0] for name in PROJECT["dependencies"]] == [
        "tensorboard",
        "numpy",
        "Pillow",
        "orjson",
    ]
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    needs = [need.partition(";")[0] for needs in lists for need in needs]
    assert [need for need in needs if "<" in need or "==" in need] == []


def test_every_shipped_photograph_has_its_license_written_down():
    sources = (ROOT / "tbviz/demo/SOURCES.md").read_text(encoding="utf-8")
    shipped = list((ROOT / "tbviz/demo").rglob("*.jpg"))
    assert len(shipped) == 10
    assert [path.name for path in shipped if path.name not in sources] == []


def test_photographs_under_cc_by_are_credited_with_author_page_and_license():
    table, credit = (ROOT / "tbviz/demo/SOURCES.md").read_text(encoding="utf-8").split("## Credits")
    needing = re.findall(r"^\| (\S+) .*, flickr\) \| CC BY 2.0 \|$", table, re.MULTILINE)
    assert needing == ["photos/temple.jpg", "photos/flower.jpg"]
    assert "https://creativecommons.org/licenses/by/2.0/" in credit
    credited = r"- `(\S+)`: \[photograph\]\(https\S+\) by\s+\[\w+\]\(https\S+\)\."
    assert re.findall(credited, credit) == needing


def test_the_classifiers_name_what_continuous_integration_runs_on():
    classifiers = PROJECT["classifiers"]
    systems = [one for one in classifiers if one.startswith("Operating System")]
    assert systems == ["Operating System :: POSIX :: Linux"]
    versions = [one[-4:] for one in classifiers if re.search(r"Python :: 3\.\d+$", one)]
    assert f">={versions[0]}" == PROJECT["requires-python"]
    if os.environ.get("CI"):
        assert versions == ["{}.{}".format(*sys.version_info)]


def test_the_addresses_lead_into_one_repository():
    addresses = PROJECT["urls"]
    assert all(one.startswith(addresses["Homepage"]) for one in addresses.values())
