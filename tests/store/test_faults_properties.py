"""A reader reads a store with any bytes: nothing raises, and no picture is wrong."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import pytest
import stores
from forged_stores import HONEST, ForgedStore
from hypothesis import given, settings
from hypothesis import strategies as st

from tbviz.store.disk.locations import store_directory
from tbviz.store.errors import StoreError
from tbviz.store.read import run_index
from tbviz.store.read.reader import Reader

POSITIONS = 4

changes = st.lists(
    st.tuples(
        st.sampled_from(["pack", "index"]),
        st.floats(0, 1),  # where
        st.integers(0, 300),  # how many bytes are taken out
        st.one_of(
            st.binary(max_size=300),
            st.sampled_from([stores.MAGIC, b"\n", b'{"offset":', bytes(4096), b"\xff" * 24]),
            st.builds(stores.record, st.binary(max_size=100), st.binary(max_size=50)),
        ),
    ),
    min_size=1,
    max_size=6,
)


def spliced(data: bytes, change) -> bytes:
    _, where, removed, added = change
    at = int(where * len(data))
    return data[:at] + added + data[at + removed :]


def read_all(log_dir):
    """Read everything that a reader can return of a store."""
    run = Reader(store_directory(log_dir))  # `open_run` raises if all of it has another format
    run.refresh()
    answer = run_index.run_index(run)
    json.dumps(answer)
    run_index.since(run, answer["cursor"])
    shown = {}
    for kind, layer in run.series():
        for position in range(len(run)):
            for image in (0, 1):
                try:
                    shown[kind, layer, position, image] = run.picture(kind, layer, position, image)
                except StoreError:
                    continue
    assert not run.refresh()
    return run, shown


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    log_dir = tmp_path_factory.mktemp("honest")
    pack = stores.write(log_dir, POSITIONS).path
    return {"pack": pack.read_bytes(), "index": pack.with_suffix(".jsonl").read_bytes()}, pack.name


def any_bytes(honest, changed):
    (files, name), log_dir = honest, Path(tempfile.mkdtemp())
    try:
        damaged = dict(files)
        for change in changed:
            damaged[change[0]] = spliced(damaged[change[0]], change)
        directory = store_directory(log_dir)
        directory.mkdir(parents=True)
        (directory / name).write_bytes(damaged["pack"])
        (directory / name).with_suffix(".jsonl").write_bytes(damaged["index"])
        run, shown = read_all(log_dir)
        truth = {
            (epoch, image): sheet
            for epoch in range(POSITIONS)
            for image, sheet in enumerate(stores.sheets(epoch))
        }
        for (kind, layer, position, image), picture in shown.items():
            if (kind, layer) == ("activations", "conv"):
                assert picture == truth[run.positions[position][1].epoch, image]
    finally:
        shutil.rmtree(log_dir)


numbers = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.none(), st.sampled_from([10**400, -1, 2**63])
)
values = st.recursive(
    st.one_of(numbers, st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = sorted({name for meta, _ in HONEST.values() for name in meta})
changed_metas = st.tuples(
    st.sampled_from(sorted(HONEST)),
    st.dictionaries(st.sampled_from([*FIELDS, "batch", "final", "x"]), values, max_size=3),
    st.sets(st.sampled_from(FIELDS), max_size=2),
)


def any_metas(records):
    log_dir = Path(tempfile.mkdtemp())
    try:
        forged = ForgedStore(log_dir)
        for kind, extra, dropped in records:
            meta, payload = HONEST[kind]
            preserved = {name: value for name, value in meta.items() if name not in dropped}
            forged.add(preserved | extra, payload)
        forged.write()
        run, shown = read_all(log_dir)
        assert ("activations", "conv", 0, 0) in shown
        assert run.segments[0].source.damaged <= len(records)
    finally:
        shutil.rmtree(log_dir)


@given(changed=changes)
@settings(max_examples=150)
def test_any_bytes(honest, changed):
    any_bytes(honest, changed)


@given(records=st.lists(changed_metas, max_size=5))
@settings(max_examples=100)
def test_any_metas(records):
    any_metas(records)


@pytest.mark.every_row
@given(changed=changes)
@settings(max_examples=5000)
def test_any_bytes_at_length(honest, changed):
    any_bytes(honest, changed)


@pytest.mark.every_row
@given(records=st.lists(changed_metas, max_size=5))
@settings(max_examples=5000)
def test_any_metas_at_length(records):
    any_metas(records)
