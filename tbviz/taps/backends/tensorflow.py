"""TensorFlow under a look: graphs as trace levels, gradient tapes, one `tf.function` a look."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf


def trace_level() -> object:
    """The graph that is being built, `None` when eager."""
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()


def same_level(one: object, other: object) -> bool:
    """Whether both are the same graph."""
    return one is other


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Runs the model's own `tf.function`s as plain Python while it lasts.

    Compiled under our trace they would be cached without their own state updates, and training
    would differ.
    """
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _stateless(function: Callable[..., Any], model: Any, arrays: tuple[Any, ...]) -> Any:
    with isolated(), keras.StatelessScope():
        return function(model, *arrays)


def compiled(function: Callable[..., Any], model: Any) -> Callable[..., Any]:
    """See `Backend.compiled`."""
    held = weakref.ref(model)

    @tf.function  # with AutoGraph: the model may branch on tensors, as in `fit`
    def run(*arrays: Any) -> Any:
        present = held()
        if present is None:
            msg = "the model that this look was compiled for is gone; make a new one"
            raise ReferenceError(msg)
        return _stateless(function, present, arrays)

    # Each look is a function of its own on purpose; TensorFlow would take them for one that is
    # traced again and again, and warn. A private name: where it is missing, the warning comes.
    run._omit_frequent_tracing_warning = True  # noqa: SLF001

    def call(*arrays: Any) -> Any:
        # Constants, not numpy: a numpy argument would retrace for each new Python number in it.
        return _numpy(run(*_tensors(arrays)))

    return call


def eagerly(function: Callable[..., Any], model: Any, *arrays: Any) -> Any:
    """See `Backend.eagerly`."""
    return _numpy(_stateless(function, model, _tensors(arrays)))


def _tensors(arrays: Any) -> Any:
    return keras.tree.map_structure(tf.convert_to_tensor, arrays)


def _numpy(tree: Any) -> Any:
    return keras.tree.map_structure(keras.ops.convert_to_numpy, tree)


def gradients(
    forward: Callable[[Callable[[Any], Any]], Any], score: Callable[[Any], Any]
) -> tuple[Any, list[Any]]:
    """See `Backend.gradients`."""
    watched: list[Any] = []
    with tf.GradientTape(watch_accessed_variables=False) as tape:

        def watch(tensor: Any) -> Any:
            tape.watch(tensor)
            watched.append(tensor)
            return tensor

        seen = forward(watch)
        value = score(seen)
    return seen, tape.gradient(value, watched, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def value_and_gradient(
    function: Callable[[Any], tuple[Any, Any]], value: Any
) -> tuple[Any, Any, Any]:
    """See `Backend.value_and_gradient`."""
    leaves = keras.tree.flatten(value)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        for leaf in leaves:
            tape.watch(leaf)
        score, extra = function(value)
    slopes = tape.gradient(score, leaves, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return score, extra, keras.tree.pack_sequence_as(value, slopes)
