"""Wrap the private names of Keras that tbviz uses, each with a safe default.

They are in one file so that a new Keras breaks one file only, and without an error: a missing name
makes a layer less visible.
"""

from __future__ import annotations

import dis
import functools
from typing import Any

import keras

from tbviz.taps.contents import contents


def children(layer: Any) -> list[Any]:
    """Return the layers and operations directly inside `layer`, in the order of Keras."""
    if isinstance(layer, keras.Sequential):
        return list(layer.layers)
    held = list(getattr(layer, "_layers", ()))
    operations = getattr(layer, "operations", None)
    if isinstance(operations, list | tuple):  # a functional model: `ops.relu(x)` is one too
        return list({id(child): child for child in [*operations, *held]}.values())
    return held


def attributes(layer: Any) -> dict[str, Any]:
    """Return the attributes of `layer` by name; torch stores modules, so layers, separately."""
    held = vars(layer)
    return {**held, **held.get("_modules", {})}


def joins(operation: Any) -> bool:
    """Tell whether an operation of a functional model takes more than one tensor: `a + b`."""
    nodes: Any = getattr(operation, "_inbound_nodes", ())
    return bool(nodes) and len(getattr(nodes[0], "input_tensors", ())) > 1


def all_layers(model: Any) -> list[Any]:
    """Return every layer of `model` at any depth, including itself."""
    flatten = getattr(model, "_flatten_layers", None)
    return list(flatten()) if flatten is not None else [model]


def own_variables(layer: Any) -> list[Any]:
    """Return the variables of `layer` itself, without those of the layers inside it."""
    return [
        *getattr(layer, "_trainable_variables", ()),
        *getattr(layer, "_non_trainable_variables", ()),
    ]


def trained_or_created_by_keras(layer: Any) -> set[int]:
    """Return the identities of variables that are trained unless frozen, or that Keras' code made.

    The class of the layer may be the user's; `class Mine(keras.layers.Conv2D)` has Keras' kernel.
    """
    found = {id(one) for one in getattr(layer, "_trainable_variables", ())}
    if _of_keras(type(layer)):
        return found | {id(one) for one in getattr(layer, "weights", None) or ()}
    assigned = {name for kind in type(layer).__mro__ if _of_keras(kind) for name in _assigns(kind)}
    # Not `keras.tree.flatten`: it sorts the keys of a dict, which may be layers.
    held = [value for name, value in vars(layer).items() if name in assigned]
    return found | {id(one) for one in contents(held, lambda _: None)}


def _of_keras(kind: type) -> bool:
    return kind.__module__.startswith("keras.")


@functools.cache
def _assigns(kind: type) -> frozenset[str]:
    """Return the names of the attributes to which the methods of one class assign."""
    codes = [one.__code__ for one in vars(kind).values() if hasattr(one, "__code__")]
    return frozenset(
        step.argval
        for code in codes
        for step in dis.get_instructions(code)
        if step.opname == "STORE_ATTR"
    )


def added_losses(layer: Any) -> list[Any]:
    """Return the lists and sets in which `layer` stores the losses that its last call added."""
    held = [getattr(layer, name, None) for name in ("_losses", "_loss_ids")]
    return [losses for losses in held if losses is not None]


def input_structure(model: Any) -> Any:
    """Return the symbolic inputs of a model in their structure, None if unknown."""
    inputs = getattr(model, "inputs", None)
    if not inputs:
        return None
    return getattr(model, "_inputs_struct", inputs if len(inputs) > 1 else inputs[0])


def is_rematerialized(layer: Any) -> bool:
    """Tell whether Keras recomputes this layer in the backward pass, not storing its output."""
    return getattr(layer, "_remat_mode", None) is not None


def snake_case(name: str) -> str:
    """Return `Conv2D` as Keras spells it in automatic layer names: `conv2d`."""
    try:
        from keras.src.utils.naming import to_snake_case  # private, may vanish
    except ImportError:
        return name.lower()
    return str(to_snake_case(name))


def exchange_global_seeds(generator: Any | None) -> Any | None:
    """Replace Keras' global `SeedGenerator` (None for none yet) and return the former one.

    Keras makes it with a number from `random`, at the first draw of a layer without a seed.
    """
    try:
        from keras.src.backend.common import global_state  # private, may vanish
        from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR as NAME
    except ImportError:
        return None
    former = global_state.get_global_attribute(NAME)
    if former is not generator:
        global_state.set_global_attribute(NAME, generator)
    return former


def activation_module() -> Any | None:
    """Return the module that computes every Keras softmax and sigmoid of this backend."""
    return getattr(backend_module(), "nn", None)


def backend_module() -> Any | None:
    """Return the module through which Keras casts the inputs of a layer to its type."""
    try:
        from keras.src import backend  # private, may vanish
    except ImportError:
        return None
    return backend


def model_of_callback(callback: Any) -> Any | None:
    """Return the model of a callback as it is, None if it has none yet.

    `callback.model` copies the state of a training on JAX back into the model first.
    """
    return getattr(callback, "_model", None)
