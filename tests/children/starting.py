"""Starts other programs for tests: they begin as from a shell, and end with the test.

A child is interrupted by Ctrl-C even where the tests are not, reads nothing unless it is given
something to read, and is ended with all that it started, wherever the test stops.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import (
    DEVNULL,
    PIPE,
    STDOUT,
    CalledProcessError,
    CompletedProcess,
    Popen,
    TimeoutExpired,
)
from typing import Any

from children import begin, tree

__all__ = ["PIPE", "STDOUT", "TimeoutExpired", "run_program", "started"]

TIMEOUT = 240.0
"""Default seconds that a child may run: less than the limit of a test."""


@contextmanager
def started(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    **settings: Any,
) -> Iterator[Popen[Any]]:
    """Start a program; end it, and all that it started, when the block is left.

    Args:
        command: The program and its arguments. No shell reads them.
        env: Its environment; that of the tests without it.
        settings: Further settings of `Popen`. Without `stdin`, it has nothing to read.

    Raises:
        FileNotFoundError: There is no such program.
    """
    words = [os.fspath(word) for word in command]
    environment = dict(os.environ if env is None else env)
    if shutil.which(words[0], path=environment.get("PATH")) is None:
        raise FileNotFoundError(f"received the command {words[0]!r}, expected one on the PATH")
    mark = environment[tree.NAME] = tree.new_mark()
    if os.name == "posix":
        words = [sys.executable, "-I", "-S", begin.__file__, *words]
    process = Popen(
        words, env=environment, start_new_session=True, **{"stdin": DEVNULL, **settings}
    )
    try:
        yield process
    finally:
        _end(process, mark)


def _end(process: Popen[Any], mark: str) -> None:
    if hasattr(os, "killpg"):  # where nothing can be found by its mark, its group at least
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    tree.end(mark)
    process.wait(tree.TIMEOUT)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(OSError):  # what could not be written any more
                pipe.close()


def run_program(
    command: Sequence[str | Path],
    *,
    check: bool = False,
    timeout: float = TIMEOUT,
    **settings: Any,
) -> CompletedProcess[str]:
    """Run a program to its end; return its status and what it printed, as text.

    Args:
        command: As `started` takes it.
        check: Whether another status than 0 is an error.
        timeout: Seconds that it has.
        settings: Further ones of `started`.

    Raises:
        AssertionError: It did not end in time, or `check` and its status. What it had printed
            stands in the message.
    """
    pipes = {"stdout": PIPE, "stderr": PIPE}
    with started(command, text=True, **{**pipes, **settings}) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except TimeoutExpired as error:
            raise AssertionError(_last_words(error, f"has not ended after {timeout} s")) from error
    done = CompletedProcess(command, process.returncode, output, errors)
    if check and done.returncode:
        error = CalledProcessError(done.returncode, command, output, errors)
        raise AssertionError(_last_words(error, f"ended with {done.returncode}, expected 0"))
    return done


def _last_words(error: CalledProcessError | TimeoutExpired, what: str) -> str:
    texts = (
        text.decode(errors="replace") if isinstance(text, bytes) else text
        for text in (error.stdout, error.stderr)
    )
    return "\n".join([f"{error.cmd} {what}. It printed:", *filter(None, texts)])
