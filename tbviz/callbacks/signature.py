"""Complete the signature and the docstring of a callback class from the shared arguments."""

from __future__ import annotations

import difflib
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from inspect import Parameter
from typing import Any, ClassVar, Self

from tbviz.callbacks import options
from tbviz.callbacks.options import ARGUMENTS, DEFAULTS, ORDER, RENAMED, ImageOptions

_WIDTH = 88
_SECTION = re.compile(r"^(Args|Raises|Example|References):\n((?:(?: .*)?\n)*)", re.MULTILINE)
_ENTRY = re.compile(r"^    (\w+): ", re.MULTILINE)

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
            cls.__doc__ = _docstring(
                cls.__doc__, inspect.signature(cls).parameters, cls.shared_texts
            )

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


def _docstring(text: str, parameters: Mapping[str, Parameter], shared: Mapping[str, str]) -> str:
    """Return a docstring whose `Args` hold every argument, and whose `Raises` are complete."""
    text = inspect.cleandoc(text) + "\n"
    sections = {found[1]: found[2] for found in _SECTION.finditer(text)}
    own = _entries(sections.get("Args", ""))
    args = {name: _text(parameter, own, shared) for name, parameter in parameters.items()}
    raises = {**_entries(sections.get("Raises", "")), **_RAISES}
    parts = [_SECTION.sub("", text).strip(), _section("Args", args), _section("Raises", raises)]
    last = [name for name in ("References", "Example") if name in sections]
    parts += [f"{name}:\n{sections[name].rstrip()}" for name in last]
    return re.sub(r"\n{3,}", "\n\n", "\n\n".join(parts)) + "\n"


def _entries(section: str) -> dict[str, str]:
    """Return by name the texts of a section, each on one line."""
    names = [*_ENTRY.finditer(section)]
    ends = [*(found.start() for found in names[1:]), len(section)][: len(names)]
    return {
        found[1]: " ".join(section[found.end() : end].split())
        for found, end in zip(names, ends, strict=True)
    }


def _text(parameter: Parameter, own: Mapping[str, str], texts: Mapping[str, str]) -> str:
    """Return the text of an argument: the shared one, what the class adds, and the default."""
    shared, found, default = texts.get(parameter.name, "").partition("Defaults to")
    added = own.get(parameter.name, "")
    text = f"{shared.strip()} {added}".strip()
    if "Defaults to" in added or parameter.default is Parameter.empty:
        return text
    if found:
        return f"{text} Defaults to{default}"
    value = parameter.default
    shown = f'"{value}"' if isinstance(value, str) else repr(value)
    return f"{text} Defaults to {shown}."


def _section(title: str, entries: Mapping[str, str]) -> str:
    lines = [
        textwrap.fill(
            f"{name}: {text}",
            _WIDTH,
            initial_indent="    ",
            subsequent_indent="        ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, text in entries.items()
    ]
    return "\n".join([f"{title}:", *lines])


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
