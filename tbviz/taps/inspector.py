"""Run passes of one model, each compiled once per structure of the model: the model inspector."""

from __future__ import annotations

import contextlib
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from tbviz.arrays.types import Bools, Floats
from tbviz.errors import TbvizError
from tbviz.taps import backends, keras_private
from tbviz.taps.added_losses import added_losses_preserved
from tbviz.taps.channel_faults import channel_faults
from tbviz.taps.final_outputs import loss_meanings
from tbviz.taps.model_outputs import ModelOutputs, find_model_outputs
from tbviz.taps.outputs import Output
from tbviz.taps.random_state import backend_state_preserved, random_states_preserved
from tbviz.taps.weight_finiteness import WeightChecker, WeightFaults


class ModelInspector:
    """Run passes of one model without leaving a trace in it; hold it weakly.

    Args:
        model: Any built Keras model.

    Attributes:
        traces: How often a pass was traced, for tests.
        compile_seconds: Time spent on first calls, which trace and compile.
        first_seconds: The part of it that the same calls are expected to take again, as far as
            the two can be separated.
        restarts: How often a change of the model's structure invalidated the compiled passes.
    """

    def __init__(self, model: Any) -> None:
        self._model = weakref.ref(model)
        self._backend = backends.current()
        self._compiled: dict[Any, Callable[..., Any]] = {}
        self._model_outputs: dict[Any, ModelOutputs] = {}
        self._draws = False
        self._fingerprint: int | None = None
        self._weight_checker: WeightChecker | None = None
        self._faults: WeightFaults | None = None
        self._channel_faults: tuple[ModelOutputs, WeightFaults, Mapping[str, Bools]] | None = None
        self.traces = 0
        self.compile_seconds = 0.0
        self.first_seconds = 0.0
        self.restarts = 0

    @property
    def model(self) -> Any:
        """Return the model, as long as somebody else holds it."""
        model = self._model()
        if model is None:
            msg = "the inspected model was deleted; create a new inspector for the new model"
            raise TbvizError(msg)
        return model

    @property
    def faults(self) -> WeightFaults:
        """Return the weights that are not finite, checked once since `refresh`."""
        if self._faults is None:
            self.check()
            start = time.perf_counter()
            new = self._weight_checker is None
            with self._undisturbed():
                self._faults = self._weights().check()
            if new:
                self.compile_seconds += time.perf_counter() - start
        return self._faults

    def fault_of(self, layer: Any | None) -> float:
        """Return the fault of a layer's own weights: 0, `INFINITE` or `NAN`; NaN if it has none."""
        own = 0 if layer is None else self._weights().set_of(layer)
        return float(self.faults.code_of(own)) if own else float("nan")

    def refresh(self) -> None:
        """Note that the weights may have changed: they are checked again before the next pass."""
        self._faults = None

    def _weights(self) -> WeightChecker:
        if self._weight_checker is None:
            self._weight_checker = WeightChecker(self.model)
        return self._weight_checker

    def model_outputs(self, inputs: Any) -> ModelOutputs:
        """Return the outputs of all layers, found once for each shape of a probe batch."""
        self.check()
        leaves = keras.tree.flatten(inputs)
        key = tuple((np.shape(leaf), str(getattr(leaf, "dtype", ""))) for leaf in leaves)
        found = self._model_outputs.get(key)
        if found is None:
            start = time.perf_counter()
            found = self._model_outputs[key] = find_model_outputs(
                self.model, inputs, self._weights()
            )
            self._draws |= found.draws
            self.compile_seconds += time.perf_counter() - start
        return found

    def model_outputs_like(self, inputs: Any) -> ModelOutputs:
        """Return the model outputs of a batch of such images, of any size."""
        self.check()
        sample = [np.shape(leaf)[1:] for leaf in keras.tree.flatten(inputs)]
        for known, found in self._model_outputs.items():
            if [shape[1:] for shape, _ in known] == sample:
                return found
        return self.model_outputs(inputs)

    def run(self, key: Any, function: Callable[..., Any], *arrays: Any) -> Any:
        """Run `function(model, *arrays)`, compiled the first time that `key` is seen.

        Args:
            key: Hashable; the same key must mean the same function.
            function: Builds the computation from the model and tensors.
            *arrays: Trees of numpy arrays; new shapes compile anew.

        Returns:
            The tree that `function` returned, as numpy arrays.
        """
        self.check()
        compiled = self._compiled.get(key)
        if compiled is not None:
            with self._undisturbed():
                return compiled(*arrays)
        # A model that runs eagerly may do things that no graph can hold.
        if getattr(self.model, "run_eagerly", False) or not self._backend.COMPILES:
            with self._undisturbed():
                return self._backend.run_eagerly(function, self.model, *arrays)

        traced = start = time.perf_counter()

        def counted(model: Any, *tensors: Any) -> Any:
            nonlocal traced
            self.traces += 1
            result = function(model, *tensors)
            traced = time.perf_counter()
            return result

        try:
            compiled = self._backend.compiled(counted, self.model)
            with self._undisturbed():
                result = compiled(*arrays)
            self._compiled[key] = compiled
            return result
        finally:
            end = time.perf_counter()
            self.compile_seconds += end - start
            if not self._backend.COMPILES_LATE:
                self.first_seconds += end - traced

    @contextlib.contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Preserve the state that a call changes, and global random states if the model draws."""
        states = random_states_preserved() if self._draws else backend_state_preserved()
        with added_losses_preserved(self.model), states:
            yield

    def propagate_faults(self, reads: int, tree: Any) -> Any:
        """Return arrays that depend on weights, as NaN if one of the weights is not finite.

        The result of a pass does not show it: some processors turn NaN into 0 in a fused
        convolution and ReLU.

        Args:
            reads: The set of the weights, see `WeightFaults`.
            tree: Float arrays.
        """
        if not self.faults.mask & reads:
            return tree
        return keras.tree.map_structure(lambda array: np.full_like(array, np.nan), tree)

    def propagate_channel_faults(
        self, output: Output, maps: Floats, model_outputs: ModelOutputs
    ) -> Floats:
        """Return a layer's maps, with NaN in the channels that faulty weights affect."""
        count = maps.shape[-1] if maps.ndim else 1
        faulty = self.faulty_channels(output, model_outputs)[:count]
        if not faulty.any():
            return maps
        maps = np.array(maps)
        maps[..., faulty] = np.nan
        return maps

    def faulty_channels(self, output: Output, model_outputs: ModelOutputs) -> Bools:
        """Return which channels of a layer depend on weights that are not finite, `(channels,)`."""
        faults = self.faults
        if not faults:
            return np.zeros(output.channels, bool)
        known = self._channel_faults
        if known is None or known[0] is not model_outputs or known[1] is not faults:
            known = model_outputs, faults, channel_faults(model_outputs, faults)
            self._channel_faults = known
        return known[2][output.key]

    def check(self) -> None:
        """Drop passes that were compiled for another structure and would be silently wrong."""
        present = fingerprint(self.model)
        if self._fingerprint is not None and present != self._fingerprint:
            self._compiled.clear()
            self._model_outputs.clear()
            self._weight_checker = self._faults = self._channel_faults = None
            self.restarts += 1
        self._fingerprint = present


def fingerprint(model: Any) -> int:
    """Return a hash that changes with `enable_lora`, `quantize`, a new activation or a new layer.

    Weights, `trainable`, and recompiling with a loss that reads the output the same way do not
    change it: compiled passes stay valid.
    """
    layers = (
        (
            id(layer),
            id(getattr(layer, "activation", None)),
            getattr(layer, "quantization_mode", None),
            getattr(getattr(layer, "dtype_policy", None), "name", None),
            *map(id, keras_private.own_variables(layer)),
        )
        for layer in keras_private.all_layers(model)
    )
    eager = bool(getattr(model, "run_eagerly", False))
    return hash((eager, loss_meanings(model), *layers))


_INSPECTORS: weakref.WeakKeyDictionary[keras.Model, ModelInspector] = weakref.WeakKeyDictionary()


def inspector_for(model: keras.Model) -> ModelInspector:
    """Return the inspector of a model, created once: callbacks and calls share it.

    It uses the present weights from now on.
    """
    if model not in _INSPECTORS:
        _INSPECTORS[model] = ModelInspector(model)
    found = _INSPECTORS[model]
    found.refresh()
    return found
