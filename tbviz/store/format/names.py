"""Name the files and objects of a store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tbviz.store.format.schema import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PART_NAME = re.compile(r"(?P<seq>[0-9]{6})-(?P<uid>[0-9a-f]{16})-(?P<start>[0-9a-f]{16})\.part")


class Parts(NamedTuple):
    """The parts of one writer, as a folder lists them.

    Args:
        seq: Its number among the writers.
        uid: The writer.
        sizes: Bytes of each object, by the part's start in the virtual pack.
    """

    seq: int
    uid: str
    sizes: Mapping[int, int]

    def name(self, start: int) -> str:
        """Return the name of the part that begins at this byte of the virtual pack."""
        return part_name(self.seq, self.uid, start)


def pack_name(seq: int, uid: str) -> str:
    """Return the name of a writer's pack."""
    return f"{seq:06d}-{uid}.pack"


def part_name(seq: int, uid: str, start: int) -> str:
    """Return the name of the part that begins at this byte of the virtual pack."""
    return f"{seq:06d}-{uid}-{start:016x}.part"


def group_parts(sizes: Mapping[str, int]) -> dict[str, Parts]:
    """Return the parts among files of these names and sizes, by writer, in writer order."""
    groups: dict[str, tuple[int, dict[int, int]]] = {}
    for name in sorted(sizes):
        match = PART_NAME.fullmatch(name)
        if match is None:
            continue
        seq, found = groups.setdefault(match["uid"], (int(match["seq"]), {}))
        if seq == int(match["seq"]):
            found[int(match["start"], 16)] = sizes[name]
    return {
        uid: Parts(seq, uid, found) for uid, (seq, found) in groups.items() if any(found.values())
    }


def highest_seq(names: Iterable[str]) -> int:
    """Return the highest number of a pack or a part among these names, 0 if there is none."""
    matches = (FILE_NAME.fullmatch(name) or PART_NAME.fullmatch(name) for name in names)
    return max((int(match["seq"]) for match in matches if match), default=0)
