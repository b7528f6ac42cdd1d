"""A store in a directory of this machine."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from tbviz.store.pack import PackScanner
from tbviz.store.schema import FILE_NAME
from tbviz.store.source import Folder, Pack


@dataclass(frozen=True)
class LocalFolder:
    """The store in a directory, `<log_dir>/plugins/tbviz`. It may not exist (yet)."""

    directory: Path

    def packs(self) -> list[Pack]:
        """The packs that hold anything, one a writer, in writer order; none where unreadable."""
        packs: dict[str, Pack] = {}
        try:
            paths = sorted(self.directory.iterdir())
        except OSError:
            return []
        for path in paths:
            match = FILE_NAME.fullmatch(path.name)
            if match is None or match["uid"] in packs:
                continue
            try:
                status = path.stat()
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode) and status.st_size:
                pack = Pack(int(match["seq"]), match["uid"], status.st_size, status.st_mtime_ns)
                packs[pack.uid] = pack
        return list(packs.values())

    def source(self, pack: Pack, patience: float) -> PackScanner:
        """What reads one of them."""
        return PackScanner(self.directory / f"{pack.seq:06d}-{pack.uid}.pack", patience)


def folder_of(store: str | Path | Folder) -> Folder:
    """The folder that a path to a store means."""
    return LocalFolder(Path(store)) if isinstance(store, (str, Path)) else store
