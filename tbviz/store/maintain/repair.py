"""Repair torn or damaged packs, and preserve every record that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tbviz.store.maintain.exclusive import BusyError, exclusive
from tbviz.store.maintain.extents import ExtentSource, segment_of
from tbviz.store.maintain.packs import IN_PARTS, in_parts, packs, unreadable
from tbviz.store.maintain.rewrite import Rewritten, rebuild_index, rewrite
from tbviz.store.maintain.scan import complaints, scan_pack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Treated(NamedTuple):
    """The result of repairing one pack.

    Args:
        pack: The name that it had.
        action: `"none"`: it is intact; `"rewrite"`; `"index"`: only its index was rewritten;
            `"left"`: nothing could be done, for the reason in `why`.
        why: What is wrong with it, one text each.
        rewritten: The new pack. Defaults to None, in a dry run or if the pack is not rewritten.
    """

    pack: str
    action: str
    why: tuple[str, ...]
    rewritten: Rewritten | None = None


def repair(store: Path, *, dry_run: bool = False, force: bool = False) -> Iterator[Treated]:
    """Repair every pack of a store, one after the other.

    Args:
        store: `<log_dir>/plugins/tbviz`.
        dry_run: Whether to report only what would be done. Defaults to False.
        force: Whether to continue if the file system has no locks and the run looks alive. Defaults
            to False.

    Yields:
        One result per pack.

    Raises:
        StoreError: If a pack could not be rewritten; it and the packs after it are unchanged.
    """
    for pack in packs(store):
        try:
            with exclusive(pack, force=force):
                yield _repair_pack(pack, dry_run=dry_run)
        except BusyError as error:
            yield Treated(pack.name, "left", (str(error),))
        except FileNotFoundError:
            continue  # rewritten by another process in the meantime
        except OSError as error:
            yield Treated(pack.name, "left", (unreadable(error),))
    for name in in_parts(store):
        yield Treated(name, "left", (IN_PARTS,))


def _repair_pack(pack: Path, *, dry_run: bool) -> Treated:
    found = scan_pack(pack)
    if refused := segment_of(pack, ExtentSource(pack, found.records)).refused:
        return Treated(pack.name, "left", (refused,))
    why = tuple(complaint.text for complaint in complaints(found))
    if not why:
        return Treated(pack.name, "none", ())
    if not found.records:
        return Treated(
            pack.name, "left", ("skipped, because no record in it can be read; it may be deleted",)
        )
    if found.whole:
        if not dry_run:
            rebuild_index(pack, found)
        return Treated(pack.name, "index", why)
    done = None if dry_run else rewrite(pack, found, "repair", lambda _: True)
    return Treated(pack.name, "rewrite", why, done)
