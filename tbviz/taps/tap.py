"""The tap: wraps `call` of chosen layer instances while the model runs, and puts it back.

Sub-models (`keras.Model(inputs, layer.output)`) cannot reach inside nested or subclassed models;
a wrapped `call` can. Unguarded it breaks the user's model for good: another thread's `predict`
would be compiled with our tensors in it, and so would a function that the model compiles itself.
So the wrapper acts only for the thread that set it, only at the trace level where it was set, and
only while it is live; anywhere else it is the plain call.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from keras import ops

from tbviz.errors import TbvizError
from tbviz.taps import backends, keras_private
from tbviz.taps.output_head import Noted

_MISSING = object()


class Enough(BaseException):
    """Raised by `touch` to leave the model behind the last layer that was wanted.

    A `BaseException`, so that neither Keras nor the model takes it for an error of its own.
    """


IN_A_LOOP = "it runs inside a loop, a branch or a function that the model compiles itself"

# Looks from several threads would put each other's wrapper back as "the original".
_ONE_AT_A_TIME = threading.RLock()


class Tap:
    """Calls `touch(key, call_index, output)` for every call of the chosen layers.

    What `touch` returns takes the place of the output, so a tap records and perturbs alike. It
    may raise `Enough`, which the caller catches around the model's call.

    Args:
        layers: key (a path) to layer.
        touch: gets the key, the number of the call (0 for the first) and the output.
        model: the model around the layers; its rematerialized layers are run plainly meanwhile.
        activations: gets each softmax and sigmoid that runs, to find the class scores before it;
            `None` leaves activations alone.
        before: `before(key, call_index, input)` for the input of each chosen layer's own
            `activation`, the scores before ReLU; of a layer that has none, for the layer's own
            input; `None` leaves it alone.
        enter: `enter(key, args, kwargs)` before each call; `touch` comes after it.
        cast: `cast(tensor, result)` for each change of a tensor's type, as before a layer that
            computes in another one.
        guided: whether gradients pass back through ReLU only where they are positive.

    Attributes:
        unreachable: keys of layers that ran where a tap must not act, with the reason.
    """

    def __init__(
        self,
        layers: Mapping[str, Any],
        touch: Callable[[str, int, Any], Any],
        model: Any | None = None,
        activations: Callable[[Noted], None] | None = None,
        before: Callable[[str, int, Any], None] | None = None,
        *,
        enter: Callable[[str, tuple[Any, ...], Mapping[str, Any]], None] | None = None,
        cast: Callable[[Any, Any], None] | None = None,
        guided: bool = False,
    ) -> None:
        self._layers = layers
        self._touch = touch
        self._model = model
        self._activations = activations
        self._before = before
        self._enter = enter
        self._cast = cast
        self._guided = guided
        self._live = False
        self._calls: dict[str, int] = {}
        self._saved: list[tuple[Any, str, Any]] = []
        self.unreachable: dict[str, str] = {}

    def __enter__(self) -> Self:
        _ONE_AT_A_TIME.acquire()
        try:
            self._thread = threading.get_ident()
            self._backend = backends.current()
            self._level = self._backend.trace_level()
            self._live = True
            for key, layer in self._layers.items():
                # A quantized layer's __call__ goes to `quantized_call`, past `call`.
                quantized = getattr(layer, "quantization_mode", None) is not None
                active = callable(getattr(layer, "activation", None))
                before = None if active else self._before
                name = "quantized_call" if quantized else "call"
                self._wrap(layer, name, self._tapped(key, before))
                if self._before is not None and active:
                    self._wrap(layer, "activation", self._tapped_activation(key))
            for layer in keras_private.all_layers(self._model) if self._model is not None else ():
                if keras_private.is_rematerialized(layer):
                    self._wrap(layer, "rematerialized_call", _plainly)
            if self._activations is not None:
                module = keras_private.activation_module()
                self._wrap_functions(module, ("softmax", "sigmoid"), self._noted)
            if self._cast is not None:
                self._wrap_functions(keras_private.backend_module(), ("cast",), self._cast_noted)
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
        _ONE_AT_A_TIME.release()

    def _wrap(self, holder: Any, name: str, make: Callable[[Callable[..., Any]], Any]) -> None:
        wrapper = make(getattr(holder, name))
        self._saved.append((holder, name, vars(holder).get(name, _MISSING)))
        # Past Keras' attribute tracking, which would note a change of the layer.
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
        self, key: str, before: Callable[[str, int, Any], None] | None
    ) -> Callable[[Callable[..., Any]], Any]:
        def make(original: Callable[..., Any]) -> Any:
            @functools.wraps(original)
            def call(*args: Any, **kwargs: Any) -> Any:
                if before is not None and self._here():
                    given = args[0] if args else next(iter(kwargs.values()))
                    before(key, self._calls.get(key, 0), given)
                if self._enter is not None and self._here():
                    self._enter(key, args, kwargs)
                output = original(*args, **kwargs)
                if not self._mine():
                    return output
                if not self._here():
                    self.unreachable[key] = IN_A_LOOP
                    return output
                number = self._calls.get(key, 0)
                self._calls[key] = number + 1
                return self._touch(key, number, output)

            return call

        return make

    def _tapped_activation(self, key: str) -> Callable[[Callable[..., Any]], Any]:
        def make(original: Callable[..., Any]) -> Any:
            def activation(value: Any, *args: Any, **kwargs: Any) -> Any:
                if self._here() and self._before is not None:
                    self._before(key, self._calls.get(key, 0), value)
                return original(value, *args, **kwargs)

            return activation

        return make

    def _noted(self, name: str) -> Callable[[Callable[..., Any]], Any]:
        def make(original: Callable[..., Any]) -> Any:
            @functools.wraps(original)
            def activation(value: Any, *args: Any, **kwargs: Any) -> Any:
                output = original(value, *args, **kwargs)
                if self._here() and self._activations is not None:
                    axis = kwargs.get("axis", args[0] if args else -1)
                    self._activations(Noted(name, value, output, axis))
                return output

            return activation

        return make

    def _cast_noted(self, name: str) -> Callable[[Callable[..., Any]], Any]:
        del name

        def make(original: Callable[..., Any]) -> Any:
            @functools.wraps(original)
            def cast(value: Any, *args: Any, **kwargs: Any) -> Any:
                result = original(value, *args, **kwargs)
                if self._cast is not None and self._here():
                    self._cast(value, result)
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
                    # Where it is cut off above, as ReLU6 is, it passes nothing either.
                    open_there = ops.logical_and(value > 0, output == value)
                    passes = ops.logical_and(open_there, slope > 0)
                    return ops.where(passes, slope, ops.zeros_like(slope))

                return output, gradient

            @functools.wraps(original)
            def activation(value: Any, *args: Any, **kwargs: Any) -> Any:
                return guided(value) if self._here() else original(value, *args, **kwargs)

            return activation

        return make


def _plainly(original: Callable[..., Any]) -> Any:
    """In place of `rematerialized_call`, which makes a recomputing function of a layer's `call`."""
    del original

    def as_it_is(call: Callable[..., Any], *_: Any, **__: Any) -> Any:
        return call

    return as_it_is


def unreached(key: str) -> TbvizError:
    """What to raise where a chosen layer's output never came by."""
    return TbvizError(
        f"layer {key!r} has put nothing out that can be tapped: the model does not call it, or "
        f"{IN_A_LOOP}; look at the layer around it"
    )


def tapped(layers: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Layers by key, each instance once: a shared layer is wrapped a single time."""
    chosen: dict[str, Any] = {}
    seen: set[int] = set()
    for key, layer in layers:
        if id(layer) not in seen:
            seen.add(id(layer))
            chosen[key] = layer
    return chosen
