"""Parts: work that takes long, done a part at a time, maybe at different positions."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TypeVar

import numpy as np

from tbviz.callbacks.run.pictures import GrayPicture
from tbviz.callbacks.run.run_log import RunLog
from tbviz.store.format.schema import Position

Part = TypeVar("Part")
Done = list[tuple[Position | None, Part]]


def in_parts(
    run_log: RunLog,
    guard: Callable[[], AbstractContextManager[None]],
    parts: Sequence[Callable[[], Part | None]],
) -> Generator[None, None, Done[Part]]:
    """Does one part after the other; between two of them the work may be interrupted.

    Args:
        run_log: knows the position.
        guard: the error boundary of each.
        parts: each captures the model as it is when it is called, and returns `None` if there
            is nothing to show.

    Returns:
        What each has given, and where; nothing where one failed or had nothing.
    """
    done: Done[Part] = []
    for number, part in enumerate(parts):
        if number:
            yield
        with guard():  # never across a yield: it changes what warnings do
            found = part()
            if found is not None:
                done.append((run_log.position, found))
        if len(done) == number:
            return []
    return done


def made_over(positions: Sequence[Position | None]) -> str | None:
    """That a picture was made at several positions, in words; `None` where it was not."""
    epochs = [position.epoch for position in positions if position is not None]
    if len(set(positions)) < 2 or not epochs:
        return None
    if epochs[0] == epochs[-1]:
        return f"made in parts within epoch {epochs[0]}"
    return f"made in parts from epoch {epochs[0]} to epoch {epochs[-1]}"


def joined(done: Done[GrayPicture]) -> GrayPicture:
    """The pictures of some probe images each as one picture of all of them.

    A sheet that was made at an earlier position than the last says so.
    """
    last = done[-1][0]
    sheets = [picture for _, picture in done]
    return replace(
        sheets[0],
        tiles=np.concatenate([sheet.tiles for sheet in sheets]),
        texts=[
            _dated(text, position, last)
            for position, sheet in done
            for text in sheet.texts or [None] * len(sheet.tiles)
        ],
        images=[image for sheet in sheets for image in sheet.images or ()] or None,
    )


def _dated(
    text: Mapping[str, object] | None, position: Position | None, last: Position | None
) -> Mapping[str, object] | None:
    if position == last or position is None:
        return text
    when = f"epoch {position.epoch}" if position.batch is None else f"batch {position.batch}"
    return {**(text or {}), "note": f"as it was at {when}"}
