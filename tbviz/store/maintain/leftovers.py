"""Find and delete what an interrupted repair or prune left in a store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tbviz.store.disk.files import open_file
from tbviz.store.disk.locks import held
from tbviz.store.errors import StoreError
from tbviz.store.format.foreign_format import refusal
from tbviz.store.format.schema import FILE_NAME
from tbviz.store.maintain.exclusive import BusyError, exclusive
from tbviz.store.maintain.rewrite import remove
from tbviz.store.maintain.scan import scan_pack
from tbviz.store.read.records import record_at
from tbviz.store.read.source import ScannedRecord

if TYPE_CHECKING:
    from pathlib import Path

_DRAFT = re.compile(r"\.(?P<name>[0-9]{6}-[0-9a-f]{16})\.(pack|jsonl)")


class Leftover(NamedTuple):
    """Files that no reader needs.

    Args:
        files: The files: one, or a pack and its index.
        size: Their bytes.
        what: `"draft"`: a pack that was never published; `"replaced"`: a pack that was rewritten
            and not deleted.
        owner: The pack whose lock says whether a process is working on them.
        successor: The pack that replaces a replaced one. Defaults to None, for a draft.
    """

    files: tuple[Path, ...]
    size: int
    what: str
    owner: Path
    successor: Path | None = None


def leftovers(store: Path) -> list[Leftover]:
    """List the files of a store that are not needed, even if a process is working on them.

    Raises:
        OSError: If the directory cannot be read.
    """
    paths = {path.name: path for path in sorted(store.iterdir())}
    found = []
    for name in sorted({match["name"] for match in map(_DRAFT.fullmatch, paths) if match}):
        pack = paths.get(f"{name}.pack")
        files = [f".{name}.pack", f".{name}.jsonl", *([] if pack else [f"{name}.jsonl"])]
        # If only the index was rewritten, the pack itself is locked.
        owner = paths.get(f".{name}.pack", pack or store / f".{name}.pack")
        found.append(_leftover(paths, files, "draft", owner))
    packs = {match["uid"]: paths[match[0]] for match in map(FILE_NAME.fullmatch, paths) if match}
    for uid, pack in packs.items():
        for other in _replaced(pack, uid):
            if other in packs and other != uid:
                old = packs[other]
                files = [old.with_suffix(".jsonl").name, old.name]
                found.append(_leftover(paths, files, "replaced", old)._replace(successor=pack))
    return found


def clear(leftover: Leftover, *, force: bool = False) -> bool:
    """Delete a leftover, unless a process is working on it.

    Args:
        leftover: An item of `leftovers`.
        force: Whether to delete a draft if the file system has no locks. Defaults to False.

    Returns:
        Whether it was deleted.

    Raises:
        StoreError: If it cannot be deleted.
    """
    try:
        if leftover.successor is not None:
            found = scan_pack(leftover.successor)
            if not found.whole:
                return False  # the old one may still be needed
            with exclusive(leftover.owner, force=True):
                remove(leftover.owner)
            return True
        if not leftover.owner.exists():
            _delete(leftover.files)
        elif held(leftover.owner) is None and not force:
            return False
        else:
            with exclusive(leftover.owner, force=True):
                _delete(leftover.files)
    except BusyError:
        return False
    except FileNotFoundError:
        return True
    except OSError as error:
        raise StoreError(
            f"could not delete {leftover.files[0]}: {error.strerror or error}; "
            "expected a directory that can be written to"
        ) from error
    return True


def _delete(files: tuple[Path, ...]) -> None:
    for file in files:
        # The pack of a draft's index may have been published since it was listed.
        if file.name.startswith(".") or not file.with_suffix(".pack").exists():
            file.unlink(missing_ok=True)


def _leftover(paths: dict[str, Path], names: list[str], what: str, owner: Path) -> Leftover:
    files = tuple(paths[name] for name in names if name in paths)
    size = 0
    for file in files:
        try:
            size += file.stat().st_size
        except OSError:
            continue  # the process that was working on it has finished
    return Leftover(files, size, what, owner)


def _replaced(pack: Path, uid: str) -> list[str]:
    """Return the writers that a pack replaces, according to its first record."""
    try:
        with open_file(pack) as file:
            first = record_at(file, 0, file.seek(0, 2))
    except OSError:
        return []
    if not isinstance(first, ScannedRecord) or first.meta.get("uid") != uid:
        return []
    if refusal(first.meta):
        return []  # what it says may mean something else
    replaces = first.meta.get("replaces")
    return [str(other) for other in replaces] if isinstance(replaces, list) else []
