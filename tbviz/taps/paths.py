"""Give every layer of a model one stable, readable path.

Keras' own `layer.path` is neither unique (three `Conv2D(name="conv")` of a subclassed model share
one) nor stable (the second model of a process has `conv2d_2` where the first had `conv2d_1`).
"""

from __future__ import annotations

import re
import weakref
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from tbviz.taps import keras_private


@dataclass(frozen=True, eq=False)
class Node:
    """One layer, or one operation of a functional model, with its path in the model.

    Attributes:
        path: Names from the root, joined by `/`; the root's own name is left out.
        held: Weak reference to the Keras object whose `call` can be tapped: references to a model
            must not keep it alive.
        parent: Path of the layer that holds it, None for the root's children.
        leaf: Whether it holds no other layer.
    """

    path: str
    held: weakref.ref[Any]
    parent: str | None
    leaf: bool

    @property
    def layer(self) -> Any:
        """The layer or operation, None once it is gone."""
        return self.held()

    @property
    def name(self) -> str:
        """Return the last part of the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def kind(self) -> str:
        """Return the layer's class name, such as `Conv2D`."""
        return type(self.layer).__name__


def walk(model: Any) -> list[Node]:
    """Return all layers of `model` below the root, parents before children, each layer once.

    Siblings that share a name get the attribute that holds them (`blocks.0.1`); automatic names
    are counted anew within their parent, so a second model of one process has the same paths.

    Args:
        model: Any Keras model or layer, built or not.

    Returns:
        A list of `Node`. A layer that several parents share appears under the first of them.
    """
    seen: set[int] = {id(model)}
    return list(_below(model, None, seen))


def _below(holder: Any, parent: str | None, seen: set[int]) -> Iterator[Node]:
    children = [c for c in keras_private.children(holder) if _shown(c) and id(c) not in seen]
    children = list({id(child): child for child in children}.values())
    seen.update(id(child) for child in children)
    for child, name in zip(children, _names(holder, children), strict=True):
        path = name if parent is None else f"{parent}/{name}"
        inner = list(_below(child, path, seen))
        yield Node(path, weakref.ref(child), parent, leaf=not inner)
        yield from inner


def _shown(child: Any) -> bool:
    hidden = keras.layers.InputLayer | keras.metrics.Metric | keras.losses.Loss
    return not isinstance(child, hidden)


def _names(holder: Any, children: list[Any]) -> list[str]:
    counts: Counter[str] = Counter()
    names = []
    for child in children:
        automatic = keras_private.snake_case(type(child).__name__)
        if isinstance(holder, keras.layers.Bidirectional):  # it calls them `forward_lstm_1`
            automatic = f"{child.name.split('_', 1)[0]}_{automatic}"
        if re.fullmatch(rf"{re.escape(automatic)}(_\d+)?", child.name):
            number = counts[automatic]
            counts[automatic] += 1
            names.append(f"{automatic}_{number}" if number else automatic)
        else:
            names.append(child.name)
    shared = {name for name, count in Counter(names).items() if count > 1}
    if shared:
        attributes = _attributes(holder)
        names = [
            attributes.get(id(child), name) if name in shared else name
            for name, child in zip(names, children, strict=True)
        ]
        names = _numbered(names)
    return names


def _numbered(names: list[str]) -> list[str]:
    """Keep the first of each name and number the others, if even attributes are not unique."""
    counts: Counter[str] = Counter()
    result = []
    for name in names:
        result.append(f"{name}.{counts[name]}" if counts[name] else name)
        counts[name] += 1
    return result


def _attributes(holder: Any) -> dict[int, str]:
    """Return the attribute of each layer: `conv`, or `blocks.0.1` inside lists and dictionaries."""
    found: dict[int, str] = {}

    def visit(value: Any, name: str, depth: int) -> None:
        if isinstance(value, keras.layers.Layer):
            found.setdefault(id(value), name)
        elif depth < 4 and isinstance(value, list | tuple):
            for index, item in enumerate(value):
                visit(item, f"{name}.{index}", depth + 1)
        elif depth < 4 and isinstance(value, dict):
            for key, item in value.items():
                visit(item, f"{name}.{key}", depth + 1)

    for name, value in keras_private.attributes(holder).items():
        if not name.startswith("_"):
            visit(value, name, 0)
    return found
