"""Find the submodel: the model that is captured if it is not the fitted one.

A model with a `train_step` of its own, such as a GAN, often cannot be called at all: it trains the
models inside it. `submodel=` names one of those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras

from tbviz.callbacks.run.error_boundary import in_short
from tbviz.errors import TbvizError
from tbviz.taps import keras_private

Submodel = str | Callable[[Any], Any] | None
"""What a user may pass as `submodel`."""


def check_submodel(submodel: Any) -> Submodel:
    """Return `submodel` if it can name a model.

    Raises:
        TbvizError: If it is not.
    """
    if (
        submodel is None
        or (isinstance(submodel, str) and submodel)
        or (callable(submodel) and not is_model(submodel))
    ):
        result: Submodel = submodel
        return result
    msg = (
        f"submodel received {submodel!r}; expected an attribute path such as 'discriminator', "
        "or a function of the fitted model such as lambda model: model.discriminator"
    )
    raise TbvizError(msg)


def find_submodel(model: Any, submodel: Submodel) -> Any:
    """Return the model to capture. Call it every time: a submodel may be replaced in training.

    Args:
        model: The one that is fitted.
        submodel: Path of attributes (`"gan.generator"`, `"blocks.0"`), or of layers' names if
            there is no such attribute; a function of the model; None for the model itself.

    Raises:
        TbvizError: If there is no such model, or the model itself cannot be called.
    """
    if submodel is None:
        if has_call(model):
            return model
        text = f"model {model.name!r} has no call(), so it cannot be captured; {_remedy(model)}"
        raise TbvizError(text)
    found = _at(model, submodel) if isinstance(submodel, str) else submodel(model)
    if is_model(found):
        return found
    what = f"a {type(found).__name__}" if found is not None else "nothing"
    msg = (
        f"submodel={submodel!r} leads to {what} in model {model.name!r}, not to a model; "
        f"{_remedy(model)}"
    )
    raise TbvizError(msg)


def not_callable(model: Any, submodel: Submodel, error: NotImplementedError) -> TbvizError:
    """Return the error for a model whose `call` exists but is not implemented."""
    name = f"model {model.name!r}" if submodel is None else f"submodel={submodel!r}"
    msg = f"{name} cannot be called, so it cannot be captured ({in_short(error)}); {_remedy(model)}"
    return TbvizError(msg)


def has_call(model: Any) -> bool:
    """Return whether the class has a `call` of its own: that of a plain `keras.Model` raises."""
    plain = (keras.Model.call, keras.layers.Layer.call)
    return getattr(model.call, "__func__", model.call) not in plain


def is_model(value: Any) -> bool:
    """Return whether a value can be captured."""
    return isinstance(value, keras.layers.Layer)


def submodels_of(model: Any) -> list[str]:
    """Return what to pass as `submodel` for each model that `model` holds."""
    names = {id(found): name for name, found in reversed(list(_held(model)))}
    for child in keras_private.children(model):
        if isinstance(child, keras.Model):
            names.setdefault(id(child), child.name)
    return list(dict.fromkeys(reversed(names.values())))


def _held(model: Any) -> Iterator[tuple[str, Any]]:
    inside = vars(model)
    # torch keeps them in a dictionary of its own.
    for name, value in {**inside, **inside.get("_modules", {})}.items():
        if not name.startswith("_") and isinstance(value, keras.Model):
            yield name, value


def _at(model: Any, path: str) -> Any:
    value = model
    for part in path.split("."):
        value = _inside(value, part)
    return value


def _inside(holder: Any, name: str) -> Any:
    if isinstance(holder, dict):
        return holder.get(name)
    if isinstance(holder, list | tuple):
        inside = name.isdecimal() and int(name) < len(holder)
        return holder[int(name)] if inside else None
    if hasattr(holder, name):
        return getattr(holder, name)
    named = (child for child in keras_private.children(holder) if child.name == name)
    return next(named, None)


def _remedy(model: Any) -> str:
    names = submodels_of(model)
    if not names:
        return "it holds no other model that submodel= could name"
    return "pass " + " or ".join(f"submodel={name!r}" for name in names)
