"""A plugin of pytest: a test that is stuck ends, and what it started ends with it.

pytest-timeout raises an exception in a test that has reached its limit, once. That ends what waits
in Python, and `starting` ends the children on the way out. It does not end what never comes back
to Python, nor what waits again while it cleans up: pytest-timeout lets go of a test as soon as it
has failed. So the process of the tests itself ends `GRACE` seconds after the limit, where a test
is not over by then; pytest-xdist reports the test as failed, and goes on in another process.

Whatever ends the process of the tests, a warden beside it ends all that it had started.
"""

from __future__ import annotations

import faulthandler
import os
import subprocess
import sys

import pytest
import pytest_timeout
from children import tree

GRACE = 60.0
"""Seconds from a test's limit to the end of its process, which it has to clean up."""

_MESSAGES = pytest.StashKey[int]()
_WARDEN = pytest.StashKey[subprocess.Popen[bytes]]()


def pytest_configure(config):
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        try:
            config.stash[_MESSAGES] = os.dup(2)
        except OSError:  # nobody listens
            config.stash[_MESSAGES] = os.open(os.devnull, os.O_WRONLY)
    mark = tree.new_mark()
    if tree.CAN_FIND:
        config.stash[_WARDEN] = subprocess.Popen(
            [sys.executable, "-I", "-S", tree.__file__, mark],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # it outlives what ends us
        )
    os.environ[tree.NAME] = mark  # for whatever we start, with `starting` or without


def pytest_unconfigure(config):
    if _WARDEN in config.stash:
        config.stash[_WARDEN].communicate(timeout=2 * tree.TIMEOUT)
    os.close(config.stash[_MESSAGES])


def _end_us_after(seconds, config):
    if not config.getoption("usepdb") and not pytest_timeout.is_debugging():
        faulthandler.dump_traceback_later(seconds, exit=True, file=config.stash[_MESSAGES])


def pytest_timeout_set_timer(item, settings):
    _end_us_after(settings.timeout + GRACE, item.config)
    # None: pytest-timeout sets its own timer.


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node):
    """A test has failed: pytest has canceled ours as well, and now it cleans up."""
    if isinstance(node, pytest.Item):
        _end_us_after(GRACE, node.config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


def pytest_enter_pdb():
    faulthandler.cancel_dump_traceback_later()
