"""TensorBoard beside us: its port, its address, and that it never outlives us."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time

import pytest
from children.starting import PIPE, started

from tbviz.cli import server


def listening(port):
    listener = socket.socket()
    listener.bind((server.HOST, port))
    listener.listen()
    return listener


def until(condition, seconds=90.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s")


def test_a_taken_port_is_refused_with_the_remedy(port):
    refused = rf"received port {port}.*omit --port"
    with listening(port), pytest.raises(server.ServerError, match=refused):
        server.choose_port(port)
    assert server.choose_port(port) == port


def test_tensorboards_own_port_comes_first_and_then_any_free_one(monkeypatch, port):
    monkeypatch.setattr(server, "FIRST_PORT", port)
    with listening(port):
        chosen = server.choose_port(None)
        assert chosen != server.FIRST_PORT
        assert server.choose_port(chosen) == chosen
    assert server.choose_port(None) == server.FIRST_PORT


def test_nobody_answers_on_a_free_port(port):
    assert not server.answers(port)


@pytest.mark.slow
def test_the_address_is_said_when_tensorboard_answers(tmp_path, capsys, port):
    with server.Server(tmp_path / "logs", port) as running:
        assert running.url == f"http://127.0.0.1:{port}/#tbviz"
        said = []
        until(lambda: said.append(capsys.readouterr().out) or running.url in "".join(said))
        until(lambda: server.answers(port))
    until(lambda: not server.answers(port))


@pytest.mark.slow
def test_a_tensorboard_that_ends_by_itself_is_said_with_its_last_words(tmp_path, port):
    running = server.Server(tmp_path)
    running._port = port
    said = r"ended by itself(?s:.*)in use"
    with listening(port), running, pytest.raises(server.ServerError, match=said):
        running.wait()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="nothing to be killed with")
@pytest.mark.parametrize("end", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_tensorboard_ends_when_we_do_however_we_do(tmp_path, end, port):
    code = f"""
from pathlib import Path
from tbviz.cli.server import Server
with Server(Path({str(tmp_path / "logs")!r}), {port}) as running:
    running.wait()
"""
    with started([sys.executable, "-c", code], stdout=PIPE, text=True) as process:
        line = next(line for line in process.stdout if "http://" in line)
        assert f":{port}/#tbviz" in line
        until(lambda: server.answers(port))
        os.kill(process.pid, getattr(signal, end))
        process.wait(timeout=60)
        until(lambda: not server.answers(port))  # before what we started is ended for us
    if end == "SIGINT":
        assert process.returncode == 0
