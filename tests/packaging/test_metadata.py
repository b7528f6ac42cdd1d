from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path

import tbviz

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_version_is_defined_in_one_file():
    assert PROJECT["dynamic"] == ["version"]
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
    shipped = [*(ROOT / "tbviz/demo").rglob("*.jpg"), *(ROOT / "tbviz/demo").rglob("*.npz")]
    assert len(shipped) == 11
    assert [path.name for path in shipped if path.name not in sources] == []
