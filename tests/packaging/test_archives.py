"""The wheel and the sdist of a clean copy of the checkout, built as `pip` and `build` do."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import NamedTuple

import pytest
from children.starting import run_program

import tbviz

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

TABLES = ["tbviz/demo/SOURCES.md", "docs/images/SOURCES.md"]
PERMISSIVE = {
    "Apache-2.0",
    "CC BY 2.0",
    "CC0",
    "no known copyright restrictions",
    "public domain",
}
# Everything else is data, unless it has no ending: Makefile, LICENSE, METADATA ...
CODE = {
    *(".py", ".typed", ".ts", ".tsx", ".js", ".mjs", ".css", ".json", ".jsonc", ".sha256"),
    *(".md", ".toml", ".cfg", ".in", ".txt"),
}


class Archives(NamedTuple):
    """What was built: the names in each archive, the wheel's metadata, and what was printed."""

    sdist: set[str]
    wheel: set[str]
    metadata: str
    output: str


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Build the sdist, and the wheel from it."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing says which files belong to it")
    copy, out = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("dist")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = run_program(command, cwd=ROOT, check=True).stdout.split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    built = run_program(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), "."],
        cwd=copy,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    output = built.stdout + built.stderr
    assert built.returncode == 0, output[-3000:]
    [sdist], [wheel] = out.glob("*.tar.gz"), out.glob("*.whl")
    prefix = f"tbviz-{tbviz.__version__}/"
    with tarfile.open(sdist) as archive:
        in_sdist = {one.name.removeprefix(prefix) for one in archive.getmembers() if one.isfile()}
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
        metadata = archive.read(f"tbviz-{tbviz.__version__}.dist-info/METADATA").decode()
    return Archives(in_sdist, in_wheel, metadata, output)


def data_files(names):
    """Return the names of the files that are neither code nor text."""
    return {
        name for name in names if Path(name).suffix not in CODE and re.search(r"\w\.\w+$", name)
    }


def licenses_of_data():
    """Return the license of each data file, from the tables in the folders."""
    licenses = {}
    for table in TABLES:
        rows = re.findall(
            r"^\| ([\w/.-]+\.\w+) \|.*\| (.+?) \|$", (ROOT / table).read_text(), re.MULTILINE
        )
        licenses |= {f"{Path(table).parent.as_posix()}/{name}": text for name, text in rows}
    return licenses


def test_the_wheel_holds_the_page_the_demo_and_the_types(archives):
    wheel = archives.wheel
    assert {
        "tbviz/py.typed",
        "tbviz/plugin/static/index.js",
        "tbviz/plugin/static/licenses.txt",
        "tbviz/plugin/http_api.md",
        "tbviz/demo/SOURCES.md",
    } <= wheel
    assert len([name for name in wheel if name.startswith("tbviz/demo/photos/")]) == 10


def test_the_wheel_holds_all_our_code_and_nothing_else(archives):
    wheel = archives.wheel
    code = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tbviz").rglob("*.py")}
    assert {name for name in wheel if name.endswith(".py")} == code
    roots = {name.partition("/")[0] for name in wheel}
    assert roots == {"tbviz", f"tbviz-{tbviz.__version__}.dist-info"}
    assert not any("node_modules" in name or "__pycache__" in name for name in wheel)


def test_the_sdist_holds_the_page_and_its_sources(archives):
    sdist = archives.sdist
    assert {
        "setup.py",
        "pyproject.toml",
        "LICENSE",
        "README.md",
        "docs/format.md",
        "plugin_frontend/package.json",
        "plugin_frontend/package-lock.json",
        "plugin_frontend/src/index.ts",
        "plugin_frontend/vite.config.ts",
        "tbviz/plugin/static/index.js",
    } <= sdist
    assert not any("node_modules" in name or "__pycache__" in name for name in sdist)
    assert not any(name.startswith("tests/") for name in sdist)


def test_every_data_file_has_a_license_under_which_anyone_may_pass_it_on(archives):
    licenses = licenses_of_data()
    assert data_files(archives.sdist) == set(licenses)
    assert data_files(archives.wheel) == {one for one in licenses if one.startswith("tbviz/")}
    assert {name: text for name, text in licenses.items() if text not in PERMISSIVE} == {}
    assert set(TABLES) <= archives.sdist


def test_a_file_of_unknown_kind_is_data():
    names = ["a/digits.npz", "a/x.csv", "a/x.bin", "Makefile", "a/code.py", ".npmrc", "a/LICENSE"]
    assert data_files(names) == {"a/digits.npz", "a/x.csv", "a/x.bin"}


def test_the_metadata_states_all_licenses_and_has_no_relative_link(archives):
    metadata = Parser().parsestr(archives.metadata)
    assert metadata["License-Expression"] == "Apache-2.0 AND MIT AND CC-BY-2.0 AND CC0-1.0"
    assert metadata["Description-Content-Type"] == "text/markdown"
    addresses = dict(one.split(", ") for one in metadata.get_all("Project-URL"))
    assert set(addresses) == {"Homepage", "Documentation", "Changelog", "Issues"}
    targets = re.findall(r"\]\(([^)]+)\)", metadata.get_payload())
    at_tag = rf"{addresses['Homepage']}/(blob|raw)/v{re.escape(tbviz.__version__)}/\w"
    assert len(targets) > 10
    assert [one for one in targets if not re.match(f"https://semver|{at_tag}", one)] == []


def test_the_page_is_built_once_and_not_again_from_the_sdist(archives):
    assert archives.output.count("tbviz: building the page") == 1
