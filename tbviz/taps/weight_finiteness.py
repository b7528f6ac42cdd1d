"""Find the float variables of a model, their layers, and which of them are not finite.

Faults are found in the weights, not in the outputs alone: some processors turn NaN into 0 in a
fused convolution and ReLU, and a layer with NaN weights would look dead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tbviz.taps import backends, channels, keras_private
from tbviz.taps.paths import walk

INFINITE, NAN = 1, 2
"""The fault of a variable: it holds infinity, or NaN (and perhaps infinity too)."""

FAULT_NAMES = {INFINITE: "infinite", NAN: "NaN"}
"""The faults in words."""


@dataclass(frozen=True)
class Weight:
    """One float variable of a model.

    Attributes:
        variable: Keras' variable, or one of the backend's own.
        path: Of the innermost layer that holds it; `""` if the model itself does.
        only_nan: Whether infinity may be meant, as in the mask of an attention: in a variable that
            is never trained, which the user's own code adds to a layer.
    """

    variable: Any
    path: str
    only_nan: bool


@dataclass(frozen=True)
class WeightFaults:
    """Which weights of a model are not finite at one moment.

    Sets of weights are whole numbers here: bit `i` is weight `i`.

    Attributes:
        weights: All of them.
        codes: Of each weight 0, `INFINITE` or `NAN`.
        mask: The set of those that are not finite.
    """

    weights: tuple[Weight, ...] = ()
    codes: tuple[int, ...] = ()
    mask: int = 0
    _channels: dict[tuple[int, int], npt.NDArray[np.bool_]] = field(default_factory=dict)

    @classmethod
    def from_codes(cls, weights: Iterable[Weight], codes: Sequence[int]) -> WeightFaults:
        """Return the faults that a check of the weights has found."""
        weights = tuple(weights)
        found = tuple(
            0 if weight.only_nan and code == INFINITE else code
            for weight, code in zip(weights, codes, strict=True)
        )
        return cls(weights, found, sum(1 << bit for bit, code in enumerate(found) if code))

    def __bool__(self) -> bool:
        return self.mask != 0

    def layers(self, weight_set: int = -1) -> dict[str, int]:
        """Return the layers whose own weights are not finite, with the worst code, in order.

        Args:
            weight_set: A set of weights. Defaults to all of them.
        """
        found: dict[str, int] = {}
        for bit in _bits(self.mask & weight_set):
            path = self.weights[bit].path
            found[path] = max(found.get(path, 0), self.codes[bit])
        return found

    def cause_of(self, weight_set: int) -> str | None:
        """Describe the fault of a set of weights; return None if all of them are finite."""
        layers = self.layers(weight_set)
        if not layers:
            return None
        first, code = next(iter(layers.items()))
        return f"the weights of {describe_layers(first, len(layers) - 1)} are {FAULT_NAMES[code]}"

    def code_of(self, weight_set: int) -> int:
        """Return the worst code among a set of weights."""
        return max(self.layers(weight_set).values(), default=0)

    def faulty_channels(self, weight_set: int, layer: Any, count: int) -> npt.NDArray[np.bool_]:
        """Return which channels of an output a layer's own weights make not finite, `(count,)`.

        All channels are affected, except if each weight belongs to one channel.

        Args:
            weight_set: A set of the layer's own weights.
            layer: The layer that computes the output.
            count: How many channels the output has.
        """
        faulty = self.mask & weight_set
        if not channels.separates_weights(layer):
            return np.full(count, bool(faulty))
        key = faulty, count
        if key not in self._channels:
            found = np.zeros(count, bool)
            for bit in _bits(faulty):
                found |= _channels_of(self.weights[bit], count)
            self._channels[key] = found
        return self._channels[key]


def _channels_of(weight: Weight, count: int) -> npt.NDArray[np.bool_]:
    values = _values(weight)
    if values.ndim > 1 and values.shape[-1] == 1:  # a depthwise kernel, one filter per channel
        values = values[..., 0]
    name = getattr(weight.variable, "name", "")
    if name not in _BY_CHANNEL or not values.ndim or values.shape[-1] != count:
        return np.ones(count, bool)
    return np.asarray(~np.isfinite(values).reshape(-1, count).all(axis=0))


def describe_layers(path: str, others: int = 0) -> str:
    """Name a layer, and the number of others, as part of a sentence."""
    name = path or "the model itself"
    return f"{name} and {others} more layer{'s' if others > 1 else ''}" if others else name


_BY_CHANNEL = {"kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"}


def _bits(mask: int) -> Iterator[int]:
    bit = 0
    while mask:
        if mask & 1:
            yield bit
        mask >>= 1
        bit += 1


class WeightChecker:
    """The float weights of a model of one structure, and the compiled check of them.

    Args:
        model: Any built Keras model.

    Attributes:
        weights: In the model's order, layer by layer.
        gathered: The set of those of which the output depends on some rows alone, as in an
            embedding. Such a row shows in what is computed.
    """

    def __init__(self, model: Any) -> None:
        layers = [("", model), *((node.path, node.layer) for node in walk(model))]
        backend = backends.current()
        found: dict[int, Weight] = {}
        for path, layer in layers:  # parents before children: the innermost layer wins
            by_keras = keras_private.trained_or_created_by_keras(layer)
            for variable in getattr(layer, "weights", None) or ():
                only_nan = not (variable.trainable or id(variable) in by_keras)
                found[id(variable)] = Weight(variable, path, only_nan)
            for variable in backend.plain_variables(layer):
                found.setdefault(id(variable), Weight(variable, path, only_nan=True))
        order = {path: number for number, (path, _) in enumerate(layers)}
        self.weights = sorted(
            (weight for weight in found.values() if is_float(weight.variable)),
            key=lambda weight: order[weight.path],
        )
        self._bits_by_id = {id(weight.variable): n for n, weight in enumerate(self.weights)}
        # By layer; the model of this structure holds them all.
        self._sets: dict[int, int] = {}
        gathered = others = 0
        for node in walk(model):
            if node.leaf and channels.gathers(node.layer):
                gathered |= self.set_of(node.layer)
            elif node.leaf:
                others |= self.set_of(node.layer)
        self.gathered = gathered & ~others
        self._finite = backend.compile_finite_check(
            lambda: [weight.variable for weight in self.weights]
        )

    def check(self) -> WeightFaults:
        """Find the weights that are not finite now."""
        if not self.weights:
            return WeightFaults()
        # One flag each comes from the backend; the kind is determined for the faulty ones alone.
        finite = np.asarray(self._finite())
        codes = [
            0 if is_finite else _code(weight)
            for weight, is_finite in zip(self.weights, finite.tolist(), strict=True)
        ]
        return WeightFaults.from_codes(self.weights, codes)

    def set_of(self, layer: Any) -> int:
        """Return the set of a layer's weights, including those of the layers inside it."""
        if id(layer) not in self._sets:
            held = [*(getattr(layer, "weights", None) or ())]
            held += backends.current().plain_variables(layer)
            bits = [self._bits_by_id[id(one)] for one in held if id(one) in self._bits_by_id]
            self._sets[id(layer)] = sum(1 << bit for bit in bits)
        return self._sets[id(layer)]

    def set_at(self, path: str) -> int:
        """Return the set of the weights that a layer holds itself, not in a layer inside it."""
        return sum(1 << n for n, weight in enumerate(self.weights) if weight.path == path)


def _values(weight: Weight) -> npt.NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(weight.variable)).astype(np.float32)


def _code(weight: Weight) -> int:
    return NAN if np.isnan(_values(weight)).any() else INFINITE


def is_float(variable: Any) -> bool:
    """Tell whether a variable or an array holds floats, of any precision."""
    try:
        return bool(keras.backend.is_float_dtype(keras.backend.standardize_dtype(variable.dtype)))
    except (ValueError, TypeError):  # a type that Keras does not know, such as text
        return False
