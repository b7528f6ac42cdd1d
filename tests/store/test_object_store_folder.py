"""Listing object stores, orders in them, and locations, with fsspec's memory file system."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest
import stores
from buckets import TimeoutTypeError, put
from fsspec.implementations.memory import MemoryFileSystem

from tbviz.store.control import Orders, read_orders, write_orders
from tbviz.store.disk.locations import RemoteLocation, location_of, store_directory, usable_location
from tbviz.store.errors import DamagedError, StoreError
from tbviz.store.read.object_store_folder import ObjectStoreFolder
from tbviz.store.read.reader import Reader, open_reader
from tbviz.store.write.writer import Writer


def test_an_unreachable_store_retains_what_is_known(bucket, monkeypatch):
    stores.write(bucket, 3)
    reader = open_reader(bucket)

    def fail(*_, **__):
        raise TimeoutTypeError("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(MemoryFileSystem, "ls", fail)
        patched.setattr(MemoryFileSystem, "cat_file", fail)
        assert not reader.refresh()
        assert len(reader) == 3
        assert len(open_reader(bucket)) == 0
        with pytest.raises(DamagedError, match="no answer"):
            reader.picture("activations", "conv", 1, 1)
        with pytest.raises(StoreError, match="could not be read"):
            read_orders(store_directory(bucket))
    assert reader.picture("activations", "conv", 1, 1) == stores.sheets(1)[1]


def test_a_part_that_cannot_be_read_now_is_read_later(bucket, monkeypatch):
    stores.write(bucket, 3)
    with monkeypatch.context() as patched:
        patched.setattr(MemoryFileSystem, "cat_ranges", _not_now)
        reader = open_reader(bucket)
        assert [len(segment) for segment in reader.segments] == [0]
    assert reader.refresh()
    assert len(reader) == 3


def _not_now(*_, **__):
    raise TimeoutTypeError("not now")


def test_listings_are_rare_and_made_behind_the_callers_back(bucket, monkeypatch):
    stores.write(bucket, 1)
    listed = []
    ls = MemoryFileSystem.ls

    def counting(fs, path, **options):
        listed.append(path)
        return ls(fs, path, **options)

    monkeypatch.setattr(MemoryFileSystem, "ls", counting)
    now = time.monotonic()
    clock = [now]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    folder = ObjectStoreFolder(store_directory(bucket), rest=2.0)
    reader = Reader(folder)
    for _ in range(20):
        reader.refresh()
    assert len(listed) == 1
    stores.write(bucket, 1)
    before = len(listed)  # the writer lists too
    clock[0] = now + 3
    folder.packs()
    _wait(lambda: len(folder.packs()) == 2)
    assert len(listed) == before + 1
    clock[0] = now + 303  # silent for five minutes: half a minute between listings
    folder.packs()
    _wait(lambda: len(listed) == before + 2 and not folder._listing.locked())
    clock[0] = now + 303 + 29
    folder.packs()
    assert not folder._listing.locked()
    clock[0] = now + 303 + 40
    folder.packs()
    _wait(lambda: len(listed) == before + 3 and not folder._listing.locked())


def _wait(true):
    for _ in range(12_000):
        if true():
            return
        time.sleep(0.005)
    raise AssertionError("did not come true")


def test_orders_are_left_and_read(bucket):
    store = store_directory(bucket)
    assert read_orders(store) == Orders()
    write_orders(store, Orders(paused=True, every=3, now="x"))
    assert read_orders(store) == Orders(paused=True, every=3, now="x")
    put(bucket, "control.json", b"[")
    with pytest.raises(StoreError, match="expected the content that `tbviz control` writes"):
        read_orders(store)
    assert len(open_reader(bucket)) == 0


def test_ranges_are_requested_as_s3fs_expects_them(bucket, monkeypatch):
    cat_file = MemoryFileSystem.cat_file

    def as_in_s3fs(fs, path, version_id=None, start=None, end=None):
        assert version_id is None
        return cat_file(fs, path, start, end)

    def cat_ranges(fs, paths, starts, ends, max_gap=None, batch_size=None, on_error="return"):
        ranges = zip(paths, starts, ends, strict=True)
        return [as_in_s3fs(fs, path, start=start, end=end) for path, start, end in ranges]

    monkeypatch.setattr(MemoryFileSystem, "cat_file", as_in_s3fs)
    monkeypatch.setattr(MemoryFileSystem, "cat_ranges", cat_ranges)
    stores.write(bucket, 2)
    write_orders(store_directory(bucket), Orders(every=3))
    assert read_orders(store_directory(bucket)) == Orders(every=3)
    assert open_reader(bucket).picture("activations", "conv", 1, 1) == stores.sheets(1)[1]


def test_locations(tmp_path):
    location = location_of("s3://bucket/logs/")
    assert location == RemoteLocation("s3://bucket/logs")
    assert str(location / "run" / "a") == "s3://bucket/logs/run/a"
    assert location.absolute() == location
    assert location_of(location) is location
    assert str(location_of("memory://") / "x") == "memory://x"
    assert store_directory("gs://b") == RemoteLocation("gs://b/plugins/tbviz")
    assert location_of("~/logs") == Path.home() / "logs"
    assert location_of(tmp_path) == tmp_path
    assert location_of(f"file://{tmp_path}") == tmp_path
    assert location_of(Path("a:/b")) == Path("a:/b")
    with pytest.raises(StoreError, match="pass a string"):
        location_of(Path("s3://bucket/logs"))
    for value in (np.zeros((2, 8, 8, 3)), None, 7):
        with pytest.raises(
            StoreError, match=f"log_dir received a value of type {type(value).__name__}"
        ):
            location_of(value)


def test_a_missing_package_is_named_in_the_error(monkeypatch):
    with pytest.raises(StoreError, match="fsspec supports"):
        usable_location("nosuch://bucket")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(StoreError, match=r"pip install 'tbviz\[remote\]' s3fs"):
        usable_location("s3://bucket/logs")
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(StoreError, match=r"expected the package fsspec to be installed.*gcsfs"):
        Writer("gs://bucket/logs")
