"""Read the arguments of the command `tbviz`, and run one of its subcommands."""

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
    """Return the parser of all subcommands; this loads nothing heavy."""
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
        arguments: The words after `tbviz`. Defaults to None: `sys.argv[1:]`.

    Returns:
        The exit status: 0; 1 after an error that tbviz explains; 130 after Ctrl-C; 4 if `inspect`
        found damage.
    """
    options = parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A directory or layer whose name the terminal cannot show must not end a command.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status: int = options.run(options)
    except TbvizError as error:
        print(f"tbviz {options.command}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader, such as `head`, has ended; Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\ntbviz: stopped", file=sys.stderr)
        return 130
    return status
