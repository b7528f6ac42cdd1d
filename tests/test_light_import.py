"""TensorBoard imports our package when it starts: that must be quick and cannot fail."""

from __future__ import annotations

from pathlib import Path

import pytest

BACKENDS = {"keras", "tensorflow", "jax", "torch"}
PACKAGE = Path(__file__).parents[1] / "tbviz"


@pytest.mark.parametrize(
    ("imported", "unwanted"),
    [
        ("tbviz", BACKENDS | {"numpy", "PIL", "tensorboard"}),
        ("tbviz.cli.main", BACKENDS | {"numpy", "PIL", "tensorboard"}),
        ("tbviz.plugin", BACKENDS | {"numpy", "PIL"}),
        ("tbviz.plugin.loader", BACKENDS | {"PIL"}),
        ("tbviz.store.read.reader", BACKENDS),
        ("tbviz.store.write.background", BACKENDS),
        ("tbviz.results.runs_under", BACKENDS | {"numpy", "PIL", "tensorboard"}),
        ("tbviz.results.open_run", BACKENDS | {"tensorboard"}),
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
