"""Run TensorBoard in a process that ends when this one ends."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tbviz.cli.console import say
from tbviz.errors import TbvizError

HOST = "127.0.0.1"
FIRST_PORT = 6006  # TensorBoard's own


class ServerError(TbvizError):
    """TensorBoard cannot listen, or has ended by itself."""


class Server:
    """A TensorBoard for this machine only; a context manager that starts and stops it.

    A thread prints the address as soon as TensorBoard answers.

    Args:
        log_dir: The log directory; it is created if it does not exist.
        port: The port. Defaults to None: `FIRST_PORT`, or a free one if that is taken.

    Raises:
        ServerError: If the given port is taken.
    """

    def __init__(self, log_dir: Path, port: int | None = None) -> None:
        self._log_dir = log_dir
        self._port = choose_port(port)
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (closed in __exit__)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()

    @property
    def url(self) -> str:
        """Return the address of the tbviz tab."""
        return f"http://{HOST}:{self._port}/#tbviz"

    def __enter__(self) -> Self:
        self._log_dir.mkdir(parents=True, exist_ok=True)
        say(f"starting TensorBoard on {self._log_dir}")
        command = [sys.executable, "-m", "tbviz.cli.tensorboard_child"]
        command += ["--logdir", str(self._log_dir), "--host", HOST, "--port", str(self._port)]
        self._process = subprocess.Popen(  # noqa: S603 (our own interpreter, no shell)
            command,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._complaints,
            start_new_session=True,  # Ctrl-C reaches this process only, which stops TensorBoard
        )
        threading.Thread(target=self._announce, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        if self._process is not None:
            self._process.terminate()
            self._process.communicate()
        self._complaints.close()

    def wait(self) -> None:
        """Wait for Ctrl-C.

        Raises:
            ServerError: If TensorBoard has ended by itself.
        """
        if self._process is None:
            return
        try:
            status = self._process.wait()
        except KeyboardInterrupt:
            say("TensorBoard stopped")
            return
        self._complaints.seek(0)
        last = self._complaints.read().decode(errors="replace").strip().splitlines()[-5:]
        raise ServerError(
            f"TensorBoard ended by itself with status {status}; expected it to run until Ctrl-C; "
            f"try: tensorboard --logdir {self._log_dir}. Its last lines:\n" + "\n".join(last)
        )

    def _announce(self) -> None:
        while not self._stopping.wait(0.3):
            if self._process is None or self._process.poll() is not None:
                return  # `wait` reports it
            if answers(self._port):
                say(f"watch it learn at {self.url}")
                return


def answers(port: int) -> bool:
    """Return whether a TensorBoard answers on a port of this machine."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/data/environment")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def choose_port(requested: int | None) -> int:
    """Return the requested port, or `FIRST_PORT` if it is free, else any free one.

    Raises:
        ServerError: If the requested port is taken.
    """
    if requested is not None:
        if not _is_free(requested):
            raise ServerError(
                f"received port {requested}, which another program uses; expected a free port; "
                "omit --port to have one chosen"
            )
        return requested
    if _is_free(FIRST_PORT):
        return FIRST_PORT
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name != "nt":  # a port that was in use a moment ago counts as free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
