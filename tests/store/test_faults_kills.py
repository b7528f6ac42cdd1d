"""Writers are killed at random moments: at most the current position is lost."""

from __future__ import annotations

import random
import sys

import killed_writer
import stores
from children.starting import run_program
from faults import unlike_a_kill

from tbviz.store.disk.locations import store_directory
from tbviz.store.disk.locks import held
from tbviz.store.maintain.summary import inspect
from tbviz.store.read.reader import open_reader
from tbviz.store.write.writer import Writer

WRITERS = 45


def whole(run, position: int, epoch: int) -> bool:
    """Return whether every record of a position is there; check those that are there."""
    there = 0
    for layer in killed_writer.LAYERS:
        if ("activations", layer) in run.series() and position in positions(run, layer):
            there += 1
            for image, sheet in enumerate(killed_writer.sheets(epoch, layer)):
                assert run.picture("activations", layer, position, image) == sheet
    segment, ordinal = run.location(position)
    loss = segment.metrics.get("loss")
    values = [] if loss is None else loss.span(ordinal, ordinal + 1)
    return there == len(killed_writer.LAYERS) and values == [epoch]


def positions(run, layer: str) -> set[int]:
    return {
        base + ordinal
        for base, _, columns in run.columns("activations", layer)
        for ordinal in columns.positions.values()
    }


def test_45_writers_killed_at_random_moments(tmp_path, faults):
    seed = str(random.randrange(10**9))
    command = [sys.executable, killed_writer.__file__, tmp_path, str(WRITERS), seed]
    done = run_program(command, check=True)
    reported = [int(line) for line in done.stdout.split()]
    assert len(reported) == WRITERS
    for number, last in enumerate(reported):
        log_dir = tmp_path / str(number)
        with faults.trying():
            lost = check_store(log_dir, last)
            assert lost <= 1, (number, seed)
            faults.lost += lost
    assert max(reported) > 0


def check_store(log_dir, last: int) -> int:
    """Read, inspect and resume what a killed writer left; return how many positions it lost."""
    run = open_reader(log_dir)
    assert [segment.damaged for segment in run.segments] in ([], [0])
    epochs = [position.epoch for _, position in run.positions]
    assert epochs == list(range(len(epochs)))
    complete = [whole(run, position, position) for position in range(len(run))]
    assert complete in ([True] * len(run), [True] * (len(run) - 1) + [False])
    assert sum(complete) >= last  # all but the one that had been handed over last
    damage = inspect(run, verify=True)["damage"]
    assert unlike_a_kill(damage, store_directory(log_dir)) == []
    packs = list(store_directory(log_dir).glob("*.pack"))
    assert [held(pack) for pack in packs] in ([], [False])
    # The next fit goes on beside what the dead one left, and changes nothing of it.
    before = [pack.read_bytes() for pack in packs]
    writer = Writer(log_dir)
    stores.append(writer, 0)
    writer.close()
    assert [pack.read_bytes() for pack in packs] == before
    run.refresh()
    assert len(run) == len(epochs) + 1
    assert run.picture("activations", "conv", len(epochs)) == stores.sheets(0)[0]
    return max(0, last + 1 - sum(complete))


def test_a_kill_between_the_bytes_of_a_line_is_known_as_one(tmp_path):
    stores.write(tmp_path).close()
    store = store_directory(tmp_path)
    [index] = store.glob("*.jsonl")
    lines = index.read_bytes().splitlines(keepends=True)

    def strange(*left):
        index.write_bytes(b"".join(left))
        damage = inspect(open_reader(tmp_path), verify=True)["damage"]
        assert "index-bad" in {found["what"] for found in damage}
        return unlike_a_kill(damage, store)

    assert strange(*lines[:-1], lines[-1][:40]) == []
    half = lines[-2][:40]
    assert strange(*lines[:-2], half + b"\n", lines[-1])  # what comes after it was written later
    assert strange(*lines[:-3], half + b"\n", half)
