"""Run passes on JAX: traces are levels, and `jax.jit` gets the variables' values as arguments."""

from __future__ import annotations

import contextlib
import itertools
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.extend.core
import jax.numpy as jnp
import keras

from tbviz.errors import TbvizError
from tbviz.taps.backends.common import alive, all_finite, as_numpy

COMPILES = True
COMPILES_LATE = True
EAGER_IS_FAST = False  # JAX compiles every operation for every shape

# A part of the key of JAX' cache of compiled functions.
_numbers = itertools.count(1)
_trace_state = getattr(jax.extend.core, "get_opaque_trace_state", None) or (
    jax.core.get_opaque_trace_state
)
_context = jax.make_user_context(0)


def trace_level() -> object:
    """Return the active traces, none when eager."""
    return _trace_state(convention="nnx")


def same_level(one: object, other: object) -> bool:
    """Tell whether both are the same traces."""
    return bool(one == other)


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Give functions that the model jits itself a separate cache key.

    Compiled under our trace and found again by training, it would hold our tracers, and the next
    `fit` would die.
    """
    with _context(next(_numbers)):
        yield


def random_state() -> Callable[[], None]:
    """See `Backend.random_state`: JAX has none."""
    return lambda: None


def compiled(function: Callable[..., Any], model: Any) -> Callable[..., Any]:
    """See `Backend.compiled`."""
    held = weakref.ref(model)
    jitted = jax.jit(_pure(function, held))

    def call(*arrays: Any) -> Any:
        return _with_values(lambda: _values(alive(held)), lambda values: jitted(values, arrays))

    return call


def _with_values(read: Callable[[], list[Any]], run: Callable[[list[Any]], Any]) -> Any:
    values = read()
    try:
        return as_numpy(run(values))
    except RuntimeError:
        # Another thread's `predict` hands its arrays over to JAX, and puts back new ones.
        if not any(value.is_deleted() for value in values):
            raise
        return as_numpy(run(read()))


def _values(model: Any) -> list[Any]:
    values = [variable.value for variable in model.variables]
    if not _within_reach(values):
        msg = (
            f"the weights of {model.name!r} are spread over several processes, and one of them "
            "cannot run it alone; inspect a checkpoint of it instead"
        )
        raise TbvizError(msg)
    return values


def _within_reach(values: Sequence[Any]) -> bool:
    return all(value.is_fully_addressable or value.is_fully_replicated for value in values)


def _pure(function: Callable[..., Any], held: weakref.ref[Any]) -> Callable[..., Any]:
    """Make `function` a function of the variables' values and the arrays."""

    def run(values: list[Any], arrays: tuple[Any, ...]) -> Any:
        model = alive(held)
        state = list(zip(model.variables, values, strict=True))
        with isolated(), keras.StatelessScope(state_mapping=state):
            return function(model, *arrays)

    return run


def trace_shapes(function: Callable[..., Any], model: Any, *arrays: Any) -> Any:
    """See `Backend.trace_shapes`."""
    return jax.eval_shape(_pure(function, weakref.ref(model)), _values(model), arrays)


def run_eagerly(function: Callable[..., Any], model: Any, *arrays: Any) -> Any:
    """See `Backend.run_eagerly`.

    It is not isolated: outside our traces, JAX caches none of our tensors. Isolated, JAX would
    compile every operation anew under another key.
    """
    with keras.StatelessScope():
        return as_numpy(function(model, *keras.tree.map_structure(jnp.asarray, arrays)))


def plain_variables(layer: Any) -> list[Any]:
    """See `Backend.plain_variables`: JAX has none."""
    del layer
    return []


def compile_finite_check(variables: Callable[[], Sequence[Any]]) -> Callable[[], Any]:
    """See `Backend.compile_finite_check`."""
    jitted = jax.jit(all_finite)

    def read() -> list[Any]:
        values = [variable.value for variable in variables()]
        if not _within_reach(values):
            msg = (
                "the weights are spread over several processes, and one of them cannot check them "
                "alone; inspect a checkpoint instead"
            )
            raise TbvizError(msg)
        return values

    return lambda: _with_values(read, jitted)


def detached(tensor: Any) -> Any:
    """See `Backend.detached`: nothing changes in place."""
    return tensor


def gradients(
    forward: Callable[[Callable[[Any], Any]], Any], score: Callable[[Any], Any]
) -> tuple[Any, list[Any]]:
    """See `Backend.gradients`: in zeros that are added to the tensors, as JAX has no tape."""
    zeros: list[Any] = []

    def measure(tensor: Any) -> Any:
        zeros.append(jnp.zeros(tensor.shape, tensor.dtype))
        return tensor

    forward(measure)  # for shapes alone: the compiler drops the unused results

    def moved(steps: list[Any]) -> tuple[Any, Any]:
        left = iter(steps)
        seen = forward(lambda tensor: tensor + next(left))
        return score(seen), seen

    (_, seen), slopes = jax.value_and_grad(moved, has_aux=True)(zeros)
    return seen, slopes


def value_and_gradient(
    function: Callable[[Any], tuple[Any, Any]], value: Any
) -> tuple[Any, Any, Any]:
    """See `Backend.value_and_gradient`."""
    (score, extra), slope = jax.value_and_grad(function, has_aux=True)(value)
    return score, extra, slope
