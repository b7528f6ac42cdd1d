"""List the packs of a local store that can be rewritten, and those that cannot."""

from __future__ import annotations

from pathlib import Path

from tbviz.store.format.names import pack_name
from tbviz.store.read.folder import LocalFolder

IN_PARTS = (
    "skipped, because it consists of parts, as in object stores, which repair and prune do not "
    "rewrite"
)


def packs(store: Path) -> list[Path]:
    """Return the packs of a local store, in writer order."""
    return _sorted(store)[0]


def in_parts(store: Path) -> list[str]:
    """Return the names of the writers whose parts were copied here from an object store."""
    return [path.stem for path in _sorted(store)[1]]


def _sorted(store: Path) -> tuple[list[Path], list[Path]]:
    packs, parts = [], []
    for pack in LocalFolder(store).packs():
        path = store / pack_name(pack.seq, pack.uid)
        if path.exists():
            packs.append(path)
        elif not pack.changed:  # not a pack that was rewritten at this moment
            parts.append(path)
    return packs, parts


def unreadable(error: OSError) -> str:
    """Return why a pack that cannot be read is skipped."""
    return f"skipped, because it cannot be read ({error.strerror or error})"
