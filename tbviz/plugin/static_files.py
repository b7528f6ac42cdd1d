"""Serve the files of the page: only those that are listed, so no name leads out of the folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tbviz.plugin.responses import IMMUTABLE, NO_CACHE

if TYPE_CHECKING:
    from pathlib import Path

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".map": "application/json; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
_MODULE = "index.js"
# The hash that the bundler puts before the ending, as in `index-B3k9x_Qa.css`. Real words have
# neither digits nor capitals.
_HASHED = re.compile(r"[-.](?=[0-9A-Za-z_-]*[0-9A-Z])[0-9A-Za-z_-]{8,}(\.[a-z0-9]+)+")

_NOT_BUILT = b"""\
// Stands in for the page where it was not built.
export function render() {
  document.body.style.font = "16px sans-serif";
  document.body.style.margin = "32px";
  document.body.textContent =
    "tbviz is installed without its page. In a checkout, `pip install .` builds it; " +
    "an installation from a wheel has it: `pip install --force-reinstall tbviz`.";
}
"""


class StaticFile(NamedTuple):
    """A file as it is sent."""

    content: bytes
    type: str
    cache: str


def static_file(folder: Path, name: str) -> StaticFile | None:
    """Return a file of the page.

    Args:
        folder: The folder of the built page; it may be missing.
        name: The path below it, with slashes.

    Returns:
        The file, None if there is none. There always is a module: if the page was not built, it
        shows how to build it.
    """
    listed = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }
    path = listed.get(name)
    if path is None:
        return StaticFile(_NOT_BUILT, _TYPES[".js"], NO_CACHE) if name == _MODULE else None
    cache = IMMUTABLE if _HASHED.search(path.name) else NO_CACHE
    kind = _TYPES.get(path.suffix, "application/octet-stream")
    return StaticFile(path.read_bytes(), kind, cache)
