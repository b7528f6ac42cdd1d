"""The looker: one model's looks, each compiled once and kept while the model stays the same."""

from __future__ import annotations

import contextlib
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
from keras import ops

from tbviz.arrays.types import Bools, Floats
from tbviz.errors import TbvizError
from tbviz.taps import backends, keras_private, output_head
from tbviz.taps.added_losses import added_losses_preserved
from tbviz.taps.forward import with_scores
from tbviz.taps.model_outputs import ModelOutputs, model_outputs
from tbviz.taps.outputs import Output, as_maps, first_tensor
from tbviz.taps.random_state import backend_state_preserved, random_states_preserved
from tbviz.taps.recording import FeatureMaps, Recording
from tbviz.taps.tap import Enough, Tap, tapped, unreached
from tbviz.taps.weights import Faults, WeightBook

_ALL: Mapping[str, int] = MappingProxyType({})


class ModelInspector:
    """Looks into one model without a trace left in it; holds it weakly.

    Args:
        model: any built Keras model.

    Attributes:
        traces: how often a look was compiled, for tests and for the curious.
        compile_seconds: time spent on first calls, which trace and compile.
        first_seconds: what of it the same calls may be expected to take again, as far as that
            can be told apart.
        restarts: how often a change of the model's structure made kept looks useless.
    """

    def __init__(self, model: Any) -> None:
        self._model = weakref.ref(model)
        self._backend = backends.current()
        self._kept: dict[Any, Callable[..., Any]] = {}
        self._model_outputs: dict[Any, ModelOutputs] = {}
        self._draws = False
        self._fingerprint: int | None = None
        self._book: WeightBook | None = None
        self._faults: Faults | None = None
        self.traces = 0
        self.compile_seconds = 0.0
        self.first_seconds = 0.0
        self.restarts = 0

    @property
    def model(self) -> Any:
        """The model, while somebody else holds it."""
        model = self._model()
        if model is None:
            msg = "the model to look into was deleted; make a new looker for the new model"
            raise TbvizError(msg)
        return model

    @property
    def faults(self) -> Faults:
        """Which weights are not finite, checked once since `refresh`."""
        if self._faults is None:
            self.check()
            start = time.perf_counter()
            new = self._book is None
            with self._undisturbed():
                self._faults = self._weights().check()
            if new:
                self.compile_seconds += time.perf_counter() - start
        return self._faults

    def fault_of(self, layer: Any | None) -> float:
        """Of a layer's own weights: 0, `INFINITE` or `NAN`; not a number if it has none."""
        own = 0 if layer is None else self._weights().set_of(layer)
        return float(self.faults.code_of(own)) if own else float("nan")

    def refresh(self) -> None:
        """Says that the weights may have changed: they are checked again before the next look."""
        self._faults = None

    def _weights(self) -> WeightBook:
        if self._book is None:
            self._book = WeightBook(self.model)
        return self._book

    def model_outputs(self, inputs: Any) -> ModelOutputs:
        """What the model has to show, found once for each shape of a probe."""
        self.check()
        leaves = keras.tree.flatten(inputs)
        key = tuple((np.shape(leaf), str(getattr(leaf, "dtype", ""))) for leaf in leaves)
        found = self._model_outputs.get(key)
        if found is None:
            start = time.perf_counter()
            found = self._model_outputs[key] = model_outputs(self.model, inputs, self._weights())
            self._draws |= found.draws
            self.compile_seconds += time.perf_counter() - start
        return found

    def head(self, inputs: Any) -> output_head.OutputHead:
        """How class scores are read off the model's output; batches of any size have the same."""
        return self.survey_like(inputs).head

    def survey_like(self, inputs: Any) -> ModelOutputs:
        """A survey on a batch of any size of the same images."""
        self.check()
        sample = [np.shape(leaf)[1:] for leaf in keras.tree.flatten(inputs)]
        for known, found in self._model_outputs.items():
            if [shape[1:] for shape, _ in known] == sample:
                return found
        return self.model_outputs(inputs)

    def run(self, key: Any, function: Callable[..., Any], *arrays: Any) -> Any:
        """Runs `function(model, *arrays)`, compiled the first time that `key` is seen.

        Args:
            key: hashable; the same key must mean the same function.
            function: builds the computation from the model and tensors.
            *arrays: trees of numpy arrays; new shapes compile anew.

        Returns:
            The tree that `function` returned, as numpy arrays.
        """
        self.check()
        kept = self._kept.get(key)
        if kept is not None:
            with self._undisturbed():
                return kept(*arrays)
        # A model that runs eagerly may do what no graph can hold.
        if getattr(self.model, "run_eagerly", False) or not self._backend.COMPILES:
            with self._undisturbed():
                return self._backend.eagerly(function, self.model, *arrays)

        traced = start = time.perf_counter()

        def counted(model: Any, *tensors: Any) -> Any:
            nonlocal traced
            self.traces += 1
            result = function(model, *tensors)
            traced = time.perf_counter()
            return result

        try:
            kept = self._backend.compiled(counted, self.model)
            with self._undisturbed():
                result = kept(*arrays)
            self._kept[key] = kept
            return result
        finally:
            end = time.perf_counter()
            self.compile_seconds += end - start
            if not self._backend.COMPILES_LATE:
                self.first_seconds += end - traced

    @contextlib.contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Keeps what a call of the model moves; global random states, where it draws from them."""
        states = random_states_preserved() if self._draws else backend_state_preserved()
        with added_losses_preserved(self.model), states:
            yield

    def record(
        self, outputs: Sequence[Output], inputs: Any, first: Mapping[str, int] = _ALL
    ) -> Recording:
        """The chosen layers' outputs, and the model's own, on one probe.

        Args:
            outputs: the layers.
            inputs: the probe batch.
            first: by layer's key, how many channels are enough; all of those not named.
        """
        known = self.model_outputs(inputs)
        head = known.head

        def compute(model: Any, inputs: Any) -> Any:
            maps: dict[str, Any] = {}

            def touch(path: str, call: int, value: Any) -> Any:
                for output in outputs:
                    if output.node.path == path and output.call == call:
                        whole = as_maps(output, self._backend.kept(first_tensor(value)))
                        maps[output.key] = whole[..., : first.get(output.key)]
                return value

            values, scores = with_scores(model, inputs, head, outputs, touch)
            return maps, ops.cast(values, "float32"), scores

        # Outputs say how a tensor of this size is read.
        key = ("record", tuple(outputs), tuple(sorted(first.items())), head)
        maps, values, scores = self.run(key, compute, inputs)
        there = [output for output in outputs if output.key in maps]
        ordered = FeatureMaps((o.key, self.honest_maps(o, maps[o.key], known)) for o in there)
        values, scores = self.honest(known.output_reads, (values, scores))
        return Recording(ordered, values, scores, output_head.probabilities(head, values))

    def scores(self, inputs: Any, batch: int = 32) -> tuple[Floats, Floats | None]:
        """Class scores and probabilities of any number of images, in batches of one size.

        Args:
            inputs: in the model's structure; the last batch is filled up, so that nothing is
                compiled anew for another number of images.
            batch: images a pass.

        Returns:
            Scores before softmax or sigmoid, `(images, classes)`, and the probabilities, `None`
            where the model has none.
        """
        known = self.survey_like(inputs)
        head = known.head
        arrays = keras.tree.map_structure(np.asarray, inputs)
        count = len(keras.tree.flatten(arrays)[0])

        def compute(model: Any, inputs: Any) -> Any:
            values, scores = with_scores(model, inputs, head)
            return ops.cast(values, "float32"), scores

        found = []
        for first in range(0, count, batch):
            rows = np.minimum(np.arange(first, first + batch), count - 1)
            part = keras.tree.map_structure(lambda leaf, rows=rows: leaf[rows], arrays)
            found.append(self.run(("scores", head), compute, part))
        whole = tuple(np.concatenate(parts)[:count] for parts in zip(*found, strict=True))
        values, scores = self.honest(known.output_reads, whole)
        return scores, output_head.probabilities(head, values)

    def augmented(self, output: Output, inputs: Any, draws: int) -> Floats:
        """What a layer puts out in training, as where it turns and shifts the images it gets.

        Args:
            output: the layer.
            inputs: the probe batch.
            draws: how often each image is sent through.

        Returns:
            `(draws, images, ...)`, float32. Seeds are behind it what they were before.

        Raises:
            TbvizError: the layer cannot be tapped.
        """

        def compute(model: Any, inputs: Any) -> Any:
            seen: list[Any] = []

            def touch(path: str, call: int, value: Any) -> Any:
                del path
                if call == output.call:
                    seen.append(as_maps(output, self._backend.kept(first_tensor(value))))
                    raise Enough  # what lies behind this layer need not run
                return value

            layers = tapped([(output.node.path, output.node.layer)])
            with contextlib.suppress(Enough), Tap(layers, touch, model):
                model(inputs, training=True)
            if not seen:
                raise unreached(output.key)
            return seen[0]

        many = keras.tree.map_structure(
            lambda leaf: np.concatenate([np.asarray(leaf)] * draws), inputs
        )
        found = self.run(("augmented", output), compute, many)
        found = self.honest_maps(output, found, self.survey_like(inputs))
        return np.asarray(found.reshape(draws, -1, *found.shape[1:]))

    def honest(self, reads: int, tree: Any) -> Any:
        """Arrays that depend on weights, NaN if one of these is not finite.

        What comes out of a pass cannot tell: some processors turn NaN into 0 in a fused
        convolution and ReLU.

        Args:
            reads: the set of the weights, see `Faults`.
            tree: float arrays.
        """
        if not self.faults.mask & reads:
            return tree
        return keras.tree.map_structure(lambda array: np.full_like(array, np.nan), tree)

    def honest_maps(self, output: Output, maps: Floats, known: ModelOutputs) -> Floats:
        """The same of a layer's maps; channels that the fault does not reach stay as they are."""
        count = maps.shape[-1] if maps.ndim else 1
        broken = self.broken_channels(output, known)[:count]
        if not broken.any():
            return maps
        maps = np.array(maps)
        maps[..., broken] = np.nan
        return maps

    def broken_channels(self, output: Output, known: ModelOutputs) -> Bools:
        """Which channels of a layer depend on weights that are not finite, `(channels,)`."""
        reads, own = known.reads.get(output.key, 0), known.own.get(output.node.path, 0)
        layer = output.node.layer
        return self.faults.broken_channels(reads, layer, own, output.channels)

    def check(self) -> None:
        """Drops what was compiled for another structure: kept, it would be silently wrong."""
        present = fingerprint(self.model)
        if self._fingerprint is not None and present != self._fingerprint:
            self._kept.clear()
            self._model_outputs.clear()
            self._book = self._faults = None
            self.restarts += 1
        self._fingerprint = present


def fingerprint(model: Any) -> int:
    """Changes when `enable_lora`, `quantize`, a new activation or a new layer changed the model.

    Weights, `trainable` and recompiling with a loss that reads the output alike leave it alone: a
    compiled look stays right over those.
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
    return hash((eager, output_head.loss_meanings(model), *layers))


_INSPECTORS: weakref.WeakKeyDictionary[keras.Model, ModelInspector] = weakref.WeakKeyDictionary()


def inspector_for(model: keras.Model) -> ModelInspector:
    """The looker of a model, made once: what several callbacks and calls share.

    It takes the weights as they are from now on.
    """
    if model not in _INSPECTORS:
        _INSPECTORS[model] = ModelInspector(model)
    found = _INSPECTORS[model]
    found.refresh()
    return found
