"""Random states: a pass leaves the user's global random states as they were."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from tbviz.taps import backends, keras_private


@contextlib.contextmanager
def random_states_preserved() -> Iterator[Callable[[], bool]]:
    """Restore the state of `random`, of `numpy.random` and of the backend.

    A layer of the user's may draw from them when it is called, and training draws from them, too:
    with one more number drawn in a pass, every later batch is shuffled differently. But the states
    belong to the whole process: if a data pipeline draws from them on its own thread, restoring
    them would make it draw the same numbers twice. So this is only for models that are known to
    draw, and for finding out, before a pipeline runs.

    Yields:
        A function that tells whether `random` or `numpy.random` have drawn since.
    """
    with backend_state_preserved(), global_states_preserved() as moved:
        yield moved


@contextlib.contextmanager
def global_states_preserved() -> Iterator[Callable[[], bool]]:
    """Restore the same without the backend's: for what draws while a dataset is opened."""
    before = _states()
    try:
        yield lambda: not _same(before, _states())
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002  (the user's state, not ours)


def same_draw(model: Any) -> contextlib.AbstractContextManager[object]:
    """Return a scope within a pass that leaves the model's seeds as they were.

    So the calls of one pass (steps of an ascent, or the two of a gradient on JAX) see the same
    draw, and no tensor of a loop or of an inner trace escapes through a seed.
    """
    state = [(variable, variable.value) for variable in model.variables]
    scope: contextlib.AbstractContextManager[object] = keras.StatelessScope(state_mapping=state)
    return scope


@contextlib.contextmanager
def backend_state_preserved() -> Iterator[None]:
    """Restore the backend's own random state and Keras', which no data pipeline draws from."""
    restore = backends.current().random_state()
    try:
        with _global_seeds_preserved():
            yield
    finally:
        restore()


@contextlib.contextmanager
def _global_seeds_preserved() -> Iterator[None]:
    """Leave the creation of Keras' global seeds to training.

    Until then passes use seeds of their own, always the same: compiled passes refer to them.
    """
    if (seeds := keras_private.exchange_global_seeds(_OWN_SEEDS.get("seeds"))) is not None:
        keras_private.exchange_global_seeds(seeds)
        yield
        return
    try:
        yield
    finally:
        _OWN_SEEDS["seeds"] = keras_private.exchange_global_seeds(None)


_OWN_SEEDS: dict[str, Any] = {}


def _states() -> tuple[Any, Any]:
    return random.getstate(), np.random.get_state()  # noqa: NPY002  (the user's state, not ours)


def _same(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    pairs = zip(one[1], other[1], strict=True)
    return one[0] == other[0] and all(np.array_equal(a, b) for a, b in pairs)
