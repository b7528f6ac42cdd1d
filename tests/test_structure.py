"""Each name has one home, and the tree of errors is documented.

`make lint` checks which package may import which: the contracts are in pyproject.toml.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import tbviz.errors

PACKAGE = Path(__file__).parents[1] / "tbviz"


def _name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}


def _imported(tree):
    """Yield (module, name) of all imports from our modules, including late and type-only ones."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (inner, None) if inner in MODULES else (node.module, alias.name)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names if alias.name in MODULES)


def _defined(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _readers():
    """Yield (name, tree) of all files that import ours: our own, tests, benchmarks, scripts."""
    yield from MODULES.items()
    for folder in ("benchmarks", "docs", "examples", "tests"):
        for path in (PACKAGE.parent / folder).rglob("*.py"):
            yield str(path.relative_to(PACKAGE.parent)), ast.parse(path.read_text("utf-8"))


def test_names_are_imported_from_the_file_that_defines_them():
    homes = {name: set(_defined(tree)) for name, tree in MODULES.items()}
    lazy = {name for name, names in homes.items() if "__getattr__" in names}  # public names
    wrong = [
        f"{name} imports {what} from {where}"
        for name, tree in _readers()
        for where, what in _imported(tree)
        if what is not None and what not in homes[where] and where not in lazy
    ]
    assert not wrong


def test_callbacks_do_not_import_each_other():
    """Only `Monitor` knows them; the contracts in pyproject.toml need not list a new one."""
    callbacks = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and {ast.unparse(base) for base in node.bases} & {"Visual", "Maximization"}
    } - {"tbviz.callbacks.maximization", "tbviz.callbacks.monitor"}
    assert {"tbviz.callbacks.kernels", "tbviz.callbacks.class_maximization"} <= callbacks
    arrows = [
        f"{name} -> {where}"
        for name, tree in MODULES.items()
        for where, _ in _imported(tree)
        if where in callbacks and name not in {"tbviz", "tbviz.callbacks.monitor"}
    ]
    assert arrows == []


def test_each_class_has_a_name_of_its_own():
    """A reader who meets `Sheet` or `Position` need not ask which of two is meant."""
    homes: dict[str, list[str]] = {}
    for name, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(name)
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}


def test_names_for_arrays_are_defined_once():
    alias = re.compile(r"^(\w+)(: TypeAlias)? = (npt\.)?NDArray\[", re.MULTILINE)
    found = [
        (_name(path), match[1])
        for path in PACKAGE.rglob("*.py")
        for match in alias.finditer(path.read_text("utf-8"))
    ]
    assert sorted(found) == [
        ("tbviz.arrays.types", name) for name in ("Bools", "Doubles", "Floats", "Integers")
    ]


def test_private_names_of_keras_stand_in_one_file():
    """A callback's or layer's underscore name, read by `getattr` or as an attribute of `model`."""
    wrong = [
        f"{name}: {node.args[1].value}"
        for name, tree in MODULES.items()
        if name.startswith("tbviz.callbacks.")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "getattr"
        and isinstance(node.args[1], ast.Constant)
        and re.match(r"_[^_]", node.args[1].value)
        # A tf.data pipeline, which is not Keras'.
        and name != "tbviz.callbacks.run.probe"
    ]
    assert not wrong


def _documented():
    """Yield (class, base) as the docstring of `tbviz.errors` lists them."""
    above: list[tuple[int, str]] = []
    for line in tbviz.errors.__doc__.splitlines():
        match = re.match(r"( *)([A-Z]\w+Error)\b", line)
        if match is None:
            continue
        depth = len(match[1])
        above = [one for one in above if one[0] < depth]
        yield match[2], above[-1][1] if above else "Exception"
        above.append((depth, match[2]))


def test_the_tree_of_errors_is_complete():
    ours = {}
    for tree in MODULES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                ours[node.name] = node.bases[0].id
    assert dict(_documented()) == ours
