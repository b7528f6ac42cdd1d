"""Run passes on torch: nothing is compiled, and `torch.autograd.grad` computes gradients."""

from __future__ import annotations

import contextlib
import math
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import torch

from tbviz.taps import keras_private
from tbviz.taps.backends.common import alive, as_numpy
from tbviz.taps.contents import contents

COMPILES = False
COMPILES_LATE = False
EAGER_IS_FAST = True


def trace_level() -> object:
    """Return always the same: torch runs eagerly."""
    return None


def same_level(one: object, other: object) -> bool:
    """Return always true."""
    return one is other


def isolated() -> contextlib.AbstractContextManager[Any]:
    """Run functions that the model compiles itself as plain Python.

    `torch.compile` guards on the attributes of the tapped layers. It would keep no tensor of a tap,
    but would compile anew for each pass and give up after eight passes.
    """
    if not hasattr(torch.compiler, "set_stance"):  # before torch 2.6
        return contextlib.nullcontext()
    stance: contextlib.AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return stance


def random_state() -> Callable[[], None]:
    """See `Backend.random_state`: the generators of torch, which shuffle the training data too."""
    state = torch.random.get_rng_state()
    device = _accelerator()
    device_state = device.get_rng_state() if device is not None else None

    def restore() -> None:
        torch.random.set_rng_state(state)
        if device is not None:
            device.set_rng_state(device_state)

    return restore


def _accelerator() -> Any | None:
    """Return the module of the device that is in use beside the CPU."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        return torch.cuda
    mps = torch.backends.mps
    return torch.mps if mps.is_available() else None


def compiled(function: Callable[..., Any], model: Any) -> Callable[..., Any]:
    """See `Backend.compiled`: nothing is compiled, since that takes longer than a pass."""
    held = weakref.ref(model)
    return lambda *arrays: run_eagerly(function, alive(held), *arrays)


def run_eagerly(function: Callable[..., Any], model: Any, *arrays: Any) -> Any:
    """See `Backend.run_eagerly`."""
    with isolated(), _modules_preserved(model), torch.no_grad(), keras.StatelessScope():
        tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, arrays)
        return as_numpy(function(model, *tensors))


def trace_shapes(function: Callable[..., Any], model: Any, *arrays: Any) -> Any:
    """See `Backend.trace_shapes`: with the arrays, as torch traces nothing."""
    return run_eagerly(function, model, *arrays)


@contextlib.contextmanager
def _modules_preserved(model: Any) -> Iterator[None]:
    """Restore the state that calls change in torch's modules; Keras' variables are no buffers.

    That is the buffers, since a module of the user may count its calls, and `training`, since Keras
    leaves a `TorchModuleWrapper` in evaluation.
    """
    # Layer by layer, since Keras does not tell torch of all layers inside a model.
    layers = keras_private.all_layers(model)
    modules = {id(module): module for layer in layers for module in layer.modules()}
    modes = [(module, module.training) for module in modules.values()]
    buffers = [(b, b.clone()) for module in modules.values() for b in module.buffers(recurse=False)]
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
        with torch.no_grad():
            for buffer, value in buffers:
                buffer.copy_(value)


def plain_variables(layer: Any) -> list[Any]:
    """See `Backend.plain_variables`: parameters and buffers that Keras does not know.

    They may be held in containers, and in modules that the layer wraps.
    """
    if not isinstance(layer, torch.nn.Module):
        return []

    def inside(value: Any) -> list[Any] | None:
        return list(vars(value).values()) if isinstance(value, torch.nn.Module) else None

    known = {id(one.value) for one in getattr(layer, "weights", None) or ()}
    attributes = [value for name, value in vars(layer).items() if name != "_buffers"]
    held = [
        value for value in contents(attributes, inside) if isinstance(value, torch.nn.Parameter)
    ]
    held += list(layer.buffers(recurse=False))
    for value in contents(attributes, lambda _: None):
        if isinstance(value, torch.nn.Module) and not isinstance(value, keras.Operation):
            held += list(value.buffers())
    return [one for one in {id(one): one for one in held}.values() if id(one) not in known]


def compile_finite_check(variables: Callable[[], Sequence[Any]]) -> Callable[[], Any]:
    """See `Backend.compile_finite_check`: by the largest absolute value, NaN if one is NaN."""

    def check() -> Any:
        held = variables()
        with torch.no_grad():
            values = [one.value if isinstance(one, keras.Variable) else one for one in held]
            indices = [index for index, value in enumerate(values) if value.numel()]
            finite = np.ones(len(values), bool)
            if indices:
                # One kernel for all of them; tensor by tensor it takes many times as long.
                filled = [values[index] for index in indices]
                largest = torch._foreach_norm(filled, ord=math.inf)  # noqa: SLF001
                found = torch.stack([value.float() for value in largest]).cpu().numpy()
                finite[indices] = np.isfinite(found)
        return finite

    return check


def detached(tensor: Any) -> Any:
    """See `Backend.detached`."""
    return tensor.clone()


def gradients(
    forward: Callable[[Callable[[Any], Any]], Any], score: Callable[[Any], Any]
) -> tuple[Any, list[Any]]:
    """See `Backend.gradients`."""
    steps: list[Any] = []

    def watch(tensor: Any) -> Any:
        # Not the tensor itself: a leaf must not be changed in place, as the model may do with it.
        steps.append(torch.zeros_like(tensor, requires_grad=True))
        return tensor + steps[-1]

    with torch.enable_grad():
        seen = forward(watch)
        value = score(seen)
    return seen, _slopes(value, steps)


def value_and_gradient(
    function: Callable[[Any], tuple[Any, Any]], value: Any
) -> tuple[Any, Any, Any]:
    """See `Backend.value_and_gradient`."""
    with torch.enable_grad():
        value = value.detach().requires_grad_()
        score, extra = function(value)
    extra = keras.tree.map_structure(lambda tensor: tensor.detach(), extra)
    return score.detach(), extra, _slopes(score, [value])[0]


def _slopes(score: Any, tensors: list[Any]) -> list[Any]:
    """Differentiate without `backward`, which would add to the weights' own gradients."""
    if not score.requires_grad:
        return [torch.zeros_like(tensor) for tensor in tensors]
    slopes = torch.autograd.grad(score, tensors, allow_unused=True)
    return [
        torch.zeros_like(tensor) if slope is None else slope
        for tensor, slope in zip(tensors, slopes, strict=True)
    ]
