from __future__ import annotations

import gc
import signal
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest
import stores
from children.starting import run_program

from tbviz.store.errors import StoreError
from tbviz.store.read.reader import open_reader
from tbviz.store.write.background import BackgroundWriter
from tbviz.store.write.writer import Writer

ROOM = str(Path(stores.__file__).parent)


def test_jobs_run_in_order_each_on_disk_before_the_next(tmp_path):
    background = BackgroundWriter(Writer(tmp_path))
    seen = []
    threads = set()

    def job(epoch):
        def run(writer):
            seen.append(len(open_reader(tmp_path)))
            threads.add(threading.current_thread() is threading.main_thread())
            stores.append(writer, epoch)

        return run

    for epoch in range(5):
        assert background.submit(job(epoch)) >= 0
    assert background.drain()
    assert seen == [0, 1, 2, 3, 4]
    assert threads == {False}
    assert len(open_reader(tmp_path)) == 5
    background.close()


def test_submit_waits_for_the_previous_job(tmp_path, monkeypatch):
    background = BackgroundWriter(Writer(tmp_path))
    gate = threading.Event()
    drain = background.drain

    def slow(writer):
        assert gate.wait(60)
        time.sleep(0.1)
        stores.append(writer, 0)

    background.submit(slow)
    assert not background.drain(timeout=0.01)
    monkeypatch.setattr(background, "drain", lambda *args: gate.set() or drain(*args))
    assert background.submit(lambda writer: stores.append(writer, 1)) >= 0.1
    assert drain(timeout=60)
    assert len(open_reader(tmp_path)) == 2
    background.close()


def test_failures_reach_only_the_callback(tmp_path):
    reported = []
    background = BackgroundWriter(Writer(tmp_path), reported.append)

    def half(writer):
        stores.append(writer, 0)
        raise ValueError("no such layer")

    background.submit(half)
    background.submit(lambda writer: stores.append(writer, 1))
    background.close()
    assert [str(error) for error in reported] == ["no such layer"]
    assert background.failures == reported
    assert background.failures[0].__traceback__ is None
    assert len(open_reader(tmp_path)) == 2  # what the job had appended is kept
    background.submit(lambda writer: stores.append(writer, 2))
    assert isinstance(reported[-1], StoreError)


def test_errors_with_cyclic_causes_end_the_job(tmp_path):
    reported = []
    background = BackgroundWriter(Writer(tmp_path), reported.append)
    # As s3fs raises what boto3 raised, and was handed, again.
    error, cause, context = RuntimeError("first"), OSError("second"), OSError("third")
    error.__cause__, error.__context__, cause.__context__ = cause, context, error

    def job(writer):
        raise error

    background.push(job)
    assert background.close(timeout=60)
    assert reported == [error]
    assert (cause.__context__, error.__traceback__) == (error, None)


def test_a_disk_failure_reaches_the_callback_and_the_next_job_goes_on(tmp_path):
    reported = []
    (tmp_path / "plugins").write_text("in the way")
    background = BackgroundWriter(Writer(tmp_path), reported.append)
    background.submit(lambda writer: stores.append(writer, 0))
    background.drain()
    (tmp_path / "plugins").unlink()
    background.submit(lambda writer: stores.append(writer, 1))
    background.close()
    assert len(reported) == 1
    assert isinstance(reported[0], StoreError)
    assert len(open_reader(tmp_path)) == 1


def test_a_failing_callback_does_no_harm(tmp_path, caplog):
    def bad(error):
        raise RuntimeError("worse")

    background = BackgroundWriter(Writer(tmp_path), bad)
    background.submit(lambda writer: 1 / 0)
    background.close()
    assert "on_error failed" in caplog.text


def test_without_a_callback_failures_are_logged(tmp_path, caplog):
    background = BackgroundWriter(Writer(tmp_path))
    background.submit(lambda writer: 1 / 0)
    background.close()
    assert "division by zero" in caplog.text


def test_cpu_seconds_count_the_jobs(tmp_path):
    background = BackgroundWriter(Writer(tmp_path, sync=False))
    background.submit(lambda writer: sum(range(1_000_000)))
    background.drain()
    first = background.cpu_seconds
    assert 0.001 < first < 5
    background.submit(lambda writer: sum(range(1_000_000)))
    background.close()
    assert background.cpu_seconds > first


def test_nothing_is_left_behind(tmp_path):
    before = set(threading.enumerate())
    for _ in range(20):
        background = BackgroundWriter(Writer(tmp_path))
        background.submit(lambda writer: stores.append(writer, 0))
        background.close()
        gone = weakref.ref(background)
        del background
    gc.collect()
    assert gone() is None
    assert set(threading.enumerate()) <= before


def test_a_job_may_drain_and_submit_may_be_called_from_it(tmp_path):
    background = BackgroundWriter(Writer(tmp_path))
    drained = []
    background.submit(lambda writer: drained.append(background.drain()))
    assert background.drain(timeout=30)
    assert drained == [True]
    background.close()


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("", 0),
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("raise ValueError", 1),
        ("sys.exit(3)", 3),
    ],
)
def test_submitted_jobs_are_on_disk_when_the_interpreter_exits(tmp_path, end, code):
    script = f"""
import sys, time
sys.path.insert(0, {ROOM!r})
import stores
from tbviz.store.write.background import BackgroundWriter
from tbviz.store.write.writer import Writer
background = BackgroundWriter(Writer({str(tmp_path)!r}))
def job(writer):
    time.sleep(0.3)
    stores.append(writer, 0)
background.submit(job)
{end}
"""
    done = run_program([sys.executable, "-c", script])
    assert done.returncode in {code, 130 if code < 0 else code}
    assert len(open_reader(tmp_path)) == 1


def test_a_hanging_job_is_not_waited_for_longer_than_asked(tmp_path):
    disk = threading.Event()
    background = BackgroundWriter(Writer(tmp_path))
    background.submit(lambda _: disk.wait())
    assert not background.drain(timeout=0.05)
    background.push(lambda writer: writer.append({"kind": "metrics", "epoch": 0, "values": {}}))
    assert not background.close(timeout=0.05)
    disk.set()
    assert background.drain()
    assert len(open_reader(tmp_path)) == 1


def test_no_thread_is_left_behind(tmp_path):
    background = BackgroundWriter(Writer(tmp_path))
    for epoch in range(3):
        background.submit(
            lambda writer, epoch=epoch: writer.append(
                {"kind": "metrics", "epoch": epoch, "values": {}}
            )
        )
    background.drain()
    assert not [thread for thread in threading.enumerate() if thread.name == "tbviz-writer"]
    background.close()
    assert not background.failures
