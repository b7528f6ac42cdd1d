"""Share helpers of the tests of object stores: their content, and puts that fail."""

from __future__ import annotations

import fsspec
from fsspec.implementations.memory import MemoryFileSystem


def objects(uri):
    """Return the objects in the store of a log directory: names and bytes, in order."""
    fs = fsspec.filesystem("memory")
    folder = f"{uri}/plugins/tbviz"
    if not fs.exists(folder):
        return {}
    return {name.rpartition("/")[2]: fs.cat_file(name) for name in sorted(fs.find(folder))}


def put(uri, name, data):
    fsspec.filesystem("memory").pipe_file(f"{uri}/plugins/tbviz/{name}", data)


def delete(uri, name):
    fsspec.filesystem("memory").rm_file(f"{uri}/plugins/tbviz/{name}")


class FailingPuts:
    """Make puts fail, before or after the object is stored."""

    def __init__(self, monkeypatch):
        self.how = None
        original = MemoryFileSystem.pipe_file

        def pipe_file(fs, path, value, **options):
            if self.how == "after":
                original(fs, path, value, **options)
            if self.how is not None:
                raise TimeoutTypeError("no answer")
            original(fs, path, value, **options)

        monkeypatch.setattr(MemoryFileSystem, "pipe_file", pipe_file)


class TimeoutTypeError(Exception):
    """An error that is not an OSError, like those of botocore."""
