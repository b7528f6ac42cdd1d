"""Compare two recordings through the renames and print what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

from benchmarks.freeze.compare import differences
from benchmarks.freeze.renames import CHANGES, RENAMES
from benchmarks.freeze.translate import Rename, Translation, faults

_SKIPPED = "skipped"
Recording = Mapping[str, Any]


def report(
    old: Recording,
    new: Recording,
    show: int,
    renames: Sequence[Rename] = RENAMES,
    changes: Iterable[str] = tuple(CHANGES),
) -> int:
    """Print the comparison.

    Args:
        old: A recording of the reference.
        new: A recording of this tree.
        show: How many differences are printed.
        renames: Names that differ.
        changes: Patterns of the paths at which anything may differ.

    Returns:
        0 where the old recording, translated, is the new one, else 1.
    """
    wrong = faults(renames)
    if wrong:
        print("\n".join(wrong))
        return 1
    if old["machine"] != new["machine"]:
        print(f"other machines: {old['machine']}\n            and {new['machine']}")
    translation = Translation(renames)
    translated = translation.translate(old["parts"])
    skipped = {
        part
        for parts in (old["parts"], new["parts"])
        for part, found in parts.items()
        if isinstance(found, dict) and _SKIPPED in found
    }
    sides = [
        {name: part for name, part in side.items() if name not in skipped}
        for side in (translated, new["parts"])
    ]
    found = [
        one
        for one in differences(*sides)
        if not any(fnmatch(one.path, pattern) for pattern in changes)
    ]
    for one in found[:show]:
        print(one)
    if len(found) > show:
        print(f"... and {len(found) - show} more, by part:")
        print(f"    {dict(Counter(one.path.split('/')[1] for one in found))}")
    for problem in translation.problems[:show]:
        print(problem)
    for one in renames:
        if one not in translation.used:
            print(f"unused: {one.sort} {one.old!r} to {one.new!r}")
    for part in sorted(skipped):
        print(f"NOT COMPARED: {part}, which one of the trees could not record")
    print(
        f"{len(found)} differences, {len(translation.problems)} problems, "
        f"{len(translation.used)} of {len(renames)} renames used"
    )
    return 1 if found or translation.problems else 0
