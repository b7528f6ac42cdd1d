"""Working: a callback looks, all at once or in as many parts as it can afford."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from tbviz.callbacks.model_view import View
from tbviz.callbacks.run_log import Journal
from tbviz.callbacks.scheduler import Pace

if TYPE_CHECKING:
    from tbviz.callbacks.base import Visual

_DONE = object()


def work(
    member: Visual,
    view: View,
    journal: Journal,
    pace: Pace,
    boundary: Callable[[Visual], AbstractContextManager[None]],
    *,
    whole: bool,
) -> bool:
    """Lets a callback look, or go on with a look that was interrupted.

    Args:
        member: the callback.
        view: of the model.
        journal: takes what is logged, and what it costs.
        pace: says what it can afford.
        boundary: catches what goes wrong in it.
        whole: whether it begins anew and does all of its work now, whatever that takes.

    Returns:
        Whether the look is finished, and all of it was taken at this position.
    """
    rest = None if whole else pace.going_on(member)
    anew = rest is None
    if rest is None:
        pace.drop(member)
        rest = _parts(member, view, journal)
    journal.yielding, journal.author = member.yields, member.author
    try:
        while True:
            done = True  # also where it fails
            with boundary(member), journal.costs.of(member.method, view.looker) as spent:
                done = next(rest, _DONE) is _DONE
            pace.limits.spend(member, spent, parts=1, done=done)
            if done:
                return anew
            if not whole and not pace.limits.affords(member):
                pace.interrupt(member, rest)
                return False
    finally:
        journal.yielding, journal.author = False, None


def _parts(member: Visual, view: View, journal: Journal) -> Iterator[None]:
    parts = member.look(view, journal)
    if parts is not None:
        yield from parts
