"""Parse arguments that several subcommands have."""

from __future__ import annotations

import argparse


def positive(text: str) -> int:
    """Parse a whole number of at least 1."""
    number = whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"received {text}, expected 1 or more")
    return number


def whole(text: str) -> int:
    """Parse a whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"received {text}, expected a whole number") from None


def share(text: str) -> float:
    """Parse a share above 0 and up to 1, such as 0.05."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(
            f"received {text}, expected a share above 0 and up to 1, such as 0.05"
        )
    return number
