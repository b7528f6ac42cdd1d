"""Provide a store that tests damage, truncate and let grow."""

from __future__ import annotations

import stores

from tbviz.store.read.reader import open_reader


class DamagedStore:
    """A store whose files a test overwrites."""

    def __init__(self, log_dir, positions=4):
        self.log_dir = log_dir
        writer = stores.write(log_dir, positions)
        self.pack_path = writer.path
        self.index_path = writer.path.with_suffix(".jsonl")
        self.pack = self.pack_path.read_bytes()
        self.index = self.index_path.read_bytes()
        # Records: writer, layout, then one per position.
        self.records = stores.parse(self.pack)
        self.begins = [begin for begin, _, _ in self.records] + [len(self.pack)]

    def put(self, pack=None, index=None):
        self.pack_path.write_bytes(self.pack if pack is None else pack)
        if index is False:
            self.index_path.unlink(missing_ok=True)
        else:
            self.index_path.write_bytes(self.index if index is None else index)

    def open(self):
        return open_reader(self.log_dir)

    def whole(self, size):
        """Return the epochs of the positions that are complete in this many bytes of the pack."""
        return [k for k in range(len(self.begins) - 3) if self.begins[k + 3] <= size]


def epochs(run):
    return [position.epoch for _, position in run.positions]
