"""inspect, repair and prune as a person types them."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import fsspec
import pytest
from children.starting import run_program
from made_stores import LAYERS, Run, make_run

from tbviz.cli.formatting import size
from tbviz.store.disk.locations import store_directory
from tbviz.store.maintain import summary
from tbviz.store.read.reader import open_reader


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    """A log directory with a run of twelve positions and one of three. Do not write to it."""
    log_dir = tmp_path_factory.mktemp("logs")
    make_run(log_dir / "long", 12, LAYERS[-2:], images=2)
    make_run(log_dir / "deep" / "short", 3, LAYERS[-1:], images=1)
    return log_dir


def pack_of(run_dir):
    [pack] = store_directory(run_dir).glob("*.pack")
    return pack


def test_a_healthy_run_fits_on_a_screen(healthy, tbviz):
    status, said = tbviz("inspect", healthy / "long")
    lines = said.out.splitlines()
    assert (status, said.err) == (0, "")
    assert lines[0] == str(healthy / "long")
    assert re.fullmatch(r"  1 segment, 12 positions, \d+ kB, [\d.]+ kB per epoch", lines[1])
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


def fields(answer):
    """The names of all fields, however deep."""
    if isinstance(answer, list):
        return set().union(*map(fields, answer))
    return set(answer).union(*map(fields, answer.values())) if isinstance(answer, dict) else set()


def test_every_field_of_json_is_listed(healthy, tbviz):
    listed = set(re.findall(r"`(\w+)`", summary.__doc__))
    assert fields(json.loads(tbviz("inspect", "--json", healthy)[1].out)) <= listed


def test_a_store_itself_is_a_run(healthy, tbviz):
    status, said = tbviz("inspect", "--json", store_directory(healthy / "long"))
    assert (status, json.loads(said.out)["runs"][0]["positions"]) == (0, 12)


@pytest.mark.parametrize("command", [["inspect"], ["repair"], ["prune", "--keep", "last=1"]])
def test_where_no_run_is(command, tbviz, tmp_path):
    (tmp_path / "file").touch()
    states = {"": "which has no run", "nowhere": "which does not exist", "file": "which is a file"}
    for name, state in states.items():
        location = tmp_path / name
        status, said = tbviz(*command, location)
        assert (status, said.out) == (1, "")
        assert said.err.startswith(f"tbviz {command[0]}: received {location}, {state}; ")
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
    assert f"{run_dir}: {new.name} replaces it" in said.out
    assert not pack.exists()
    status, said = tbviz("inspect", run_dir)
    assert (status, "segment 1 was rewritten by: repair" in said.out) == (0, True)
    assert tbviz("repair", run_dir)[1].out.startswith("tbviz: nothing to repair; ")


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
        f"tbviz: {run_dir}: {pack.name}: the index is missing; its index was rewritten",
    ]
    assert not draft.exists()
    assert tbviz("inspect", run_dir)[0] == 0


def test_prune_says_what_it_frees(run_dir, tbviz):
    pack = pack_of(run_dir)
    before = pack.stat().st_size
    status, said = tbviz("prune", run_dir, "--keep", "every=10,last=1", "--dry-run")
    assert status == 0
    # Three series of four positions, of which the first and the last stay.
    assert "would delete 6 of 12 pictures" in said.out
    assert re.search(r"would free [\d.]+ kB\n$", said.out)
    assert pack.stat().st_size == before
    status, said = tbviz("prune", run_dir, "--keep", "last=1", "--kinds", "maximization, cam*")
    assert (status, "deleted 4 of 12 pictures" in said.out) == (0, True)
    assert re.search(r"freed [\d.]+ kB\n$", said.out)
    run = open_reader(run_dir)
    counts = {key[0]: columns.positions.total for key, columns in run.segments[0].series.items()
              if key[0] != "health"}  # fmt: skip
    assert counts == {"activations": 4, "maximization": 2, "cam": 2}
    assert len(run) == 4
    status, said = tbviz("prune", run_dir, "--keep", "last=99")
    assert (status, "all 8 pictures are kept" in said.out) == (0, True)


def test_what_the_commands_free_is_what_inspect_counts(run_dir, tbviz):
    before = json.loads(tbviz("inspect", "--json", run_dir)[1].out)["runs"][0]["bytes"]
    assert before == sum(path.stat().st_size for path in store_directory(run_dir).iterdir())
    freed = re.search(r"freed (.*)\n", tbviz("prune", run_dir, "--keep", "last=1")[1].out)[1]
    after = json.loads(tbviz("inspect", "--json", run_dir)[1].out)["runs"][0]["bytes"]
    assert after < before
    assert freed == size(before - after)


@pytest.mark.parametrize("kinds", ["nonsense", "cam,health", ""])
def test_kinds_that_are_not_there_are_an_error(kinds, healthy, tbviz):
    status, said = tbviz("prune", healthy, "--keep", "last=1", "--kinds", kinds, "--dry-run")
    assert (status, said.out) == (1, "")
    assert "expected some of: activations, cam, maximization; " in said.err


def test_lost_pictures_are_said_and_nothing_is_to_do(run_dir, tbviz):
    run = open_reader(run_dir)
    pack = pack_of(run_dir)
    data = bytearray(pack.read_bytes())
    for position in (1, 2):
        data[run.find("activations", LAYERS[-1].path, position).offset] ^= 1
    pack.write_bytes(data)
    assert tbviz("inspect", run_dir)[0] == 0
    status, said = tbviz("inspect", "--verify", run_dir)
    assert status == 4
    assert f"segment 1: activations of {LAYERS[-1].path}, epochs 1-2, 2 sheets: lost" in said.out
    assert said.out.count("DAMAGED") == 1
    assert "lost pictures cannot be restored; no action is needed" in said.out
    assert "to do" not in said.out
    pack.write_bytes(data[:-5])
    said = tbviz("repair", run_dir)[1].out
    assert f"lost: activations of {LAYERS[-1].path}, epochs 1-2, 2 sheets" in said


def test_what_is_being_written_and_what_lies_in_parts_is_left_alone(bucket, tmp_path, tbviz):
    log_dir = f"{bucket}/run"
    training = Run(log_dir, LAYERS[-1:], 1)
    training.add()
    training.writer.close()
    store = store_directory(tmp_path / "parts")
    fsspec.filesystem("memory").get(f"{log_dir}/plugins/tbviz", str(store), recursive=True)
    training = Run(tmp_path / "training", LAYERS[-1:], 1)
    training.add()
    training.writer.flush()
    size_of_parts = sum(path.stat().st_size for path in store.iterdir())
    found = json.loads(tbviz("inspect", "--json", tmp_path / "parts")[1].out)["runs"][0]
    assert found["bytes"] == size_of_parts > 0
    for command, last in (
        (["repair"], "tbviz: 2 packs skipped"),
        (["prune", "--keep", "last=1", "--dry-run"], "tbviz: would free 0 B; 2 packs skipped"),
    ):
        status, said = tbviz(*command, tmp_path)
        parts, live, end = said.out.splitlines()
        assert (status, end) == (0, last)
        assert "which repair and prune do not rewrite" in parts
        assert live.endswith("is being written; repeat the command when that has ended")
    training.writer.close()


@pytest.mark.parametrize(
    "keep", ["", "every", "every=0", "every=x", "some=3", "last=1,last=2", "every=5 last=2"]
)
def test_what_prune_cannot_keep(keep, tbviz, tmp_path, capsys):
    with pytest.raises(SystemExit):
        tbviz("prune", tmp_path, "--keep", keep)
    said = capsys.readouterr().err
    assert f"received {repr(keep) if keep else 'an empty text'}; expected every=N" in said
    assert "separated by a comma" in said


def test_a_run_in_an_object_store_is_inspected_and_controlled(bucket, tbviz):
    log_dir = f"{bucket}/logs"
    training = Run(f"{log_dir}/deep/run", LAYERS[-1:], 1)
    training.add()
    training.add()
    for location in (log_dir, f"{log_dir}/deep/run", f"{log_dir}/deep/run/plugins/tbviz"):
        status, said = tbviz("inspect", "--json", "--verify", location)
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
    piped = '"$0" -m tbviz inspect --json "$1" | head -c 1'
    done = run_program(["sh", "-c", piped, sys.executable, healthy], cwd=Path(__file__).parents[2])
    assert (done.stdout, done.stderr) == ("{", "")
