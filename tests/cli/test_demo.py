"""`tbviz demo` as a person types it, for one epoch."""

from __future__ import annotations

import os
import re
import signal
import sys
import urllib.request

import pytest
from children.starting import PIPE, STDOUT, run_program, started

from tbviz.cli import server
from tbviz.store.disk.locations import store_directory
from tbviz.store.read.reader import Reader
from tbviz.store.write.writer import Writer

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "tbviz", "demo", "--epochs", "1"]


def test_one_epoch_of_digits_becomes_the_next_segment_of_an_earlier_run(tmp_path):
    earlier = Writer(tmp_path / "digits")
    earlier.append({"kind": "fit", "event": "begin", "epochs": 1})
    earlier.close()
    done = run_program([*COMMAND, "--digits", "--no-serve", "--log-dir", tmp_path], check=True)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert all(line.startswith("tbviz: ") for line in lines)
    [epoch] = [line for line in lines if "epoch 1 of 1" in line]
    assert re.search(r"loss \d\.\d+ .* validation accuracy 0\.\d+ .* \d+\.\d s$", epoch)
    assert "already has a run" in done.stdout
    reader = Reader(store_directory(tmp_path / "digits"))
    reader.refresh()
    assert len(reader.segments) == 2
    assert [position.epoch for _, position in reader.positions] == [0]
    assert list((tmp_path / "digits" / "train").glob("*tfevents*"))


def test_photographs_are_served_while_and_after_they_are_trained_on(tmp_path, port):
    command = [*COMMAND, "--log-dir", tmp_path, "--port", str(port)]
    with started(command, stdout=PIPE, stderr=STDOUT, text=True) as process:
        said = []
        for line in process.stdout:
            said.append(line)
            if "until you press Ctrl-C" in line:
                break
        else:
            pytest.fail("".join(said))
        assert not any("already has a run" in line for line in said)
        address = f"http://127.0.0.1:{port}"
        assert any(f"{address}/#tbviz" in line for line in said)
        with urllib.request.urlopen(f"{address}/data/plugin/tbviz/runs", timeout=60) as answer:
            assert b"photographs" in answer.read()
        with urllib.request.urlopen(f"{address}/data/plugins_listing", timeout=60) as answer:
            assert b'"tbviz"' in answer.read()
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 0
        assert not server.answers(port)
