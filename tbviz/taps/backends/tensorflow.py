"""Run passes on TensorFlow: graphs are levels, and each pass is one `tf.function`."""

from __future__ import annotations

import contextlib
import functools
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from tbviz.taps import keras_private
from tbviz.taps.backends.common import alive, all_finite, as_numpy
from tbviz.taps.contents import contents

COMPILES = True
COMPILES_LATE = False
EAGER_IS_FAST = True


def trace_level() -> object:
    """Return the graph that is being built, None when eager."""
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()


def same_level(one: object, other: object) -> bool:
    """Tell whether both are the same graph."""
    return one is other


class _Switch:
    """Replace TensorFlow's switch for running functions eagerly: on for inspecting threads only.

    TensorFlow has one switch for the whole process. Turned on for all, it would make another
    thread's input pipeline warn, which under `-W error` ends the training there.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inspecting_threads: list[int] = []
        self._before: Any = False

    def __bool__(self) -> bool:
        return threading.get_ident() in self._inspecting_threads or bool(self._before)

    def on(self) -> None:
        with self._lock:
            if not self._inspecting_threads:
                self._before = tf.config.functions_run_eagerly()
                _set_switch(self)
            self._inspecting_threads.append(threading.get_ident())

    def off(self) -> None:
        with self._lock:
            self._inspecting_threads.remove(threading.get_ident())
            if not self._inspecting_threads:
                tf.config.run_functions_eagerly(bool(self._before))


def _set_switch(switch: _Switch) -> None:
    try:
        # No public setter takes more than a Boolean.
        from tensorflow.python.eager.polymorphic_function import eager_function_run
    except ImportError:  # another TensorFlow: for the whole process, then
        tf.config.run_functions_eagerly(True)
    else:
        eager_function_run.RUN_FUNCTIONS_EAGERLY = switch


_switch = _Switch()


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Run the model's own `tf.function`s as plain Python.

    Compiled under our trace they would be cached without their own state updates, and training
    would differ.
    """
    _switch.on()
    try:
        yield
    finally:
        _switch.off()


def random_state() -> Callable[[], None]:
    """See `Backend.random_state`: the generator that seeds eager random operations."""
    try:
        # No public way to it, and none to the counters inside the kernels that it seeded before:
        # what a model draws eagerly with `tf.random.normal` may come out differently after a pass.
        from tensorflow.python.eager import context

        generator = context.context()._rng  # noqa: SLF001
        state = generator.getstate()
    except (ImportError, AttributeError):  # no global seed is set, or TensorFlow has changed
        return lambda: None
    return lambda: generator.setstate(state)


def compiled(function: Callable[..., Any], model: Any) -> Callable[..., Any]:
    """See `Backend.compiled`."""
    held = weakref.ref(model)

    def run(*arrays: Any) -> Any:
        return _stateless(function, alive(held), arrays)

    def made(**settings: Any) -> Any:
        # Without AutoGraph, as Keras' own `fit`; it would take a quarter of the time of a trace. A
        # `partial`, since TensorFlow takes functions of one code for one and warns of retracing.
        return tf.function(functools.partial(run), autograph=False, **settings)

    def ran(graph: Any, arrays: tuple[Any, ...]) -> Any:
        with _plain_variables_preserved(alive(held)):
            # Constants, not numpy: that would retrace for each new Python number in it.
            return as_numpy(graph(*_tensors(arrays)))

    graph = made()
    traceable = True

    def call(*arrays: Any) -> Any:
        nonlocal graph, traceable
        if traceable:
            try:
                return ran(graph, arrays)
            except tf.errors.OperatorNotAllowedInGraphError:
                # A `tf.function` of the model branches on tensors. Inlined, it has not been
                # through AutoGraph.
                traceable = False
            except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError) as error:
                # XLA can do what the kernels cannot: on a CPU, grouped convolutions (for which
                # Keras has a compiled function of its own, inlined here) and channels first.
                other = made(jit_compile=True)
                try:
                    found = ran(other, arrays)
                except Exception:
                    raise error from None  # the model's own, then
                graph = other
                return found
        return run_eagerly(function, alive(held), *arrays)

    return call


def run_eagerly(function: Callable[..., Any], model: Any, *arrays: Any) -> Any:
    """See `Backend.run_eagerly`."""
    with _plain_variables_preserved(model):
        return as_numpy(_stateless(function, model, _tensors(arrays)))


def trace_shapes(function: Callable[..., Any], model: Any, *arrays: Any) -> Any:
    """See `Backend.trace_shapes`."""
    graph = tf.function(lambda *tensors: _stateless(function, model, tensors), autograph=False)
    return graph.get_concrete_function(*_tensors(arrays)).structured_outputs


@contextlib.contextmanager
def _plain_variables_preserved(model: Any) -> Iterator[None]:
    """Restore variables that are TensorFlow's own: a `StatelessScope` knows only those of Keras.

    A layer may hold one in an attribute, or in a `tf.random.Generator`.
    """
    saved = [(variable, tf.identity(variable)) for variable in _plain_variables(model)]
    try:
        yield
    finally:
        for variable, value in saved:
            variable.assign(value)


def _plain_variables(model: Any) -> list[tf.Variable]:
    layers = keras_private.all_layers(model)
    found = {id(each): each for layer in layers for each in plain_variables(layer)}
    return list(found.values())


def plain_variables(layer: Any) -> list[Any]:
    """See `Backend.plain_variables`: those in its attributes, at any depth.

    Attributes may be containers, a `tf.Module` or a `tf.random.Generator`.
    """

    def inside(value: Any) -> list[Any] | None:
        if isinstance(value, tf.random.Generator):
            return [value.state]
        return list(vars(value).values()) if isinstance(value, tf.Module) else None

    # TensorFlow's own lists hold the variables of Keras too.
    values = [value for name, value in list(vars(layer).items()) if not name.startswith("_self_")]
    known = {id(one.value) for one in getattr(layer, "weights", None) or ()}
    return [
        value
        for value in contents(values, inside)
        if isinstance(value, tf.Variable) and id(value) not in known
    ]


def compile_finite_check(variables: Callable[[], Sequence[Any]]) -> Callable[[], Any]:
    """See `Backend.compile_finite_check`."""
    # A `partial`, as in `compiled`.
    run = functools.partial(lambda: all_finite(variables()))
    graph = tf.function(run, autograph=False)
    return lambda: as_numpy(graph())


def _stateless(function: Callable[..., Any], model: Any, arrays: tuple[Any, ...]) -> Any:
    with isolated(), keras.StatelessScope():
        return function(model, *arrays)


def _tensors(arrays: Any) -> Any:
    return keras.tree.map_structure(tf.convert_to_tensor, arrays)


def detached(tensor: Any) -> Any:
    """See `Backend.detached`: nothing changes in place."""
    return tensor


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
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(value)
        score, extra = function(value)
    slope = tape.gradient(score, value, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return score, extra, slope
