"""`tbviz demo` as a person types it, for one epoch."""

from __future__ import annotations

import os
import re
import signal
import sys
import urllib.request
from pathlib import Path

import pytest
from children.starting import PIPE, STDOUT, run_program, started

from tbviz.cli import server
from tbviz.store.disk.locations import store_directory
from tbviz.store.read.reader import Reader
from tbviz.store.write.writer import Writer

pytestmark = pytest.mark.slow
ARGUMENTS = ["demo", "--epochs", "1"]
COMMAND = [sys.executable, "-m", "tbviz", *ARGUMENTS]
WITH_DIGITS = [sys.executable, Path(__file__).parents[1] / "data" / "digits.py", *ARGUMENTS]


def test_one_epoch_of_digits_becomes_the_next_segment_of_an_earlier_run(tmp_path):
    earlier = Writer(tmp_path / "digits")
    earlier.append({"kind": "fit", "event": "begin", "epochs": 1})
    earlier.close()
    done = run_program([*WITH_DIGITS, "--digits", "--no-serve", "--log-dir", tmp_path], check=True)
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


def test_without_a_network_one_sentence_says_that_digits_must_be_downloaded(tmp_path):
    cache, log_dir = tmp_path / "keras", tmp_path / "logs"
    cache.mkdir()
    # Nothing listens at this port: the download of Keras fails as without a network.
    closed = dict.fromkeys(("https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = run_program(
        [*COMMAND, "--digits", "--no-serve", "--log-dir", log_dir],
        env={**os.environ, **closed, "KERAS_HOME": str(cache)},
    )
    assert done.returncode == 1
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith("tbviz demo: received no MNIST digits from keras.datasets (")
    assert f"expected a network or the file mnist.npz in {cache / 'datasets'};" in sentence
    assert sentence.endswith("leave --digits out and train on the photographs")
    assert not log_dir.exists()


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
