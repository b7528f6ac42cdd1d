"""Which pictures stay, worked by hand; and that everything else does."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
import whole_store
from made_stores import LAYERS, make_run

from tbviz.plugin import runs
from tbviz.store.disk.locations import store_directory
from tbviz.store.format.schema import FitPosition
from tbviz.store.maintain.prune import KeepRule, prune
from tbviz.store.maintain.repair import repair
from tbviz.store.read import run_index
from tbviz.store.read.folder import folder_of
from tbviz.store.read.reader import Reader, open_reader
from tbviz.store.write.writer import Writer

GOLDEN = Path(__file__).parents[1] / "golden" / "format-2"


def write(log_dir, positions, kind="activations", layer="conv"):
    writer = Writer(log_dir)
    for position in positions:
        whole_store.add(writer, position, kind, layer)
    writer.close()


@pytest.mark.parametrize(
    ("every", "last", "epochs"),
    [
        (10, 0, [0, 10, 20, 24]),
        (10, 3, [0, 10, 20, 22, 23, 24]),
        (None, 2, [0, 23, 24]),
        (7, 1, [0, 7, 14, 21, 24]),
        (100, 0, [0, 24]),
        (1, 0, list(range(25))),
        (10, 99, list(range(25))),
    ],
)
def test_every_and_last_of_twenty_five_epochs(tmp_path, every, last, epochs):
    write(tmp_path, whole_store.at_epochs(*range(25)))
    [pruned] = prune(store_directory(tmp_path), KeepRule(every, last))
    assert (pruned.pictures, pruned.dropped) == (25, 25 - len(epochs))
    assert whole_store.positions_with_pictures(tmp_path) == [whole_store.at_epochs(*epochs)]
    assert whole_store.epochs(tmp_path) == list(range(25))
    assert whole_store.losses(tmp_path) == [1.0 + epoch for epoch in range(25)]
    assert len(whole_store.view(tmp_path)) == 2 * len(epochs)


def test_a_series_out_of_step_keeps_its_first_of_each_ten_epochs(tmp_path):
    writer = Writer(tmp_path)
    for epoch in range(30):
        whole_store.add(writer, FitPosition(epoch))
        if epoch % 7 == 5:  # 5, 12, 19, 26
            whole_store.add(writer, FitPosition(epoch), "maximization")
    writer.close()
    list(prune(store_directory(tmp_path), KeepRule(10, 0)))
    assert whole_store.positions_with_pictures(tmp_path) == [whole_store.at_epochs(0, 10, 20, 29)]
    assert whole_store.positions_with_pictures(tmp_path, "maximization") == [
        whole_store.at_epochs(5, 12, 26)
    ]


def test_positions_within_epochs_and_the_final_one(tmp_path):
    positions = [
        FitPosition(0, 5), FitPosition(0, 10), FitPosition(0), FitPosition(1, 15), FitPosition(1),
        FitPosition(2, 25), FitPosition(2, 27, final=True), FitPosition(2, 30),
    ]  # fmt: skip
    write(tmp_path, positions)
    list(prune(store_directory(tmp_path), KeepRule(10, 0)))
    # The first; epoch 0's end, which is the first end of an epoch of 0 to 9; the final one; the
    # last.
    assert whole_store.positions_with_pictures(tmp_path) == [
        [positions[index] for index in (0, 2, 6, 7)]
    ]


def test_last_counts_over_the_segments_of_a_run(tmp_path):
    write(tmp_path, whole_store.at_epochs(0, 1, 2, 3, 4))
    write(tmp_path, whole_store.at_epochs(4, 5))
    list(prune(store_directory(tmp_path), KeepRule(None, 4)))
    # The last four positions of the run are epochs 3, 4 of the first and 4, 5 of the second.
    assert whole_store.positions_with_pictures(tmp_path) == [
        whole_store.at_epochs(0, 3, 4),
        whole_store.at_epochs(4, 5),
    ]
    list(prune(store_directory(tmp_path), KeepRule(None, 1)))
    assert whole_store.positions_with_pictures(tmp_path) == [
        whole_store.at_epochs(0, 4),
        whole_store.at_epochs(4, 5),
    ]


def test_only_the_kinds_that_match_lose_pictures(tmp_path):
    kinds = ("activations", "cam", "cam:hires", "maximization")
    writer = Writer(tmp_path)
    for epoch in range(5):
        for kind in kinds:
            whole_store.add(writer, FitPosition(epoch), kind)
    writer.close()
    [pruned] = prune(store_directory(tmp_path), KeepRule(10, 0, ("cam*", "max*")))
    assert (pruned.pictures, pruned.dropped) == (20, 9)
    counts = [len(whole_store.positions_with_pictures(tmp_path, kind)[0]) for kind in kinds]
    assert counts == [5, 2, 2, 2]


def test_everything_but_pictures_stays_and_a_dry_run_reports_what_it_frees(tmp_path):
    make_run(
        tmp_path, 12, LAYERS[-2:], images=1, segments=2, batches=True, final=True, every_kind=True
    )
    store = store_directory(tmp_path)
    before = run_index.run_index(open_reader(tmp_path), 0.0)
    size = sum(path.stat().st_size for path in store.iterdir())
    files = whole_store.files(tmp_path)
    planned = list(prune(store, KeepRule(5, 2), dry_run=True))
    assert whole_store.files(tmp_path) == files
    done = list(prune(store, KeepRule(5, 2)))
    assert [(p.pictures, p.dropped) for p in planned] == [(p.pictures, p.dropped) for p in done]
    assert all(p.dropped > 0 for p in done)
    freed = size - sum(path.stat().st_size for path in store.iterdir())
    assert sum(p.freed for p in done) == freed
    # But for the digits of one check sum in each index.
    assert all(abs(p.freed - q.freed) < 10 for p, q in zip(planned, done, strict=True))
    run = open_reader(tmp_path)
    after = run_index.run_index(run, 0.0)
    for name in ("positions", "layouts", "notices", "latest"):
        assert after[name] == before[name], name
    names = [(entry["kind"], entry["layer"]) for entry in after["series"]]
    assert sorted(names) == sorted((entry["kind"], entry["layer"]) for entry in before["series"])
    assert [entry["last"] for entry in after["segments"]] == [
        entry["last"] for entry in before["segments"]
    ]
    assert all(segment.health and segment.predictions for segment in run.segments)
    assert all(segment.by == "prune" for segment in run.segments)
    again = list(prune(store, KeepRule(5, 2)))
    assert [p.dropped for p in again] == [0, 0]
    assert [p.pack for p in again] == [p.rewritten.name for p in done]


def test_a_running_tensorboard_receives_a_reset(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "_REFRESH", 0.0)
    write(tmp_path, whole_store.at_epochs(*range(25)))
    run = runs.ServedRun(folder_of(store_directory(tmp_path)))
    first = run.ask(run_index.run_index)
    sheet = run.ask(lambda reader: reader.find("activations", "conv", 24))
    list(prune(store_directory(tmp_path), KeepRule(10, 0)))
    answer = run.ask(lambda reader: run_index.since(reader, first["cursor"]))
    assert answer["reset"] is True
    assert answer["positions"] == first["positions"]
    [series] = answer["series"]
    assert series["positions"] == [[0, 1], [10, 1], [20, 1], [24, 1]]
    new = run.ask(lambda reader: reader.find("activations", "conv", 24))
    assert run.sheet(*new) == b"activations conv (24, None, False)"
    assert new.writer != sheet.writer
    again = run.ask(lambda reader: run_index.since(reader, answer["cursor"]))
    assert "segments" not in again


def test_a_pack_pruned_and_then_repaired_names_both_commands(tmp_path):
    write(tmp_path, whole_store.at_epochs(*range(25)))
    list(prune(store_directory(tmp_path), KeepRule(10, 0)))
    pack, _ = whole_store.pair(tmp_path)
    pack.write_bytes(pack.read_bytes() + b"torn")
    list(repair(pack.parent))
    [segment] = open_reader(tmp_path).segments
    assert segment.by == "prune, repair"
    assert segment.replaces == (pack.stem[7:],)


def test_format_2_is_pruned(tmp_path):
    log_dir = shutil.copytree(GOLDEN, tmp_path / "logs")
    before = whole_store.view(log_dir)
    [pruned] = prune(store_directory(log_dir), KeepRule(10, 0))
    # Positions 0, 1 (a batch), 1, 2 (final): of three series the second and third go.
    assert (pruned.pictures, pruned.dropped) == (12, 6)
    stay = {FitPosition(0), FitPosition(2, None, final=True)}
    assert whole_store.view(log_dir) == {
        key: data for key, data in before.items() if key[1] in stay
    }


def test_a_reader_never_sees_an_empty_run_while_packs_are_rewritten(tmp_path):
    write(tmp_path, whole_store.at_epochs(*range(5)))
    store = store_directory(tmp_path)
    reader = Reader(store)
    seen = set()
    done = threading.Event()

    def read():
        while not done.is_set():
            reader.refresh()
            seen.update({len(reader), len(open_reader(tmp_path))})

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for _ in range(40):
            with whole_store.pair(tmp_path)[0].open("ab") as pack:
                pack.write(b"torn")
            [treated] = repair(store)
            assert treated.action == "rewrite"
    finally:
        done.set()
        thread.join()
    assert seen == {5}
