"""Select a backend: the parts of a pass that differ between TensorFlow, JAX and torch.

A backend is a module with the functions of `Backend`; other packages know only those.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, cast

import keras

from tbviz.errors import MissingBackendError


class Backend(Protocol):
    """The functions that a pass needs of a backend.

    Attributes:
        COMPILES: Whether a pass is traced once and run many times.
        COMPILES_LATE: Whether most of the compiling takes place after the trace.
        EAGER_IS_FAST: Whether running once is faster eagerly than traced.
    """

    COMPILES: bool
    COMPILES_LATE: bool
    EAGER_IS_FAST: bool

    def trace_level(self) -> object:
        """Return the place where code runs now: eagerly, or in a graph or trace."""

    def same_level(self, one: object, other: object) -> bool:
        """Tell whether two results of `trace_level` are the same graph or trace."""

    def isolated(self) -> AbstractContextManager[Any]:
        """Isolate functions that the model compiles itself while a pass is traced."""

    def random_state(self) -> Callable[[], None]:
        """Save the backend's own global random state; return a function that restores it."""

    def compiled(self, function: Callable[..., Any], model: Any) -> Callable[..., Any]:
        """Compile `function(model, *arrays)`, which takes and returns trees of numpy arrays.

        The model is held weakly. `function` is traced isolated and inside a `StatelessScope` with
        the model's present variables, so it cannot change them.
        """

    def run_eagerly(self, function: Callable[..., Any], model: Any, *arrays: Any) -> Any:
        """Run the same without compiling, for a single use."""

    def trace_shapes(self, function: Callable[..., Any], model: Any, *arrays: Any) -> Any:
        """Trace the same without running it; return the tree with a shape instead of each array."""

    def plain_variables(self, layer: Any) -> list[Any]:
        """Return the state of a layer in the backend's own variables, unknown to Keras."""

    def compile_finite_check(self, variables: Callable[[], Sequence[Any]]) -> Callable[[], Any]:
        """Compile a check of float variables, which reads and does not change them.

        Args:
            variables: Returns Keras' variables, or those of `plain_variables`, always as many.

        Returns:
            A function that returns for each variable whether all of it is finite, a numpy array.
        """

    def detached(self, tensor: Any) -> Any:
        """Return a tensor of the same numbers that in-place operations of the model leave alone."""

    def gradients(
        self, forward: Callable[[Callable[[Any], Any]], Any], score: Callable[[Any], Any]
    ) -> tuple[Any, list[Any]]:
        """Compute derivatives of a score in the tensors that `forward` passes through `watch`.

        Args:
            forward: `forward(watch)` computes anything and passes tensors through `watch`.
            score: A scalar, of what `forward` returned.

        Returns:
            What `forward` returned, and one derivative for each watched tensor in order (zeros
            if the score does not depend on it).
        """

    def value_and_gradient(
        self, function: Callable[[Any], tuple[Any, Any]], value: Any
    ) -> tuple[Any, Any, Any]:
        """Return score, `extra` and d score / d tensor of `function(tensor) -> (score, extra)`."""


KNOWN = ("tensorflow", "jax", "torch")
"""Keras' other backends compute no gradients."""


def current() -> Backend:
    """Return the backend that Keras runs on.

    Raises:
        MissingBackendError: If tbviz does not support this backend.
    """
    name = keras.backend.backend()
    if name not in KNOWN:
        msg = (
            f"tbviz supports {', '.join(KNOWN[:-1])} and {KNOWN[-1]}; Keras runs on {name!r} here, "
            "which cannot train. Set KERAS_BACKEND to one of them before Keras is "
            "imported (pip install 'tbviz[tensorflow]', 'tbviz[jax]' or 'tbviz[torch]')."
        )
        raise MissingBackendError(msg)
    return cast("Backend", importlib.import_module(f"tbviz.taps.backends.{name}"))
