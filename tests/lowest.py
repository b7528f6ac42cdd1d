"""Prints the oldest versions that `pyproject.toml` allows, as constraints for pip.

python tests/lowest.py [EXTRA ...]
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def constraints(*extras: str) -> list[str]:
    """Return `name==version` for each lower bound of tbviz, of these extras, and of the build.

    Raises:
        SystemExit: If two of them have different bounds for a package.
    """
    settings = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))
    project = settings["project"]
    asked = [*settings["build-system"]["requires"], *project["dependencies"]]
    for extra in extras:
        asked += project["optional-dependencies"][extra]
    return [f"{name}=={version}" for name, version in sorted(bounds(asked).items())]


def bounds(requirements: Iterable[str]) -> dict[str, str]:
    """Return the lower bound of each requirement that has one."""
    found: dict[str, str] = {}
    for requirement in requirements:
        match = re.match(r"([\w.-]+)\s*>=\s*([\w.]+)", requirement)
        if match and found.setdefault(match[1], match[2]) != match[2]:
            raise SystemExit(
                f"received {found[match[1]]} and {match[2]} as the oldest {match[1]}, expected one"
            )
    return found


if __name__ == "__main__":
    print("\n".join(constraints(*sys.argv[1:])))
