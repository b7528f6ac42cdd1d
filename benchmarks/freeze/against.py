"""Record a commit in its own worktree, and this tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.freeze.record import TREE, machine, record

CACHE = TREE / "build" / "freeze"
_PAGE = "plugin_frontend"
_BUNDLE = Path("tbviz", "plugin", "static", "index.js")


def recordings(base: str, parts: Sequence[str]) -> tuple[Any, Any]:
    """Record a commit, unless that was done on this machine, and this tree as it is.

    Raises:
        SystemExit: There is no such commit, or it cannot record.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    sha = _git("rev-parse", "--verify", f"{base}^{{commit}}")
    cached = CACHE / f"{sha}.json"
    old = _usable(cached, parts)
    if old is None:
        print(f"== recording {base} ({sha[:12]})", flush=True)
        with _worktree(sha) as tree:
            _build_page(tree)
            _record(tree, cached, parts)
        old = json.loads(cached.read_text())
    else:
        print(f"== {base} is recorded in {cached}")
    print("== recording this tree", flush=True)
    _build_page(TREE)
    record(CACHE / "new.json", parts)
    new = json.loads((CACHE / "new.json").read_text())
    selected = {name: old["parts"][name] for name in parts}
    return {**old, "parts": selected}, new


def _usable(cached: Path, parts: Sequence[str]) -> Any:
    """Return a cached recording if it was made on this machine and has these parts."""
    if not cached.exists():
        return None
    old = json.loads(cached.read_text())
    return old if old["machine"] == machine() and set(parts) <= set(old["parts"]) else None


@contextmanager
def _worktree(sha: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tbviz-freeze-") as folder:
        tree = Path(folder) / "tree"
        _git("worktree", "add", "--detach", str(tree), sha)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _record(tree: Path, out: Path, parts: Sequence[str]) -> None:
    if not (tree / "benchmarks" / "freeze" / "__main__.py").is_file():
        raise SystemExit("received a commit without benchmarks/freeze, expected one that has it")
    command = [sys.executable, "-m", "benchmarks.freeze", "record", str(out), "--only", *parts]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run(command, cwd=tree, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"the recorder of {tree} ended with {done.returncode}, expected 0")


def _build_page(tree: Path) -> None:
    """Build the page of a tree with this tree's modules; print why if that is impossible."""
    sources, modules = tree / _PAGE, TREE / _PAGE / "node_modules"
    if (tree / _BUNDLE).is_file() and _is_current(tree):
        return
    if not modules.is_dir():
        (tree / _BUNDLE).unlink(missing_ok=True)  # of other sources
        print(f"the page of {tree} cannot be built: there is no {modules}; type `make test-page`")
        return
    if not (sources / "node_modules").exists():
        (sources / "node_modules").symlink_to(modules.resolve())
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        ["npm", "run", "build"],
        cwd=sources,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        (tree / _BUNDLE).unlink(missing_ok=True)
        print(f"the page of {tree} cannot be built:\n{done.stdout}{done.stderr}")
        return
    code = "import setup; setup.RECORD.write_text(setup.hash_of_sources() + '\\n')"
    subprocess.run([sys.executable, "-c", code], cwd=tree, check=False)


def _is_current(tree: Path) -> bool:
    code = "import setup, sys; sys.exit(not setup.page_is_current())"
    return subprocess.run([sys.executable, "-c", code], cwd=tree, check=False).returncode == 0


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=TREE, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()
