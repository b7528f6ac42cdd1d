"""A test that is stuck ends within its limit, and so does all that it started."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from children import tree
from children.starting import PIPE, run_program, started

TESTS = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(not tree.CAN_FIND, reason="nothing is found by its mark here")

# Says who it is and never ends, with a child in a session of its own that does the same.
FAMILY = """
import os, signal, subprocess, sys, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
own = ["child", "grandchild"][int(sys.argv[2])]
open(os.path.join(sys.argv[1], own), "w").write(str(os.getpid()))
if own == "child":
    subprocess.Popen([*sys.orig_argv[:-1], "1"], start_new_session=True)
    while not os.path.exists(os.path.join(sys.argv[1], "grandchild")):
        time.sleep(0.01)
    print("both", flush=True)
while True:
    time.sleep(3600)
"""

STUCK = {
    # Reads what never comes.
    "reads": """
def test_stuck(family):
    with started(family, stdout=PIPE, text=True) as process:
        process.stdout.read()
""",
    # The exception at its limit is raised in a block that waits for the child when it is left.
    "waits again": """
def test_stuck(family):
    with subprocess.Popen(family, stdout=PIPE, text=True) as process:
        process.stdout.read()
""",
    # Never comes back to Python, where exceptions are raised.
    "signals are blocked": """
def test_stuck(family):
    with started(family, stdout=PIPE, text=True) as process:
        process.stdout.readline()
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
        process.wait()
""",
    # pytest-timeout lets go of a test that has failed.
    "cleans up": """
@pytest.fixture
def process(family):
    process = subprocess.Popen(family, stdout=PIPE, text=True)
    process.stdout.readline()
    yield process
    process.wait()

def test_stuck(process):
    assert not process
""",
}
HEAD = f"""
import signal, subprocess, sys
import pytest
from children import limit
from children.starting import PIPE, started

limit.GRACE = 2.0

@pytest.fixture
def family():
    return [sys.executable, "-c", {FAMILY!r}, "who", "0"]

def test_before():
    pass
"""
TAIL = """
def test_after():
    pass
"""


@pytest.fixture
def tiny(tmp_path):
    """Writes a tiny file of tests whose test_stuck has a limit; gives what runs it."""

    def prepared(body, limit, *arguments):
        (tmp_path / "who").mkdir(exist_ok=True)
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        limited = f"@pytest.mark.timeout({limit})\ndef test_stuck"
        text = HEAD + body.replace("def test_stuck", limited) + TAIL
        (tmp_path / "test_tiny.py").write_text(text)
        command = [sys.executable, "-B", "-m", "pytest", "-p", "children.limit", *arguments]
        command.append(f"--basetemp={tmp_path / 'base'}")
        return command, {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(TESTS)}}

    return prepared


@pytest.fixture
def stuck(tmp_path, tiny):
    """Runs a test that is stuck; longer where its children did not start within its limit."""

    def ran(body, *arguments):
        for limit in (3, 12, 60):
            command, settings = tiny(body, limit, *arguments)
            done = run_program(command, timeout=150, **settings)
            if set(family(tmp_path)) == {"child", "grandchild"}:
                return done
        raise AssertionError(f"its children have not started: {done.stdout} {done.stderr}")

    return ran


def family(tmp_path):
    """Who has said who it is."""
    texts = {path.name: path.read_text() for path in (tmp_path / "who").iterdir()}
    return {name: int(text) for name, text in texts.items() if text}


def is_alive(process):
    """Whether it is there and has not ended: who has ended may wait for its parent to ask."""
    try:
        return (tree._PROCESSES / str(process) / "stat").read_text().rpartition(")")[2][1] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(processes):
    deadline = time.monotonic() + 60
    while left := {name for name, process in processes.items() if is_alive(process)}:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


@pytest.mark.parametrize("body", STUCK.values(), ids=STUCK)
def test_a_stuck_test_ends_with_all_that_it_started(tmp_path, stuck, body):
    done = stuck(body)
    assert done.returncode == 1
    if body == STUCK["reads"]:
        assert "1 failed, 2 passed" in done.stdout
    else:  # its process has ended, and has said where it was
        assert "Timeout (0:" in done.stderr
        assert "test_tiny.py" in done.stderr
    wait_until_gone(family(tmp_path))


def test_workers_go_on_after_a_stuck_test(tmp_path, stuck):
    done = stuck(STUCK["waits again"], "--numprocesses=1")
    assert "1 failed, 2 passed" in done.stdout
    assert "crashed while running 'test_tiny.py::test_stuck'" in done.stdout
    wait_until_gone(family(tmp_path))


def test_nothing_outlives_tests_that_are_killed(tmp_path, tiny, monkeypatch):
    monkeypatch.setattr(tree, "new_mark", lambda: "/another")  # of which their own knows nothing
    command, settings = tiny(STUCK["reads"], 240)
    with started(command, **settings) as process:
        while len(family(tmp_path)) < 2:
            assert process.poll() is None
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        wait_until_gone(family(tmp_path))


def test_a_child_begins_with_the_signals_of_a_shell():
    ask = """
import signal
default = (signal.SIG_DFL, signal.default_int_handler)
own = {signal.SIGPIPE, getattr(signal, "SIGXFSZ", None)}  # Python itself ignores them
changed = {n for n in signal.valid_signals() if signal.getsignal(n) is signal.SIG_IGN} - own
print(changed, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
print(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
"""
    start = f"""
import signal, sys
from children.starting import run_program
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGALRM])
print(run_program([sys.executable, "-c", {ask!r}], check=True).stdout)
"""
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    done = run_program([sys.executable, "-c", start], env=environment, check=True)
    assert done.stdout.split("\n")[:2] == ["set() True", "set()"]


def test_a_child_has_nothing_to_read_but_what_it_is_given():
    code = "import sys; print(len(sys.stdin.read()))"
    assert run_program([sys.executable, "-c", code], check=True).stdout == "0\n"
    with started([sys.executable, "-c", code], stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.communicate("four", timeout=60)[0] == "4\n"


def test_the_last_words_of_a_child_are_reported():
    code = "import sys, time; print('said', flush=True); time.sleep(int(sys.argv[1])); sys.exit(3)"
    with pytest.raises(AssertionError, match=r"has not ended after 2 s(?s:.*)said"):
        run_program([sys.executable, "-c", code, "3600"], timeout=2)
    with pytest.raises(AssertionError, match=r"ended with 3, expected 0(?s:.*)said"):
        run_program([sys.executable, "-c", code, "0"], check=True)
    assert run_program([sys.executable, "-c", code, "0"]).returncode == 3


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match="received the command 'no-such-program'"):
        run_program(["no-such-program"])
