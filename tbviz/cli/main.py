"""The command line `tbviz`: reads the arguments and hands them to one subcommand."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from tbviz.cli import control, demo, inspect, prune, repair
from tbviz.errors import TbvizError
from tbviz.version import __version__

COMMANDS = (demo, inspect, control, prune, repair)


def parser() -> argparse.ArgumentParser:
    """The parser of all subcommands; building it loads nothing heavy."""
    top = argparse.ArgumentParser(
        prog="tbviz",
        description="See what every layer of a Keras model learns, in a tab of TensorBoard.",
    )
    top.add_argument("--version", action="version", version=f"tbviz {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: what was typed after `tbviz`; `sys.argv[1:]` unless given.

    Returns:
        The exit status: 0, 1 after an error that tbviz explains, 130 after Ctrl-C; `inspect` has
        4 if something is damaged.
    """
    options = parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal cannot show, of a directory or a layer, ends no command.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status: int = options.run(options)
    except TbvizError as error:
        print(f"tbviz {options.command}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Who read us, such as `head`, has seen enough; Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\ntbviz: stopped", file=sys.stderr)
        return 130
    return status
