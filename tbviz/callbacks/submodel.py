"""The subject: the model that is looked into, which need not be the one that is fitted.

A model with a `train_step` of its own, such as a GAN, often cannot be called at all: it trains the
models inside it. `of=` names one of those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras

from tbviz.callbacks.error_boundary import in_short
from tbviz.errors import TbvizError
from tbviz.taps import keras_private

Of = str | Callable[[Any], Any] | None
"""What a user may pass as `of`."""


def check_of(of: Any) -> Of:
    """Returns `of`, if it is something that can name a model.

    Raises:
        TbvizError: it is not.
    """
    if of is None or (isinstance(of, str) and of) or (callable(of) and not is_model(of)):
        result: Of = of
        return result
    msg = (
        f"of received {of!r}; it takes an attribute path such as 'discriminator', or a function "
        "of the fitted model such as lambda model: model.discriminator"
    )
    raise TbvizError(msg)


def subject_of(model: Any, of: Of) -> Any:
    """The model to look into, found anew each time: a sub-model may be replaced in training.

    Args:
        model: the one that is fitted.
        of: path of attributes (`"gan.generator"`, `"blocks.0"`), or of layers' names where there
            is no such attribute; a function of the model; `None` for the model itself.

    Raises:
        TbvizError: there is no such model, or the model itself cannot be called.
    """
    if of is None:
        if has_call(model):
            return model
        raise TbvizError(f"model {model.name!r} has no call() to look into; {_remedy(model)}")
    found = _at(model, of) if isinstance(of, str) else of(model)
    if is_model(found):
        return found
    what = f"a {type(found).__name__}" if found is not None else "nothing"
    msg = f"of={of!r} leads to {what} in model {model.name!r}, not to a model; {_remedy(model)}"
    raise TbvizError(msg)


def not_callable(model: Any, of: Of, error: NotImplementedError) -> TbvizError:
    """What to raise where a look found that a `call` is there, but not implemented."""
    name = f"model {model.name!r}" if of is None else f"of={of!r}"
    msg = f"{name} cannot be called to look into it ({in_short(error)}); {_remedy(model)}"
    return TbvizError(msg)


def has_call(model: Any) -> bool:
    """Whether somebody wrote a `call`: a plain `keras.Model` has one that only raises."""
    plain = (keras.Model.call, keras.layers.Layer.call)
    return getattr(model.call, "__func__", model.call) not in plain


def is_model(value: Any) -> bool:
    """Whether it can be looked into."""
    return isinstance(value, keras.layers.Layer)


def sub_models(model: Any) -> list[str]:
    """What to pass as `of` for each model that `model` holds."""
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
    names = sub_models(model)
    if not names:
        return "it holds no other model that of= could name"
    return "pass " + " or ".join(f"of={name!r}" for name in names)
