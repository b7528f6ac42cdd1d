"""Real fits are killed at random moments: the position in hand is lost, and no other."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest
from callbacks import killed_fits
from callbacks.nets import cached_model, data, ends, metas
from children.starting import run_program
from faults import unlike_a_kill

import tbviz
from tbviz.images.sheet import decode
from tbviz.store.disk.locations import store_directory
from tbviz.store.maintain.summary import inspect
from tbviz.store.read.reader import open_reader

ROOT = Path(__file__).parents[2]
SERIES = {("activations", "conv1"), ("activations", "conv2"), ("cam", "relu")}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fits", [5, pytest.param(50, marks=pytest.mark.every_row)])
def test_fits_killed_at_random_moments(tmp_path, fits, faults):
    seed = str(random.randrange(10**9))
    done = run_program(
        [sys.executable, killed_fits.__file__, tmp_path, str(fits), seed],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=240 + 10 * fits,
    )
    messages = dict(map(int, line.split()) for line in done.stdout.splitlines())
    assert len(messages) == fits
    for number, last in messages.items():
        with faults.trying():
            lost = scan_pack(tmp_path / str(number), last)
            assert lost <= 1, (number, seed)
            faults.lost += lost
    with faults.trying():
        resume(tmp_path / "0")


def scan_pack(log_dir, last: int) -> int:
    """Reads what a killed fit left; how many of its positions are lost."""
    run = open_reader(log_dir)
    assert [segment.damaged for segment in run.segments] in ([], [0])
    epochs = [position.epoch for _, position in run.positions]
    assert epochs == list(range(len(epochs)))
    complete = [whole(run, log_dir, position) for position in range(len(run))]
    assert complete in ([True] * len(run), [True] * (len(run) - 1) + [False])
    assert sum(complete) >= last  # all but the one that had been handed over last
    assert ends(log_dir) in ([], [None])
    damage = inspect(run, verify=True)["damage"]
    assert unlike_a_kill(damage, store_directory(log_dir)) == []
    return max(0, last + 1 - sum(complete))


def whole(run, log_dir, position: int) -> bool:
    """Whether all of a position is there; what is there must be readable."""
    there = set()
    for kind, layer in run.series():
        for base, segment, columns in run.columns(kind, layer):
            if position - base not in columns.positions.values():
                continue
            for image in range(max(1, segment.images(kind, layer))):
                decode(run.picture(kind, layer, position, image))
            there.add((kind, layer))
    kinds = {meta["kind"] for meta in metas(log_dir) if meta.get("epoch") == position}
    return there >= SERIES and kinds >= {"metrics", "health", "predictions", "cost"}


def resume(log_dir) -> None:
    """The same job is started again with the same log directory."""
    before = len(open_reader(log_dir))
    x, y = data(8)
    grid = tbviz.ActivationGrid(log_dir, x[:2], layers="conv1")
    cached_model().fit(x, y, 4, before + 2, initial_epoch=before, verbose=0, callbacks=[grid])
    run = open_reader(log_dir)
    assert [position.epoch for _, position in run.positions] == list(range(before + 2))
    assert ends(log_dir)[-1] == "finished"
