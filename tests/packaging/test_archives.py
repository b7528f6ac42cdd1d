"""The wheel and the sdist of a clean copy of the checkout, built as `pip` and `build` do."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from children.starting import run_program

import tbviz

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Names in the sdist, names in the wheel that was made from it, and what was printed."""
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
        in_sdist = {name.removeprefix(prefix) for name in archive.getnames()}
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
    return in_sdist, in_wheel, output


def test_the_wheel_holds_the_page_the_demo_and_the_types(archives):
    _, wheel, _ = archives
    assert {
        "tbviz/py.typed",
        "tbviz/plugin/static/index.js",
        "tbviz/demo/mnist_5k.npz",
        "tbviz/demo/SOURCES.md",
    } <= wheel
    assert len([name for name in wheel if name.startswith("tbviz/demo/photos/")]) == 10


def test_the_wheel_holds_all_our_code_and_nothing_else(archives):
    _, wheel, _ = archives
    code = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tbviz").rglob("*.py")}
    assert {name for name in wheel if name.endswith(".py")} == code
    roots = {name.partition("/")[0] for name in wheel}
    assert roots == {"tbviz", f"tbviz-{tbviz.__version__}.dist-info"}
    assert not any("node_modules" in name or "__pycache__" in name for name in wheel)


def test_the_sdist_holds_the_page_and_its_sources(archives):
    sdist, _, _ = archives
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


def test_the_page_is_built_once_and_not_again_from_the_sdist(archives):
    _, _, output = archives
    assert output.count("tbviz: building the page") == 1
