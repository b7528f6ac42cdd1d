"""Leave the user's global random states as they were before a pass."""

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

    A layer of the user may draw from them when it is called, and training draws from them, too: if
    a pass drew one more number, every later batch would be shuffled differently. But the states
    belong to the whole process: if a data pipeline draws from them on another thread, restoring
    them would make it draw the same numbers twice. So use this only for models that are known to
    draw, and before a pipeline runs.

    Yields:
        A function that tells whether `random` or `numpy.random` have drawn since.
    """
    with backend_state_preserved(), global_states_preserved() as moved:
        yield moved


@contextlib.contextmanager
def global_states_preserved() -> Iterator[Callable[[], bool]]:
    """Restore the same states except the backend's, while a dataset is opened."""
    before = _states()
    try:
        yield lambda: not _same(before, _states())
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002  (the user's state, not ours)


def same_draw(model: Any) -> contextlib.AbstractContextManager[object]:
    """Return a scope within a pass that leaves the model's seeds as they were.

    The calls of one pass (steps of an ascent, or the two of a gradient on JAX) then see the same
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

    Before that, passes use their own seeds, always the same, since compiled passes refer to them.
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
