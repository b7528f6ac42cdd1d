"""Fits on disks that fail for some epochs: one notice, training ends, all else is preserved."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import keras
import pytest
from callbacks.nets import cached_model, data, ends, metas, notices, positions, tiles
from children.starting import run_program

import tbviz
from tbviz.store.disk.locations import store_directory
from tbviz.store.read.reader import open_reader

EPOCHS = 8
FAILS, HEALS = 2, 5  # the epochs at whose ends the disk begins to fail and is well again


class At(keras.callbacks.Callback):
    """Acts when an epoch ends, before tbviz captures and once what it wrote is on disk."""

    def __init__(self, run_log_of, **actions):
        super().__init__()
        self.grid, self.actions = run_log_of, actions

    def on_epoch_end(self, epoch, logs=None):
        act = self.actions.get(f"epoch_{epoch}")
        if act is not None:
            on_disk(self.grid)
            act()


def on_disk(grid) -> None:
    """Waits until what was handed over is written, or has failed."""
    grid._session.run_log.writer._background.drain()


def train(log_dir, **actions):
    x, y = data(8)
    grid = tbviz.ActivationGrid(log_dir, x[:2], layers="conv1")
    callbacks = [grid, tbviz.LayerHealth(log_dir, x[:2])]
    actions["epoch_3"] = lambda: grid._session.run_log.notices.report(
        "someone", "was blind", level="info", event="left_out"
    )
    history = cached_model().fit(
        x, y, 8, EPOCHS, verbose=0, callbacks=[At(grid, **actions), *callbacks]
    )
    assert len(history.history["loss"]) == EPOCHS


def check_survived(log_dir, messages, first: list[int]) -> None:
    """What was there before is there, what came when the disk was well too; one warning."""
    found = [epoch for _, epoch, _, _ in positions(log_dir)]
    assert found == sorted(set(found))
    assert found[: len(first)] == first
    assert found[-2:] == [EPOCHS - 2, EPOCHS - 1]
    assert len(found) >= len(first) + EPOCHS - HEALS - 1
    run = open_reader(log_dir)
    assert [segment.damaged for segment in run.segments] == [0] * len(run.segments)
    for position in range(len(run)):
        tiles(log_dir, "activations", "conv1", position, 1)
    assert ends(log_dir)[-1] == "finished"
    assert len(metas(log_dir, "model")) == len(metas(log_dir, "probe")) == 1
    [text] = messages()
    assert "store: a position could not be written" in text
    assert len([n for n in notices(log_dir, "warning") if n["method"] == "store"]) == 1
    assert [n["text"] for n in notices(log_dir) if n["method"] == "someone"] == ["was blind"]


def test_a_file_size_limit_is_reached(tmp_path, messages, faults):
    # As a disk that is full: the kernel writes what fits and then fails.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill():
        [pack] = store_directory(tmp_path).glob("*.pack")
        resource.setrlimit(resource.RLIMIT_FSIZE, (pack.stat().st_size + 50, hard))

    def free():
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    with faults.trying():
        try:
            train(tmp_path, epoch_2=fill, epoch_5=free)
        finally:
            free()
        check_survived(tmp_path, messages, [0, 1])


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT, errno.ESTALE])
def test_writing_fails_half_way(tmp_path, messages, monkeypatch, code, faults):
    write = os.write

    def fails(descriptor, content):
        if str(tmp_path) in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            if len(content) > 100:
                return write(descriptor, bytes(content)[:100])
            raise OSError(code, os.strerror(code))
        return write(descriptor, content)

    with faults.trying():
        train(
            tmp_path,
            epoch_2=lambda: monkeypatch.setattr(os, "write", fails),
            epoch_5=lambda: monkeypatch.setattr(os, "write", write),
        )
        check_survived(tmp_path, messages, [0, 1])


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_syncing_fails(tmp_path, messages, monkeypatch, code, faults):
    sync = getattr(os, "fdatasync", os.fsync)

    def fails(descriptor):
        raise OSError(code, os.strerror(code))

    def replace_sync(function):
        monkeypatch.setattr(os, "fdatasync", function, raising=False)

    with faults.trying():
        train(tmp_path, epoch_2=lambda: replace_sync(fails), epoch_5=lambda: replace_sync(sync))
        check_survived(tmp_path, messages, [0, 1])


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENOSPC, errno.EACCES])
def test_no_file_can_be_made_at_first(tmp_path, messages, monkeypatch, code, faults):
    # Too many open files, no inode left, not allowed to.
    opened = os.open

    def fails(path, flags, *rest, **named):
        if flags & os.O_CREAT and str(tmp_path) in str(path):
            raise OSError(code, os.strerror(code))
        return opened(path, flags, *rest, **named)

    with faults.trying():
        monkeypatch.setattr(os, "open", fails)
        train(tmp_path, epoch_5=lambda: monkeypatch.setattr(os, "open", opened))
        check_survived(tmp_path, messages, [])


@pytest.fixture
def tmpfs(tmp_path):
    """Mounts a file system with these options; skips where that is not allowed."""
    mount_point = tmp_path / "mounted"
    mount_point.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(mount_point)]
        try:
            done = run_program(command)
        except FileNotFoundError:
            pytest.skip("there is no mount command")
        if done.returncode:
            pytest.skip(f"a tmpfs cannot be mounted: {done.stderr.strip()}")
        return mount_point

    yield mount
    run_program(["umount", "-l", mount_point])


def until_full(step) -> None:
    for _ in range(10_000):
        try:
            step()
        except OSError:
            return
    raise AssertionError("it never was full")


def test_a_full_file_system(tmpfs, messages, faults):
    mount_point = tmpfs("size=1m")
    ballast = mount_point / "ballast"

    def fill():
        with ballast.open("wb", buffering=0) as file:
            until_full(lambda: file.write(bytes(4096)))

    with faults.trying():
        train(mount_point / "run", epoch_2=fill, epoch_5=ballast.unlink)
        check_survived(mount_point / "run", messages, [0, 1])


def test_a_file_system_without_inodes(tmpfs, messages, faults):
    mount_point = tmpfs("size=1m,nr_inodes=10")
    ballast = []
    (mount_point / "run").mkdir()

    def take():
        (mount_point / str(len(ballast))).touch()
        ballast.append(mount_point / str(len(ballast)))

    until_full(take)

    with faults.trying():
        train(mount_point / "run", epoch_5=lambda: [path.unlink() for path in ballast])
        check_survived(mount_point / "run", messages, [])


def test_a_file_system_that_is_read_only_at_first(tmpfs, messages, faults):
    mount_point = tmpfs("size=1m,ro")

    def allow():
        run_program(["mount", "-o", "remount,rw", mount_point], check=True)

    with faults.trying():
        train(mount_point / "run", epoch_5=allow)
        check_survived(mount_point / "run", messages, [])
