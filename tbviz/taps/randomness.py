"""Randomness: global random states, the user's own, are after a look what they were before."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np

from tbviz.taps import backends


@contextlib.contextmanager
def random_states_kept() -> Iterator[None]:
    """Puts back the state of `random`, of `numpy.random` and of the backend.

    A layer of the user's may draw from them while it is called, and training draws from them, too:
    one number more in a look and every batch after it is shuffled differently.
    """
    python = random.getstate()
    numpy = np.random.get_state()  # noqa: NPY002  (the user's state, not ours)
    restore = backends.current().random_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        restore()
