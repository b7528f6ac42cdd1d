"""Odd entries in a store, or in its location: none of them stops or blocks a reader."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
from pathlib import Path

import pytest
import stores

from tbviz.store.control import FILE, Orders, read_orders
from tbviz.store.disk.locations import store_directory
from tbviz.store.errors import StoreError
from tbviz.store.format.schema import FORMAT
from tbviz.store.read.reader import Reader, open_reader
from tbviz.store.write.writer import Writer

FOREIGN = "000009-00000000000000aa"


def a_pipe(path):
    os.mkfifo(path)


def a_directory(path):
    (path / "inner").mkdir(parents=True)


def a_loop(path):
    path.symlink_to(path.name)


def a_link_to_nothing(path):
    path.symlink_to("nowhere")


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(path.parent)  # its name may have 107 bytes
        try:
            one.bind(path.name)
        finally:
            os.chdir(here)


def endless_zeros(path):
    path.symlink_to("/dev/zero")


def a_terminal(path):
    path.symlink_to("/dev/tty")


def a_file_without_permissions(path):
    path.write_bytes(stores.record(b'{"kind":"x"}'))
    path.chmod(0)


def a_link_to_its_parent(path):
    path.symlink_to(path.parent)


ENTRIES = [
    a_pipe, a_directory, a_loop, a_link_to_nothing, a_socket, endless_zeros, a_terminal,
    a_file_without_permissions, a_link_to_its_parent,
]  # fmt: skip


@pytest.fixture(params=ENTRIES, ids=lambda make_entry: make_entry.__name__)
def make_entry(request):
    return request.param


def check_complete(run, positions=4):
    assert len(run) == positions
    for position in range(positions):
        assert run.picture("activations", "conv", position, 1) == stores.sheets(position)[1]


def test_it_is_called_a_pack(tmp_path, make_entry, faults):
    stores.write(tmp_path)
    with faults.trying():
        make_entry(store_directory(tmp_path) / f"{FOREIGN}.pack")
        make_entry(store_directory(tmp_path) / f"{FOREIGN}.jsonl")
        run = open_reader(tmp_path)
        check_complete(run)
        assert not run.refresh()


def test_it_is_called_an_index(tmp_path, make_entry, faults):
    path = stores.write(tmp_path).path.with_suffix(".jsonl")
    path.unlink()
    with faults.trying():
        make_entry(path)
        run = open_reader(tmp_path)
        check_complete(run)
        assert run.segments[0].damaged == 0


def test_it_replaces_a_known_pack(tmp_path, make_entry, faults):
    stores.write(tmp_path)
    path = stores.write(tmp_path).path
    run = open_reader(tmp_path)
    assert len(run) == 8
    sheet = run.find("activations", "conv", 6)
    path.unlink()
    with faults.trying():
        make_entry(path)
        with pytest.raises(StoreError):
            run.read(sheet)
        run.refresh()
        check_complete(run)


def test_it_is_called_orders(tmp_path, make_entry, faults):
    stores.write(tmp_path)
    with faults.trying():
        make_entry(store_directory(tmp_path) / FILE)
        with contextlib.suppress(StoreError):
            assert read_orders(store_directory(tmp_path)) == Orders()


def test_a_writer_beside_it(tmp_path, make_entry, faults):
    with faults.trying():
        store_directory(tmp_path).mkdir(parents=True)
        make_entry(store_directory(tmp_path) / f"{FOREIGN}.pack")
        assert stores.write(tmp_path).path.name[:6] == "000010"
        check_complete(open_reader(tmp_path))


def unreadable(monkeypatch, code):
    def fails(*_, **__):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", fails)
    monkeypatch.setattr(os, "listdir", fails)
    monkeypatch.setattr(os, "scandir", fails)


@pytest.mark.parametrize("code", [errno.EMFILE, errno.EIO, errno.ESTALE, errno.EACCES])
def test_a_store_that_is_unreadable_for_a_moment_is_not_forgotten(
    tmp_path, monkeypatch, code, faults
):
    stores.write(tmp_path)
    reader = Reader(store_directory(tmp_path))
    reader.refresh()
    with faults.trying():
        with monkeypatch.context() as patched:
            unreadable(patched, code)
            assert not reader.refresh()
            assert len(reader) == 4
        assert not reader.refresh()
        check_complete(reader)


def test_a_removed_directory_is_forgotten(tmp_path, faults):
    stores.write(tmp_path)
    run = open_reader(tmp_path)
    with faults.trying():
        shutil.rmtree(tmp_path / "plugins")
        (tmp_path / "plugins").write_text("a file in the place of a directory")
        assert run.refresh()
        assert run.segments == []


def test_a_pack_and_the_one_that_replaces_it_exist_side_by_side(tmp_path, faults):
    old = stores.write(tmp_path)
    with faults.trying():
        new = Writer(tmp_path)
        new.append({"kind": "writer", "format": FORMAT, "replaces": [old.uid]})
        for epoch in (0, 3):
            stores.append(new, epoch)
        new.close()
        run = open_reader(tmp_path)
        assert [position.epoch for _, position in run.positions] == [0, 3]
        assert not run.refresh()  # the old one is not read again and again
        sheet = run.find("activations", "conv", 1)
        old.path.unlink()
        assert run.refresh()
        assert run.read(sheet) == stores.sheets(3)[0]
        assert not run.refresh()
