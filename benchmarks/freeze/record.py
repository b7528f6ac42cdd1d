"""Run the parts of a recording, a few at once, and put together what they found."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.freeze.parts import PARTS, environment

TREE = Path(__file__).resolve().parents[2]


def record(out: Path, wanted: Sequence[str] = tuple(PARTS), jobs: int = 2) -> None:
    """Write a recording of the tree that this file lies in, and the page's pictures beside it.

    Raises:
        SystemExit: A part failed; it says why.
    """
    out = out.resolve()
    pictures = out.with_suffix(".pictures")
    pictures.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(lambda part: _run(part, pictures), wanted))
    recording = {"machine": machine(), "parts": dict(zip(wanted, found, strict=True))}
    out.write_text(json.dumps(recording, indent=0, allow_nan=False))


def machine() -> str:
    """Return what a recording depends on besides the tree: processor, Python and libraries."""
    packages = ("keras", "tensorflow", "torch", "numpy", "pillow", "tensorboard")
    versions = []
    for name in packages:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().split("\n") if cpu.exists() else [platform.processor()]
    cpu_text = sorted({line for line in lines if line.startswith(("model name", "flags"))} or lines)
    hashed = hashlib.sha256("\n".join(cpu_text).encode()).hexdigest()[:12]
    return f"{hashed}, Python {platform.python_version()}, {', '.join(versions)}"


def _run(part: str, pictures: Path) -> Any:
    started = time.monotonic()
    out = pictures / f"{part}.json"
    command = [sys.executable, "-m", "benchmarks.freeze", "part", part, str(out)]
    done = subprocess.run(
        command, cwd=TREE, env=environment(part, TREE), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"part {part} of {TREE} failed:\n{done.stdout}{done.stderr}")
    print(f"   {part}: {time.monotonic() - started:.0f} s", flush=True)
    found = json.loads(out.read_text())
    out.unlink()
    return found
