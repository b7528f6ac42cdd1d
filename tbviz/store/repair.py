"""Packs that were torn or damaged become whole again; what can be read is never given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tbviz.store.exclusive import BusyError, exclusive
from tbviz.store.extents import ExtentSource, segment_of
from tbviz.store.folder import LocalFolder
from tbviz.store.names import pack_name
from tbviz.store.rewrite import Rewritten, rebuild_index, rewrite
from tbviz.store.scan import complaints, scan_pack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Treated(NamedTuple):
    """What was done about one pack, or would be.

    Args:
        pack: The name that it had.
        action: `"none"`: it is whole; `"rewrite"`; `"index"`: its index alone was written anew;
            `"left"`: nothing could be done, `why` says the reason.
        why: What is wrong with it, one text each.
        rewritten: What became of it, None in a dry run and where the pack stayed.
    """

    pack: str
    action: str
    why: tuple[str, ...]
    rewritten: Rewritten | None = None


IN_PARTS = (
    "it lies in parts, as object stores have them, and those are read-only to repair and prune; "
    "it is left alone"
)


def packs(store: Path) -> list[Path]:
    """The packs of a store of this machine, in writer order."""
    return _sorted(store)[0]


def in_parts(store: Path) -> list[str]:
    """What the writers are called whose parts were copied here from an object store."""
    return [path.stem for path in _sorted(store)[1]]


def _sorted(store: Path) -> tuple[list[Path], list[Path]]:
    packs, parts = [], []
    for pack in LocalFolder(store).packs():
        path = store / pack_name(pack.seq, pack.uid)
        if path.exists():
            packs.append(path)
        elif not pack.changed:  # no pack that was rewritten this moment
            parts.append(path)
    return packs, parts


def repair(store: Path, *, dry_run: bool = False, force: bool = False) -> Iterator[Treated]:
    """Make every pack of a store whole, one after the other.

    Args:
        store: `<log_dir>/plugins/tbviz`.
        dry_run: Only say what would be done.
        force: Whether to go on where the file system cannot say that nobody writes a pack, and
            the run looks alive.

    Yields:
        One a pack.

    Raises:
        StoreError: If a pack could not be rewritten; it is as it was, and so are those after it.
    """
    for pack in packs(store):
        try:
            with exclusive(pack, force=force):
                yield _treat(pack, dry_run=dry_run)
        except BusyError as error:
            yield Treated(pack.name, "left", (str(error),))
        except FileNotFoundError:
            continue  # rewritten by somebody else meanwhile
        except OSError as error:
            yield Treated(pack.name, "left", (unreadable(error),))
    for name in in_parts(store):
        yield Treated(name, "left", (IN_PARTS,))


def unreadable(error: OSError) -> str:
    """Say why a pack is left alone of which something cannot be read; the others are treated."""
    return f"it cannot be read ({error.strerror or error}); it is left alone"


def _treat(pack: Path, *, dry_run: bool) -> Treated:
    found = scan_pack(pack)
    if refused := segment_of(pack, ExtentSource(pack, found.records)).refused:
        return Treated(pack.name, "left", (refused,))
    why = tuple(complaint.text for complaint in complaints(found))
    if not why:
        return Treated(pack.name, "none", ())
    if not found.records:
        return Treated(pack.name, "left", ("no record in it can be read; delete it if you like",))
    if found.whole:
        if not dry_run:
            rebuild_index(pack, found)
        return Treated(pack.name, "index", why)
    done = None if dry_run else rewrite(pack, found, "repair", lambda _: True)
    return Treated(pack.name, "rewrite", why, done)
