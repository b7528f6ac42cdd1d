"""Complete the signature and the docstring of a callback class from the shared arguments."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator, Mapping
from inspect import Parameter
from typing import Any, ClassVar, Self

from tbviz.callbacks import options
from tbviz.callbacks.options import ARGUMENTS, DEFAULTS, ORDER, RENAMED, ImageOptions
from tbviz.docstrings import completed

_RAISES = {
    "TbvizError": (
        "If the value of an argument cannot be used. The message says what was received, what "
        "was expected and what to do."
    ),
    "TypeError": "If there is no such argument. The message names the one that may be meant.",
}


class SharedOptions:
    """Gives every subclass a complete signature and docstring, and checks its keywords.

    A subclass spells out its own arguments and takes the shared ones as
    `**options: Unpack[CallbackOptions]`. Type checkers read that; `inspect.signature` and `help()`
    get each argument by its name.
    """

    option_defaults: ClassVar[ImageOptions] = {}
    """The shared arguments that have another default in this class."""

    shared_texts: ClassVar[Mapping[str, str]] = ARGUMENTS
    """By argument, the text that the docstring takes over."""

    not_taken: ClassVar[Mapping[str, str]] = {}
    """By argument that other callbacks take, the reason why this class does not."""

    def __init_subclass__(cls, **further: Any) -> None:
        """Complete a class that has a constructor of its own."""
        super().__init_subclass__(**further)
        constructor = cls.__dict__.get("__init__")
        if constructor is None:
            return
        constructor.__signature__ = _signature(constructor, {**DEFAULTS, **cls.option_defaults})
        if cls.__doc__ is not None:
            parameters = inspect.signature(cls).parameters
            cls.__doc__ = completed(cls.__doc__, parameters, cls.shared_texts, _RAISES)

    def __new__(cls, *given: Any, **named: Any) -> Self:
        """Make a callback.

        Raises:
            TypeError: If an argument has no name that the class knows, or stands as a position
                although it must be named.
        """
        parameters = inspect.signature(cls).parameters
        kinds = {parameter.kind for parameter in parameters.values()}
        if Parameter.VAR_KEYWORD not in kinds:
            unknown = next((name for name in named if name not in parameters), None)
            if unknown is not None:
                raise TypeError(_unknown(cls, unknown, list(parameters)))
        positions = [
            name
            for name, parameter in parameters.items()
            if parameter.kind is Parameter.POSITIONAL_OR_KEYWORD
        ]
        if len(given) > len(positions) and Parameter.VAR_POSITIONAL not in kinds:
            msg = (
                f"{cls.__name__} received {len(given)} arguments without a name; expected at most "
                f"{len(positions)}: {', '.join(positions)}. Name the others, such as "
                f"{next(name for name in parameters if name not in positions)}=..."
            )
            if "images" in cls.not_taken:
                msg = f"{msg} {cls.__name__} {cls.not_taken['images']}"
            raise TypeError(msg)
        return super().__new__(cls)


class _Annotation(str):
    """An annotation that prints as it stands in the source, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _signature(constructor: Any, defaults: Mapping[str, Any]) -> inspect.Signature:
    """Return the signature of a constructor, with each shared argument by its name."""
    parameters = []
    shared = []
    for parameter in inspect.signature(constructor).parameters.values():
        annotation = str(parameter.annotation)
        if parameter.kind is Parameter.VAR_KEYWORD and annotation.startswith("Unpack["):
            shared = list(_shared(annotation.removeprefix("Unpack[").removesuffix("]"), defaults))
        elif parameter.annotation is Parameter.empty:
            parameters.append(parameter)
        else:
            parameters.append(parameter.replace(annotation=_Annotation(annotation)))
    positions = [one for one in parameters if one.kind is not Parameter.KEYWORD_ONLY]
    named = [one for one in parameters if one.kind is Parameter.KEYWORD_ONLY]
    if not shared:
        return inspect.Signature(parameters)
    return inspect.Signature(
        [
            *positions,
            *(one for name in ORDER for one in (*named, *shared) if one.name == name),
            *(one for one in named if one.name not in ORDER),
            *(one for one in shared if one.name not in ORDER),
        ]
    )


def _shared(name: str, defaults: Mapping[str, Any]) -> Iterator[Parameter]:
    """Yield the parameters of one of the typed dictionaries in `options`."""
    annotations = getattr(options, name).__annotations__
    for key, default in defaults.items():
        if key in annotations:
            text = _Annotation(annotations[key].__forward_arg__)
            yield Parameter(key, Parameter.KEYWORD_ONLY, default=default, annotation=text)


def _unknown(cls: type[SharedOptions], name: str, parameters: list[str]) -> str:
    """Describe a keyword that a class does not take, and the one that may be meant."""
    msg = f"{cls.__name__} received the unknown argument {name}="
    if name in cls.not_taken:
        return f"{msg}; {cls.__name__} {cls.not_taken[name]}. Leave {name}= out"
    meant = RENAMED.get(name)
    if meant in parameters:
        return f"{msg}; expected {meant}="
    takers = [
        other.__name__
        for other in _subclasses(SharedOptions)
        if other.__module__.startswith("tbviz.") and name in _named(other)
    ]
    if takers:
        several = " and ".join(sorted(takers))
        return (
            f"{msg}, which {several} {'takes' if len(takers) == 1 else 'take'}: add such a "
            f"callback to the list. {cls.__name__} takes {', '.join(parameters)}"
        )
    near = difflib.get_close_matches(name, parameters, n=1)
    if near:
        return f"{msg}; did you mean {near[0]}=?"
    return f"{msg}; it takes {', '.join(parameters)}"


def _named(cls: type) -> list[str]:
    """Return the keywords of a callback that a user can make: one that has an example."""
    return list(inspect.signature(cls).parameters) if "Example:" in (cls.__doc__ or "") else []


def _subclasses(cls: type) -> Iterator[type]:
    other: type
    for other in cls.__subclasses__():
        yield other
        yield from _subclasses(other)
