from __future__ import annotations

from pathlib import Path

import pytest

import tbviz
from tbviz.cli import demo
from tbviz.cli.main import main, parser
from tbviz.errors import TbvizError


def test_demo_needs_no_options():
    options = parser().parse_args(["demo"])
    assert (options.epochs, options.log_dir, options.port) == (12, Path("logs/demo"), None)
    assert (options.no_serve, options.digits) == (False, False)


def test_demo_takes_options():
    typed = ["demo", "--epochs", "3", "--log-dir", "x/y", "--port", "7007", "--no-serve"]
    options = parser().parse_args([*typed, "--digits"])
    assert (options.epochs, options.log_dir, options.port) == (3, Path("x/y"), 7007)
    assert (options.no_serve, options.digits) == (True, True)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--epochs", "0"], "received 0, expected 1 or more"),
        (["--epochs", "many"], "received many, expected a whole number"),
        (["--port", "70000"], "received 70000, expected a port from 1 to 65535"),
        (["--port", "x"], "received x, expected a whole number"),
    ],
)
def test_what_cannot_be_used_is_named(typed, said, capsys):
    with pytest.raises(SystemExit):
        main(["demo", *typed])
    assert said in capsys.readouterr().err


def test_the_command_says_its_version_and_what_there_is(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"tbviz {tbviz.__version__}\n"
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "demo" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([])
    assert "COMMAND" in capsys.readouterr().err


def test_an_error_of_ours_is_one_line_and_ctrl_c_is_no_error(monkeypatch, capsys):
    def fail(options):
        raise TbvizError("received this, expected that")

    def interrupt(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "run", fail)
    assert main(["demo"]) == 1
    assert capsys.readouterr().err == "tbviz demo: received this, expected that\n"
    monkeypatch.setattr(demo, "run", interrupt)
    assert main(["demo"]) == 130
    assert "stopped" in capsys.readouterr().err
