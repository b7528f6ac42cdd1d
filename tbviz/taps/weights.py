"""Weights: the float variables of a model, whose they are, and which of them are not finite.

Whether a network is broken is read off its weights and not off its outputs alone: some processors
turn NaN into 0 in a fused convolution and ReLU, and a broken layer would look like a dead one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tbviz.taps import backends
from tbviz.taps.paths import walk

INFINITE, NAN = 1, 2
"""What a variable holds that is not finite: infinity, or NaN (and perhaps infinity too)."""

KINDS = {INFINITE: "infinite", NAN: "NaN"}
"""In words."""


@dataclass(frozen=True)
class Weight:
    """One float variable of a model.

    Attributes:
        variable: Keras' variable, or one of the backend's own.
        path: of the innermost layer that holds it; `""` if the model itself does.
        only_nan: whether infinity may be meant, as in the mask of an attention: in a variable that
            is not trained, of a layer that is not one of Keras' own.
    """

    variable: Any
    path: str
    only_nan: bool


@dataclass(frozen=True)
class Faults:
    """Which weights of a model are not finite at one moment.

    Sets of weights are whole numbers here: bit `i` is weight `i`.

    Attributes:
        weights: all of them.
        codes: of each weight 0, `INFINITE` or `NAN`.
        mask: the set of those that are not finite.
    """

    weights: tuple[Weight, ...] = ()
    codes: tuple[int, ...] = ()
    mask: int = 0
    _channels: dict[tuple[int, int], npt.NDArray[np.bool_]] = field(default_factory=dict)

    @classmethod
    def of(cls, weights: Iterable[Weight], codes: Sequence[int]) -> Faults:
        """What a check of the weights has found."""
        weights = tuple(weights)
        found = tuple(
            0 if weight.only_nan and code == INFINITE else code
            for weight, code in zip(weights, codes, strict=True)
        )
        return cls(weights, found, sum(1 << place for place, code in enumerate(found) if code))

    def __bool__(self) -> bool:
        return self.mask != 0

    def layers(self, reference: int = -1) -> dict[str, int]:
        """The layers whose own weights are not finite, in the model's order, with the worst code.

        Args:
            reference: a set of weights; all of them unless given.
        """
        found: dict[str, int] = {}
        for place in _bits(self.mask & reference):
            path = self.weights[place].path
            found[path] = max(found.get(path, 0), self.codes[place])
        return found

    def cause_of(self, reference: int) -> str | None:
        """What is wrong with a set of weights, in words; `None` if all of them are finite."""
        layers = self.layers(reference)
        if not layers:
            return None
        first, code = next(iter(layers.items()))
        return f"the weights of {in_words(first, len(layers) - 1)} are {KINDS[code]}"

    def code_of(self, reference: int) -> int:
        """The worst code among a set of weights."""
        return max(self.layers(reference).values(), default=0)

    def broken_channels(
        self, reference: int, layer: Any, own: int, count: int
    ) -> npt.NDArray[np.bool_]:
        """Which channels of an output depend on weights that are not finite, `(count,)`.

        All of them, but if it is the layer's own weights alone that are not finite, and those of
        each channel stand apart: the others are as good as ever.

        Args:
            reference: the set of weights that the output depends on.
            layer: whose output it is.
            own: the set of the layer's own weights.
            count: how many channels the output has.
        """
        broken = self.mask & reference
        if broken & ~own or not _channelwise(layer):
            return np.full(count, bool(broken))
        key = broken, count
        if key not in self._channels:
            found = np.zeros(count, bool)
            for place in _bits(broken):
                found |= self._channels_of(self.weights[place], count)
            self._channels[key] = found
        return self._channels[key]

    def _channels_of(self, weight: Weight, count: int) -> npt.NDArray[np.bool_]:
        values = _values(weight)
        name = getattr(weight.variable, "name", "")
        if name not in _BY_CHANNEL or not values.ndim or values.shape[-1] != count:
            return np.ones(count, bool)
        return np.asarray(~np.isfinite(values).reshape(-1, count).all(axis=0))


def in_words(path: str, others: int = 0) -> str:
    """A layer, and how many others, as a sentence names them."""
    name = path or "the model itself"
    return f"{name} and {others} more layer{'s' if others > 1 else ''}" if others else name


_BY_CHANNEL = {"kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"}
_CHANNELWISE = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Dense,
    keras.layers.BatchNormalization,
)
_ACROSS_CHANNELS = {"softmax", "log_softmax", "glu", "sparsemax"}


def _channelwise(layer: Any) -> bool:
    """Whether a layer's weights belong to one channel of its output each, along their last axis."""
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    own = type(layer) in _CHANNELWISE and name not in _ACROSS_CHANNELS
    return own and getattr(layer, "axis", -1) in (-1, 3)


def _bits(mask: int) -> Iterator[int]:
    place = 0
    while mask:
        if mask & 1:
            yield place
        mask >>= 1
        place += 1


class WeightBook:
    """The float weights of a model of one structure, and the compiled check of them.

    Args:
        model: any built Keras model.

    Attributes:
        weights: in the model's order, layer by layer.
    """

    def __init__(self, model: Any) -> None:
        layers = [("", model), *((node.path, node.layer) for node in walk(model))]
        backend = backends.current()
        found: dict[int, Weight] = {}
        for path, layer in layers:  # parents before children: the innermost has the last word
            for variable in getattr(layer, "weights", None) or ():
                keras_own = type(layer).__module__.startswith("keras.")
                only_nan = not (variable.trainable or keras_own)
                found[id(variable)] = Weight(variable, path, only_nan)
            for variable in backend.plain_variables(layer):
                found.setdefault(id(variable), Weight(variable, path, only_nan=True))
        ordered = {path: place for place, (path, _) in enumerate(layers)}
        self.weights = sorted(
            (weight for weight in found.values() if _is_float(weight.variable)),
            key=lambda weight: ordered[weight.path],
        )
        self._places = {id(weight.variable): n for n, weight in enumerate(self.weights)}
        self._finite = backend.finite(lambda: [weight.variable for weight in self.weights])

    def check(self) -> Faults:
        """Which weights are not finite now."""
        if not self.weights:
            return Faults()
        # One flag each comes from the backend; which kind it is, is asked of the broken ones alone.
        finite = np.asarray(self._finite())
        codes = [
            0 if well else _code(weight)
            for weight, well in zip(self.weights, finite.tolist(), strict=True)
        ]
        return Faults.of(self.weights, codes)

    def set_of(self, layer: Any) -> int:
        """The set of a layer's weights, of the layers inside it as well."""
        held = [*(getattr(layer, "weights", None) or ())]
        held += backends.current().plain_variables(layer)
        return sum(1 << self._places[id(one)] for one in held if id(one) in self._places)

    def set_at(self, path: str) -> int:
        """The set of the weights that a layer holds itself, not by a layer inside it."""
        return sum(1 << n for n, weight in enumerate(self.weights) if weight.path == path)


def _values(weight: Weight) -> npt.NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(weight.variable)).astype(np.float32)


def _code(weight: Weight) -> int:
    return NAN if np.isnan(_values(weight)).any() else INFINITE


def _is_float(variable: Any) -> bool:
    try:
        return bool(keras.backend.is_float_dtype(keras.backend.standardize_dtype(variable.dtype)))
    except (ValueError, TypeError):  # a type that Keras does not know, such as text
        return False
