"""Delete pictures of a run that grew too large, and preserve all of its numbers."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from tbviz.store.disk.files import open_file
from tbviz.store.format.schema import FitPosition, decode_meta
from tbviz.store.maintain.exclusive import BusyError, exclusive
from tbviz.store.maintain.extents import ExtentSource, meta_of, segment_of, uid_of
from tbviz.store.maintain.packs import IN_PARTS, in_parts, packs, unreadable
from tbviz.store.maintain.rewrite import Rewritten, pair_size, rewrite, rewritten_size
from tbviz.store.maintain.scan import PackScan, scan_pack
from tbviz.store.read.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tbviz.store.read.segment import SegmentReader


class KeepRule(NamedTuple):
    """A rule for the pictures that are preserved.

    Args:
        every: The first picture of each series per this many epochs is preserved: for 10, that of
            epochs 0 to 9, of 10 to 19, and so on. Pictures within an epoch do not count. None
            preserves none.
        last: The pictures at this many last positions of the run are preserved.
        kinds: Patterns like those of file names. Only kinds that match one lose pictures. Defaults
            to ("*",).
    """

    every: int | None
    last: int
    kinds: tuple[str, ...] = ("*",)


class Pruned(NamedTuple):
    """The result of pruning one pack.

    Args:
        pack: The name that it had.
        pictures: How many picture records it had.
        dropped: How many of them are deleted.
        freed: Bytes that this frees.
        left: Why it was skipped. Defaults to "": it was not.
        rewritten: The new pack. Defaults to None, in a dry run or if nothing is deleted.
    """

    pack: str
    pictures: int
    dropped: int
    freed: int
    left: str = ""
    rewritten: Rewritten | None = None


def prune(
    store: Path, rule: KeepRule, *, dry_run: bool = False, force: bool = False
) -> Iterator[Pruned]:
    """Delete the pictures that a rule does not preserve, one pack after the other.

    The first and the last picture of each series of a segment are preserved, and those of the
    final state of a `fit`. All other records are preserved.

    Args:
        store: `<log_dir>/plugins/tbviz`.
        rule: Which pictures are preserved.
        dry_run: Whether to report only what would be done. Defaults to False.
        force: As for `repair`. Defaults to False.

    Yields:
        One result per pack.

    Raises:
        StoreError: If a pack could not be rewritten; it and the packs after it are unchanged.
    """
    reader = Reader(store)
    reader.refresh()
    behind = {
        segment.uid: len(reader) - base - len(segment) for base, segment in reader.based()
    }  # positions of the run after those of each segment
    for pack in packs(store):
        uid = uid_of(pack)
        if uid not in behind:
            continue  # rewritten, and not deleted yet
        try:
            with exclusive(pack, force=force):
                yield _prune(pack, rule, max(0, rule.last - behind[uid]), dry_run=dry_run)
        except BusyError as error:
            yield Pruned(pack.name, 0, 0, 0, str(error))
        except FileNotFoundError:
            continue  # rewritten by another process in the meantime
        except OSError as error:
            yield Pruned(pack.name, 0, 0, 0, unreadable(error))
    for name in in_parts(store):
        yield Pruned(name, 0, 0, 0, IN_PARTS)


def prunable_kinds(store: Path) -> tuple[set[str], list[str]]:
    """Return the kinds of pictures that a rule may drop, and why segments are not read.

    The latter are sentences, those of `Reader.refused`.
    """
    reader = Reader(store)
    reader.refresh()
    return {kind for kind, _ in reader.series()} - {"health"}, reader.refused


def _prune(pack: Path, rule: KeepRule, last: int, *, dry_run: bool) -> Pruned:
    found = scan_pack(pack)
    if not found.records:
        return Pruned(pack.name, 0, 0, 0, "skipped, because no record in it can be read")
    segment = segment_of(pack, ExtentSource(pack, found.records))
    if segment.refused:
        return Pruned(pack.name, 0, 0, 0, segment.refused)
    keep = keep_function(segment, rule, last)
    pictures, dropped = _count(pack, found, segment, keep)
    if not dropped:
        return Pruned(pack.name, pictures, 0, 0)
    if dry_run:
        freed = pair_size(pack) - rewritten_size(pack, found, "prune", keep)
        return Pruned(pack.name, pictures, dropped, freed)
    done = rewrite(pack, found, "prune", keep)
    freed = done.before - done.after
    return Pruned(pack.name, pictures, dropped, freed, rewritten=done)


def keep_function(
    segment: SegmentReader, rule: KeepRule, last: int
) -> Callable[[dict[str, Any]], bool]:
    """Return the function that decides from a record's meta whether the record is preserved.

    Args:
        segment: The segment.
        rule: The rule.
        last: How many of the segment's last positions are among the last ones of the run.
    """
    retained = {
        (kind, layer): _retained_ordinals(segment, list(columns.positions.values()), rule, last)
        for (kind, layer), columns in segment.series.items()
        if kind != "health" and any(fnmatchcase(kind, pattern) for pattern in rule.kinds)
    }

    def keep(meta: dict[str, Any]) -> bool:
        ordinals = retained.get(_series(meta)) if _is_picture(meta) else None
        ordinal = None if ordinals is None else segment.ordinal(_position(meta))
        return ordinals is None or ordinal is None or ordinal in ordinals

    return keep


def _retained_ordinals(
    segment: SegmentReader, ordinals: list[int], rule: KeepRule, last: int
) -> set[int]:
    """Return the positions at which a series retains its picture."""
    retained = {ordinals[0], ordinals[-1]}
    window = None
    for ordinal in ordinals:
        epoch, batch, final = segment.position(ordinal)
        if final or ordinal >= len(segment) - last:
            retained.add(ordinal)
        if rule.every is not None and batch is None and epoch // rule.every != window:
            window = epoch // rule.every
            retained.add(ordinal)
    return retained


def _count(
    pack: Path, found: PackScan, segment: SegmentReader, keep: Callable[[dict[str, Any]], bool]
) -> tuple[int, int]:
    """Count the pictures, and those that are dropped."""
    pictures = dropped = 0
    with open_file(pack) as file:
        for extent in found.records:
            fields = decode_meta(meta_of(file, extent))
            if not _is_picture(fields) or _series(fields) not in segment.series:
                continue
            pictures += 1
            dropped += not keep(fields)
    return pictures, dropped


def _is_picture(meta: dict[str, Any]) -> bool:
    positioned = type(meta.get("epoch")) is int and type(meta.get("batch", 0)) is int
    return positioned and "layout" in meta and "sheets" in meta and meta["kind"] != "health"


def _series(meta: dict[str, Any]) -> tuple[str, str]:
    return str(meta["kind"]), str(meta.get("layer"))


def _position(meta: dict[str, Any]) -> FitPosition:
    return FitPosition(meta["epoch"], meta.get("batch"), meta.get("final") is True)
