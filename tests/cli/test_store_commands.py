"""inspect, repair, prune and control as a person types them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fabricate import LAYERS, Run, fabricate

from tbviz.cli.main import main
from tbviz.store import open_run, store_directory
from tbviz.store.control import Orders, read_orders


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    """A log directory with a run of twelve positions and one of three. Do not write to it."""
    log_dir = tmp_path_factory.mktemp("logs")
    fabricate(log_dir / "long", 12, LAYERS[-2:], images=2)
    fabricate(log_dir / "deep" / "short", 3, LAYERS[-1:], images=1)
    return log_dir


@pytest.fixture
def run_dir(tmp_path):
    """One run of four positions."""
    fabricate(tmp_path / "run", 4, LAYERS[-1:], images=1)
    return tmp_path / "run"


@pytest.fixture
def tbviz(capsys):
    """Types a command; gives its status and what it printed."""

    def typed(*arguments):
        status = main([str(argument) for argument in arguments])
        return status, capsys.readouterr()

    return typed


def pack_of(run_dir):
    [pack] = store_directory(run_dir).glob("*.pack")
    return pack


def test_a_healthy_run_fits_on_a_screen(healthy, tbviz):
    status, said = tbviz("inspect", healthy / "long")
    lines = said.out.splitlines()
    assert (status, said.err) == (0, "")
    assert lines[0] == str(healthy / "long")
    assert re.fullmatch(r"  1 segment, 12 positions, \d+ kB, [\d.]+ kB an epoch", lines[1])
    assert re.search(r"1  finished  0 to 11 of 12 +12  \d+ kB  tensorflow  \d{4}-", lines[4])
    assert any(re.search(r"activations +ActivationGrid +2 +12 of 12 +48 ", line) for line in lines)
    assert any(re.search(r"head/conv4 +3 +", line) for line in lines)
    assert any("warning, segment 1: GradCAM, head/conv4: all gradients" in line for line in lines)
    assert lines[-1] == "  nothing is damaged (--verify reads every byte)"
    assert len(lines) < 24
    assert all(len(line) < 140 for line in lines)


def test_several_runs_are_a_line_each(healthy, tbviz):
    status, said = tbviz("inspect", healthy, "--verify")
    lines = said.out.splitlines()
    assert status == 0
    assert lines[0].startswith(f"{healthy}: 2 runs, ")
    assert [line.split()[:4] for line in lines[3:5]] == [
        ["deep/short", "finished", "1", "3"],
        ["long", "finished", "1", "12"],
    ]
    assert lines[-1] == "  nothing is damaged (every byte was read)"


def test_json_is_one_object(healthy, tbviz):
    status, said = tbviz("inspect", "--json", healthy)
    answer = json.loads(said.out)
    assert (status, answer["log_dir"], answer["verified"]) == (0, str(healthy), False)
    short, long = answer["runs"]
    assert (short["run"], long["run"]) == ("deep/short", "long")
    assert long["store"] == str(store_directory(healthy / "long"))
    assert (long["positions"], long["damage"]) == (12, [])
    assert {series["layer"] for series in long["series"]} == {layer.path for layer in LAYERS[-2:]}


def test_a_store_itself_is_a_run(healthy, tbviz):
    status, said = tbviz("inspect", "--json", store_directory(healthy / "long"))
    assert (status, json.loads(said.out)["runs"][0]["positions"]) == (0, 12)


@pytest.mark.parametrize("command", [["inspect"], ["repair"], ["prune", "--keep", "last=1"]])
def test_where_no_run_is(command, tbviz, tmp_path):
    for place in (tmp_path, tmp_path / "nowhere"):
        status, said = tbviz(*command, place)
        assert (status, said.out) == (1, "")
        assert said.err.startswith(f"tbviz {command[0]}: received {place}, ")
        assert said.err.count("\n") == 1
        assert "expected the log_dir that the callbacks got" in said.err


def test_damage_is_said_repaired_and_gone(run_dir, tbviz):
    pack = pack_of(run_dir)
    pack.write_bytes(pack.read_bytes()[:-5])
    status, said = tbviz("inspect", run_dir)
    assert status == 4
    assert re.search(r"DAMAGED  segment 1: \d+ bytes of an incomplete record at the end", said.out)
    assert f"to do:  tbviz repair {run_dir}" in said.out
    before = pack.read_bytes()
    status, said = tbviz("repair", run_dir, "--dry-run")
    assert (status, "it would be rewritten" in said.out) == (0, True)
    assert pack.read_bytes() == before
    status, said = tbviz("repair", run_dir.parent)
    assert (status, said.err) == (0, "")
    new = pack_of(run_dir)
    assert f"{run_dir}: {new.name} stands in its place" in said.out
    assert not pack.exists()
    status, said = tbviz("inspect", run_dir)
    assert (status, "segment 1 was rewritten by: repair" in said.out) == (0, True)
    assert tbviz("repair", run_dir)[1].out == "tbviz: nothing to repair\n"


def test_a_lost_index_and_a_draft_that_was_left(run_dir, tbviz):
    pack = pack_of(run_dir)
    pack.with_suffix(".jsonl").unlink()
    draft = pack.with_name(f".000001-{'0' * 16}.pack")
    draft.write_bytes(b"12345")
    status, said = tbviz("inspect", run_dir)
    assert (status, "note  the store: a draft" in said.out) == (4, True)
    status, said = tbviz("repair", run_dir)
    assert said.out.splitlines() == [
        f"tbviz: {run_dir}: deleted 5 B that a killed repair or prune left",
        f"tbviz: {run_dir}: {pack.name}: there is no index; its index is written anew",
    ]
    assert not draft.exists()
    assert tbviz("inspect", run_dir)[0] == 0


def test_prune_says_what_it_frees(run_dir, tbviz):
    pack = pack_of(run_dir)
    size = pack.stat().st_size
    status, said = tbviz("prune", run_dir, "--keep", "every=10,last=1", "--dry-run")
    assert status == 0
    # Three series of four positions, of which the first and the last stay.
    assert "would drop 6 of 12 pictures" in said.out
    assert re.search(r"would free [\d.]+ kB\n$", said.out)
    assert pack.stat().st_size == size
    status, said = tbviz("prune", run_dir, "--keep", "last=1", "--kinds", "maximization, cam*")
    assert (status, "dropped 4 of 12 pictures" in said.out) == (0, True)
    assert re.search(r"freed [\d.]+ kB\n$", said.out)
    run = open_run(run_dir)
    counts = {key[0]: columns.positions.total for key, columns in run.segments[0].series.items()
              if key[0] != "health"}  # fmt: skip
    assert counts == {"activations": 4, "maximization": 2, "cam": 2}
    assert len(run) == 4
    status, said = tbviz("prune", run_dir, "--keep", "last=99")
    assert (status, "all 8 pictures stay" in said.out) == (0, True)


@pytest.mark.parametrize("keep", ["", "every", "every=0", "every=x", "some=3", "last=1,last=2"])
def test_what_prune_cannot_keep(keep, tbviz, tmp_path, capsys):
    with pytest.raises(SystemExit):
        tbviz("prune", tmp_path, "--keep", keep)
    assert "received" in capsys.readouterr().err


def test_control_leaves_orders_in_the_runs_that_train(tmp_path, tbviz):
    fabricate(tmp_path / "done", 2, LAYERS[-1:], images=1)
    done = store_directory(tmp_path / "done")
    status, said = tbviz("control", tmp_path, "pause")
    assert (status, read_orders(done)) == (0, Orders(paused=True))
    assert "obeyed by the next training with this log_dir" in said.out
    training = Run(tmp_path / "training", LAYERS[-1:], 1)
    try:
        status, said = tbviz("control", tmp_path, "every", "5")
        live = store_directory(tmp_path / "training")
        assert (read_orders(done), read_orders(live)) == (Orders(paused=True), Orders(every=5))
        assert "training: looks are taken at the ends of epochs 0, 5, 10" in said.out
        assert "left alone: 1 run " in said.out
        assert "at the end of a batch" in said.out
        tbviz("control", tmp_path, "pause")
        tbviz("control", tmp_path, "now")
        paused, every, now = read_orders(live)
        assert (paused, every, len(now)) == (True, 5, 8)
        tbviz("control", tmp_path, "now")
        assert read_orders(live).now != now
        assert "still paused" in tbviz("control", tmp_path, "every", "3")[1].out
        word = read_orders(live).now
        tbviz("control", tmp_path, "resume")
        assert read_orders(live) == Orders(now=word)
    finally:
        training.writer.close()
    (done / "control.json").write_text("{")
    tbviz("control", tmp_path / "done", "pause")
    assert read_orders(done) == Orders(paused=True)


@pytest.mark.parametrize("order", [["every"], ["pause", "3"]])
def test_control_says_what_it_takes(order, run_dir, tbviz):
    status, said = tbviz("control", run_dir, *order)
    assert (status, "expected pause, resume, now, or every N" in said.err) == (1, True)
    assert not (store_directory(run_dir) / "control.json").exists()


def test_control_where_no_run_is_says_what_to_do(tmp_path, tbviz):
    status, said = tbviz("control", tmp_path, "pause")
    assert (status, "a run is there from its first look on" in said.err) == (1, True)


def test_a_run_in_an_object_store_is_inspected_and_controlled(tbviz):
    log_dir = "memory://test_store_commands/logs"
    training = Run(f"{log_dir}/deep/run", LAYERS[-1:], 1)
    training.add()
    training.add()
    for place in (log_dir, f"{log_dir}/deep/run", f"{log_dir}/deep/run/plugins/tbviz"):
        status, said = tbviz("inspect", "--json", "--verify", place)
        [run] = json.loads(said.out)["runs"]
        assert (status, run["positions"], run["damage"], run["orders"]) == (0, 2, [], None)
        assert run["segments"][0]["being_written"] is None
    assert tbviz("control", log_dir, "every", "4")[0] == 0
    [run] = json.loads(tbviz("inspect", "--json", log_dir)[1].out)["runs"]
    assert run["orders"] == {"paused": False, "every": 4, "now": ""}
    training.writer.close()


def test_files_of_this_machine_only(tbviz):
    for command in (["repair"], ["prune", "--keep", "last=1"]):
        status, said = tbviz(*command, "s3://bucket/logs")
        assert (status, said.err.count("\n")) == (1, 1)
        assert "expected a directory of this machine" in said.err


def test_who_reads_the_output_may_stop(healthy):
    done = subprocess.run(
        f"{sys.executable} -m tbviz inspect --json {healthy} | head -c 1",
        shell=True,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("{", "")
