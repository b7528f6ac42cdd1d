"""Backends: the few things about a look that differ between TensorFlow, JAX and torch.

A backend is a module with the functions of `Backend`; the room outside knows only those.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, cast

import keras

from tbviz.errors import MissingBackendError


class Backend(Protocol):
    """What a look needs of a backend.

    Attributes:
        COMPILES: whether a look is traced once and run many times.
        COMPILES_LATE: whether most of the compiling comes when the trace is over.
        EAGER_IS_QUICK: whether running once is quicker eagerly than traced.
    """

    COMPILES: bool
    COMPILES_LATE: bool
    EAGER_IS_QUICK: bool

    def trace_level(self) -> object:
        """Where code runs now: eagerly, or in which graph or trace."""

    def same_level(self, one: object, other: object) -> bool:
        """Whether two answers of `trace_level` name the same place."""

    def isolated(self) -> AbstractContextManager[Any]:
        """While a look is traced, keeps functions that the model compiles itself apart from it."""

    def random_state(self) -> Callable[[], None]:
        """Notes the backend's own global random state; what it returns puts that back."""

    def compiled(self, function: Callable[..., Any], model: Any) -> Callable[..., Any]:
        """`function(model, *arrays)`, compiled; takes and returns trees of numpy arrays.

        Holds the model weakly. `function` is traced isolated and inside a `StatelessScope` with
        the model's present variables, so nothing it does changes them.
        """

    def eagerly(self, function: Callable[..., Any], model: Any, *arrays: Any) -> Any:
        """The same without compiling, for a single use."""

    def shaped(self, function: Callable[..., Any], model: Any, *arrays: Any) -> Any:
        """The same, traced only: gives the tree with a shape in place of each array."""

    def plain_variables(self, layer: Any) -> list[Any]:
        """The state that a layer holds in the backend's own variables, unknown to Keras."""

    def finite(self, variables: Callable[[], Sequence[Any]]) -> Callable[[], Any]:
        """Compiles a check of float variables, which reads and does not change them.

        Args:
            variables: gives Keras' variables, or those of `plain_variables`; always as many.

        Returns:
            What tells of each variable whether all of it is finite, in a numpy array.
        """

    def kept(self, tensor: Any) -> Any:
        """A tensor of the same numbers that what the model does in place leaves alone."""

    def gradients(
        self, forward: Callable[[Callable[[Any], Any]], Any], score: Callable[[Any], Any]
    ) -> tuple[Any, list[Any]]:
        """Derivatives of a score in the tensors that `forward` passes through `watch`.

        Args:
            forward: `forward(watch)` computes anything and passes tensors through `watch`.
            score: a scalar, of what `forward` returned.

        Returns:
            What `forward` returned, and one derivative for each watched tensor in order (zeros
            where the score does not depend on it).
        """

    def value_and_gradient(
        self, function: Callable[[Any], tuple[Any, Any]], value: Any
    ) -> tuple[Any, Any, Any]:
        """Of `function(tensor) -> (score, extra)`: the score, `extra`, and d score / d tensor."""


KNOWN = ("tensorflow", "jax", "torch")
"""Keras' other backends compute no gradients."""


def current() -> Backend:
    """The backend that Keras runs on.

    Raises:
        MissingBackendError: tbviz does not look into models on this backend.
    """
    name = keras.backend.backend()
    if name not in KNOWN:
        msg = (
            f"tbviz looks into models on {', '.join(KNOWN[:-1])} and {KNOWN[-1]}; Keras runs on "
            f"{name!r} here, which cannot train. Set KERAS_BACKEND to one of them before Keras is "
            "imported (pip install 'tbviz[tensorflow]', 'tbviz[jax]' or 'tbviz[torch]')."
        )
        raise MissingBackendError(msg)
    return cast("Backend", importlib.import_module(f"tbviz.taps.backends.{name}"))
