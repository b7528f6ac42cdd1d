"""Wrap `call` of selected layer instances while the model runs, and restore it.

Sub-models (`keras.Model(inputs, layer.output)`) cannot reach inside nested or subclassed models; a
wrapped `call` can. An unguarded wrapper would break the user's model: another thread's `predict`
would be compiled with our tensors in it, and so would a function that the model compiles itself. So
the wrapper acts only in the thread that set it, at the trace level at which it was set, and while
it is live. Everywhere else it is the plain call.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

from keras import ops

from tbviz.errors import TbvizError
from tbviz.taps import backends, keras_private

_MISSING = object()


class RecordedActivation(NamedTuple):
    """A softmax or sigmoid that ran.

    Attributes:
        name: `"softmax"` or `"sigmoid"`.
        value: Its input.
        output: Its output.
        axis: Over which the softmax sums.
    """

    name: str
    value: Any
    output: Any
    axis: int = -1


class StopForwardPass(BaseException):
    """Raised by `on_output` to stop the forward pass after the last layer that is needed.

    It is a `BaseException`, so neither Keras nor the model handles it as an error.
    """


IN_A_LOOP = "it runs inside a loop, a branch, or a function that the model itself compiles"

# Taps of several threads would restore each other's wrapper as "the original".
_TAP_LOCK = threading.RLock()


class Tap:
    """Call `on_output(key, call_index, output)` for every call of the selected layers.

    The result of `on_output` replaces the output, so a tap can record and perturb. `on_output` may
    raise `StopForwardPass`; the caller catches it around the model's call.

    Args:
        layers: Key (a path) to layer.
        on_output: Gets the key, the number of the call (0 for the first) and the output.
        model: The model around the layers; its rematerialized layers run plainly meanwhile.
            Defaults to None.
        on_activation: Gets each softmax and sigmoid that runs, to find the class scores before it;
            None leaves activations alone. Defaults to None.
        on_input: `on_input(key, call_index, input)` for the input of each selected layer's own
            `activation`, the scores before ReLU; for the input of the layer if it has none; None
            leaves it alone. Defaults to None.
        on_call: `on_call(key, args, kwargs)` before each call; `on_output` comes after it. Defaults
            to None.
        on_cast: `on_cast(tensor, result)` for each change of a tensor's type, as before a layer
            that computes in another type. Defaults to None.
        guided: Whether gradients pass back through ReLU only where they are positive. Defaults to
            False.

    Attributes:
        unreachable: Keys of layers that ran where a tap must not act, with the reason.
    """

    def __init__(
        self,
        layers: Mapping[str, Any],
        on_output: Callable[[str, int, Any], Any],
        model: Any | None = None,
        on_activation: Callable[[RecordedActivation], None] | None = None,
        on_input: Callable[[str, int, Any], None] | None = None,
        *,
        on_call: Callable[[str, tuple[Any, ...], Mapping[str, Any]], None] | None = None,
        on_cast: Callable[[Any, Any], None] | None = None,
        guided: bool = False,
    ) -> None:
        self._layers = layers
        self._on_output = on_output
        self._model = model
        self._on_activation = on_activation
        self._on_input = on_input
        self._on_call = on_call
        self._on_cast = on_cast
        self._guided = guided
        self._live = False
        self._calls: dict[str, int] = {}
        self._saved: list[tuple[Any, str, Any]] = []
        self.unreachable: dict[str, str] = {}

    def __enter__(self) -> Self:
        _TAP_LOCK.acquire()
        try:
            self._thread = threading.get_ident()
            self._backend = backends.current()
            self._level = self._backend.trace_level()
            self._live = True
            for key, layer in self._layers.items():
                # A quantized layer's __call__ goes to `quantized_call`, past `call`.
                quantized = getattr(layer, "quantization_mode", None) is not None
                active = callable(getattr(layer, "activation", None))
                on_input = None if active else self._on_input
                name = "quantized_call" if quantized else "call"
                self._wrap(layer, name, self._tapped(key, on_input))
                if self._on_input is not None and active:
                    self._wrap(layer, "activation", self._tapped_activation(key))
            for layer in keras_private.all_layers(self._model) if self._model is not None else ():
                if keras_private.is_rematerialized(layer):
                    self._wrap(layer, "rematerialized_call", _plainly)
            if self._on_activation is not None:
                module = keras_private.activation_module()
                self._wrap_functions(module, ("softmax", "sigmoid"), self._recorded_activation)
            if self._on_cast is not None:
                self._wrap_functions(keras_private.backend_module(), ("cast",), self._recorded_cast)
            if self._guided:
                module = keras_private.activation_module()
                self._wrap_functions(module, ("relu", "relu6"), self._passing_positive)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live = False
        for holder, name, old in reversed(self._saved):
            if old is _MISSING:
                object.__delattr__(holder, name)
            else:
                object.__setattr__(holder, name, old)
        self._saved.clear()
        _TAP_LOCK.release()

    def _wrap(self, holder: Any, name: str, make: Callable[[Callable[..., Any]], Any]) -> None:
        wrapper = make(getattr(holder, name))
        self._saved.append((holder, name, vars(holder).get(name, _MISSING)))
        # Past Keras' attribute tracking, which would register a change of the layer.
        object.__setattr__(holder, name, wrapper)

    def _wrap_functions(
        self,
        module: Any | None,
        names: Iterable[str],
        wrapper: Callable[[str], Callable[[Callable[..., Any]], Any]],
    ) -> None:
        for name in names:
            if hasattr(module, name):
                self._wrap(module, name, wrapper(name))

    def _mine(self) -> bool:
        return self._live and threading.get_ident() == self._thread

    def _here(self) -> bool:
        return self._mine() and self._backend.same_level(self._backend.trace_level(), self._level)

    def _tapped(
        self, key: str, on_input: Callable[[str, int, Any], None] | None
    ) -> Callable[[Callable[..., Any]], Any]:
        def make(original: Callable[..., Any]) -> Any:
            @functools.wraps(original)
            def call(*args: Any, **kwargs: Any) -> Any:
                if on_input is not None and self._here():
                    given = args[0] if args else next(iter(kwargs.values()))
                    on_input(key, self._calls.get(key, 0), given)
                if self._on_call is not None and self._here():
                    self._on_call(key, args, kwargs)
                output = original(*args, **kwargs)
                if not self._mine():
                    return output
                if not self._here():
                    self.unreachable[key] = IN_A_LOOP
                    return output
                number = self._calls.get(key, 0)
                self._calls[key] = number + 1
                return self._on_output(key, number, output)

            return call

        return make

    def _tapped_activation(self, key: str) -> Callable[[Callable[..., Any]], Any]:
        def make(original: Callable[..., Any]) -> Any:
            def activation(value: Any, *args: Any, **kwargs: Any) -> Any:
                if self._here() and self._on_input is not None:
                    self._on_input(key, self._calls.get(key, 0), value)
                return original(value, *args, **kwargs)

            return activation

        return make

    def _recorded_activation(self, name: str) -> Callable[[Callable[..., Any]], Any]:
        def make(original: Callable[..., Any]) -> Any:
            @functools.wraps(original)
            def activation(value: Any, *args: Any, **kwargs: Any) -> Any:
                output = original(value, *args, **kwargs)
                if self._here() and self._on_activation is not None:
                    axis = kwargs.get("axis", args[0] if args else -1)
                    self._on_activation(RecordedActivation(name, value, output, axis))
                return output

            return activation

        return make

    def _recorded_cast(self, name: str) -> Callable[[Callable[..., Any]], Any]:
        del name

        def make(original: Callable[..., Any]) -> Any:
            @functools.wraps(original)
            def cast(value: Any, *args: Any, **kwargs: Any) -> Any:
                result = original(value, *args, **kwargs)
                if self._on_cast is not None and self._here():
                    self._on_cast(value, result)
                return result

            return cast

        return make

    def _passing_positive(self, name: str) -> Callable[[Callable[..., Any]], Any]:
        del name

        def make(original: Callable[..., Any]) -> Any:
            @ops.custom_gradient  # type: ignore[untyped-decorator]
            def guided(value: Any) -> Any:
                output = original(value)

                def gradient(*args: Any, upstream: Any = None) -> Any:
                    slope = args[0] if upstream is None else upstream
                    # If it is cut off above, as ReLU6 is, it passes nothing there either.
                    passes_forward = ops.logical_and(value > 0, output == value)
                    passes = ops.logical_and(passes_forward, slope > 0)
                    return ops.where(passes, slope, ops.zeros_like(slope))

                return output, gradient

            @functools.wraps(original)
            def activation(value: Any, *args: Any, **kwargs: Any) -> Any:
                return guided(value) if self._here() else original(value, *args, **kwargs)

            return activation

        return make


def _plainly(original: Callable[..., Any]) -> Any:
    """Replace `rematerialized_call`, which makes a recomputing function of a layer's `call`."""
    del original

    def as_it_is(call: Callable[..., Any], *_: Any, **__: Any) -> Any:
        return call

    return as_it_is


def last_activation(
    output: Any, activations: Iterable[RecordedActivation]
) -> RecordedActivation | None:
    """Return the activation whose output this is, None if there is none."""
    return next((one for one in activations if one.output is output), None)


def unreachable_error(key: str) -> TbvizError:
    """Return the error for a selected layer whose output was never recorded."""
    return TbvizError(
        f"layer {key!r} cannot be recorded: either the model does not call it, or {IN_A_LOOP}; "
        "select the layer that contains it"
    )


def tapped(layers: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return layers by key, each instance once: a shared layer is wrapped a single time."""
    selected: dict[str, Any] = {}
    seen: set[int] = set()
    for key, layer in layers:
        if id(layer) not in seen:
            seen.add(id(layer))
            selected[key] = layer
    return selected
