"""The Makefile's set-up on machines that lack something."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from children.starting import run_program

ROOT = Path(__file__).parents[2]
MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(MAKE is None, reason="make is not installed")

OLD = "#!/bin/sh\nexit 1\n"
NO_VENV = """#!/bin/sh
case "$2" in
    *ensurepip*) exit 1 ;;
    *print*) echo 3.12 ;;
esac
"""
GOOD = """#!/bin/sh
[ "$1 $2" = "-m venv" ] && mkdir "$4"
[ "$1" = "--version" ] && echo Python 3.11.9
exit 0
"""


def make(*arguments, path=None):
    # Without the settings of the `make` that may have started the tests.
    inherited = {n: text for n, text in os.environ.items() if not n.startswith(("MAKE", "MFLAGS"))}
    environment = {"PATH": str(path)} if path else inherited
    return run_program(
        [MAKE, "--file", str(ROOT / "Makefile"), *arguments],
        cwd=path.parent if path else ROOT,
        env=environment,
    )


@pytest.fixture
def machine(tmp_path):
    """A PATH with a few tools and the Pythons one asks for; returns what makes one."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "sh", "mkdir", "touch", "find"):
        (tools / name).symlink_to(shutil.which(name))

    def with_pythons(**scripts):
        for name, script in scripts.items():
            python = tools / name.replace("_", ".")
            python.write_text(script)
            python.chmod(0o755)
        return tools

    return with_pythons


def test_help_names_every_target_for_people():
    text = (ROOT / "Makefile").read_text()
    targets = set(" ".join(re.findall(r"^\.PHONY: (.*)", text, re.MULTILINE)).split()) - {"help"}
    listed = set(re.findall(r"make ([a-z0-9-]+)", make("help").stdout))
    assert listed == targets - {"lint-python", "lint-page"}
    assert make().stdout == make("help").stdout


def test_no_target_calls_sudo():
    assert "sudo" not in (ROOT / "Makefile").read_text()


def test_the_first_python_that_is_new_enough_and_has_venv_is_taken(machine):
    path = machine(python3_13=OLD, python3_12=NO_VENV, python3_11=GOOD, python3=GOOD)
    done = make(".venv/.made", path=path)
    assert done.returncode == 0, done.stderr
    assert "made with python3.11" in done.stdout
    assert (path.parent / ".venv" / ".made").exists()


def test_a_python_without_venv_is_named_with_debians_package(machine):
    done = make(".venv/.made", path=machine(python3=NO_VENV))
    assert done.returncode != 0
    assert "apt install python3.12-venv" in done.stderr
    assert not (machine().parent / ".venv").exists()


def test_without_a_new_enough_python_the_searched_names_are_printed(machine):
    done = make(".venv/.made", path=machine(python3=OLD))
    assert done.returncode != 0
    assert "Expected Python 3.11 or newer" in done.stderr
    assert "python3.13 python3.12 python3.11 python3" in done.stderr


@pytest.mark.parametrize(("target", "size"), [("demo", "2.2 GB"), ("test", "3.8 GB")])
def test_the_size_on_disk_is_printed_before_the_installation(machine, target, size):
    done = make("--dry-run", f"VENV={machine().parent}/.venv", target)
    printed, installed = (done.stdout.index(words) for words in (size, "-m pip"))
    assert printed < installed


def runs_of_pytest(target):
    """What the target would run, as (backend, arguments)."""
    planned = make("--dry-run", target, "ARGS=--asked").stdout
    return re.findall(
        r"KERAS_BACKEND=(\w+) \S+ -m pytest (.*?) --asked", planned.replace("\\\n", "")
    )


@pytest.mark.parametrize("target", ["test", "test-all"])
def test_pytest_runs_once_on_each_backend(target):
    runs = dict(runs_of_pytest(target))
    assert list(runs) == ["tensorflow", "jax", "torch"]
    assert "tests/" not in runs["tensorflow"]
    assert "tests/backends tests/models" in runs["jax"]
    assert runs["jax"] == runs["torch"]


def test_only_all_takes_every_row_of_the_table_of_models():
    assert all("-m" not in arguments for _, arguments in runs_of_pytest("test"))
    assert all("-m ''" in arguments for _, arguments in runs_of_pytest("test-all"))


def test_one_known_torch_is_installed_and_another_can_be_asked_for():
    assert re.search(r"install .*\.\[tensorflow,jax,torch,test\]' 'torch==", dry("test"))
    assert "install --editable '.[tensorflow]'" in dry("demo")
    assert " 'torch==2.9.0'" in dry("test", "TORCH=torch==2.9.0")


def dry(*arguments):
    return make("--dry-run", "--always-make", *arguments).stdout
