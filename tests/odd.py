"""Create odd entries of directories, and make listings fail."""

from __future__ import annotations

import errno
import os
import shutil
import socket
from pathlib import Path

import pytest
from made_stores import LAYERS, make_run

RUNS = ["a", "deep/m", "z"]


def make_runs(root):
    """Write three runs of four positions at two depths."""
    for name in RUNS:
        make_run(root / name, 4, LAYERS[-1:], images=1)
    return root


def copy_run_a_to_an_odd_name(root):
    """Copy run `a` to a name that is not UTF-8."""
    try:
        shutil.copytree(root / "a", root / os.fsdecode(b"k\xff\xfe"))
    except OSError:
        pytest.skip("this file system takes no such name")


def a_loop(path):
    path.symlink_to(path.name)


def two_that_lead_to_each_other(path):
    other = path.with_name(path.name + "2")
    path.symlink_to(other.name)
    other.symlink_to(path.name)


def a_link_to_its_parent(path):
    path.symlink_to("..")


def a_link_to_nothing(path):
    path.symlink_to("nowhere")


def a_link_below_a_file(path):
    path.with_name("file").touch()
    path.symlink_to("file/inner")


def a_link_with_a_name_too_long(path):
    path.symlink_to("n" * 300)


def a_pipe(path):
    os.mkfifo(path)


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(path.parent)
        try:
            one.bind(path.name)
        finally:
            os.chdir(here)


def a_device(path):
    path.symlink_to("/dev/zero")


def a_file_instead_of_plugins(path):
    path.mkdir()
    (path / "plugins").touch()


def a_file_instead_of_a_store(path):
    (path / "plugins").mkdir(parents=True)
    (path / "plugins" / "tbviz").touch()


def a_loop_instead_of_a_store(path):
    (path / "plugins").mkdir(parents=True)
    (path / "plugins" / "tbviz").symlink_to("tbviz")


def a_loop_instead_of_plugins(path):
    path.mkdir()
    (path / "plugins").symlink_to("plugins")


def a_pipe_instead_of_a_store(path):
    (path / "plugins").mkdir(parents=True)
    os.mkfifo(path / "plugins" / "tbviz")


ODD_ENTRIES = [
    a_loop, two_that_lead_to_each_other, a_link_to_its_parent, a_link_to_nothing,
    a_link_below_a_file, a_link_with_a_name_too_long, a_pipe, a_socket, a_device,
    a_file_instead_of_plugins, a_file_instead_of_a_store, a_loop_instead_of_a_store,
    a_loop_instead_of_plugins, a_pipe_instead_of_a_store,
]  # fmt: skip


class UnreadableEntry:
    """An entry of a listing whose every call fails: root has access to all real entries."""

    def __init__(self, entry, code):
        self._entry, self._code = entry, code
        self.name, self.path = entry.name, entry.path

    def _fail(self, *_, **__):
        raise OSError(self._code, os.strerror(self._code), self.path)

    is_dir = is_file = is_symlink = stat = inode = _fail


class PatchedListing:
    """The result of `os.scandir` with unreadable entries, or broken off after some."""

    def __init__(self, entries, odd, code, max_entries=None):
        self._entries, self._odd, self._code, self._max_entries = entries, odd, code, max_entries

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._entries.close()

    def __iter__(self):
        for number, entry in enumerate(sorted(self._entries, key=lambda entry: entry.name)):
            if number == self._max_entries:
                raise OSError(self._code, os.strerror(self._code))
            yield UnreadableEntry(entry, self._code) if entry.name in self._odd else entry


def patch_scandir(monkeypatch, code, *odd, max_entries=None, only=None):
    """Make the entries with these names unreadable, or break off listings."""
    real = os.scandir

    def scandir(path="."):
        if only is not None and Path(path) != only:
            return real(path)
        return PatchedListing(real(path), odd, code, max_entries)

    monkeypatch.setattr(os, "scandir", scandir)


CODES = [errno.ELOOP, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.ENOTCONN,
         errno.ENAMETOOLONG, errno.ETIMEDOUT]  # fmt: skip
