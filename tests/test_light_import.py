"""TensorBoard imports our package when it starts: that must be quick and cannot fail."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

BACKENDS = {"keras", "tensorflow", "jax", "torch"}
PACKAGE = Path(__file__).parents[1] / "tbviz"

# Data flows one way: each package may import itself and these, and nothing else of ours.
ALLOWED = {
    "arrays": set(),
    "taps": {"errors", "arrays"},
    "scores": {"errors", "arrays", "taps"},
    "methods": {"errors", "arrays", "taps", "scores"},
    "images": {"errors", "arrays"},
    "store": {"errors", "version", "amounts", "images"},
    "plugin": {"errors", "version", "images", "store"},
    "callbacks": {
        "errors",
        "version",
        "amounts",
        "arrays",
        "taps",
        "scores",
        "methods",
        "images",
        "store",
    },
    "demo": {"errors"},
}


@pytest.mark.parametrize(
    ("imported", "unwanted"),
    [
        ("tbviz", BACKENDS | {"numpy", "PIL", "tensorboard"}),
        ("tbviz.cli.main", BACKENDS | {"numpy", "PIL", "tensorboard"}),
        ("tbviz.plugin", BACKENDS | {"numpy", "PIL"}),
        ("tbviz.plugin.loader", BACKENDS | {"PIL"}),
        ("tbviz.store", BACKENDS),
        ("tbviz.images", BACKENDS | {"tensorboard"}),
    ],
)
def test_importing_loads_nothing_heavy(fresh_python, imported, unwanted):
    loaded = fresh_python(f"import sys, {imported}; print(*sys.modules)").split()
    assert imported in loaded
    assert unwanted.intersection(loaded) == set()


def test_the_whole_plugin_works_without_keras(fresh_python):
    everything = [path.stem for path in (PACKAGE / "plugin").glob("*.py") if path.stem[0] != "_"]
    modules = ", ".join(f"tbviz.plugin.{name}" for name in everything)
    # TensorBoard's own copy of bleach warns when it is imported, which is not ours to mend.
    code = f"import sys, warnings; warnings.simplefilter('ignore'); import {modules}"
    loaded = fresh_python(f"{code}; print(*sys.modules)").split()
    assert "tbviz.plugin.plugin" in loaded
    assert BACKENDS.intersection(loaded) == set()


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_no_package_imports_what_comes_after_it(room):
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files, f"tbviz/{room} is gone: take it out of ALLOWED"
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line} imports tbviz.{name}"
        for path in files
        for name, line in _own_imports(path)
        if name != room and name not in ALLOWED[room]
    ]
    assert wrong == []


def test_every_package_with_code_has_an_entry_in_the_allowed_imports():
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == {*ALLOWED, "cli"}


def _own_imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "tbviz":
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tbviz."):
            yield node.module.split(".")[1], node.lineno
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("tbviz."):
                    yield alias.name.split(".")[1], node.lineno
