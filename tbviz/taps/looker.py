"""The looker: one model's looks, each compiled once and kept while the model stays the same."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from tbviz.errors import TbvizError
from tbviz.taps import backends, private, targets
from tbviz.taps.losses import losses_kept
from tbviz.taps.randomness import backend_state_kept, random_states_kept, same_draw
from tbviz.taps.survey import Output, Survey, as_maps, first_tensor, survey
from tbviz.taps.tap import Tap, tapped, unreached

Floats = npt.NDArray[np.float32]

PREDICTED = -1
"""In place of a class: the one that the model predicts."""

# A power of two, so that multiplying and dividing are exact. Unscaled, the gradients of the early
# layers of a float16 network are below the smallest float16 (all zeros in MobileNetV2).
_HALF_PRECISION_SCALE = 2.0**12


class Maps(dict[str, Floats]):
    """Layers' outputs by key; says why where a layer has none."""

    def __missing__(self, key: str) -> Floats:
        raise unreached(key)


@dataclass(frozen=True)
class Recording:
    """What a model put out on one probe.

    Attributes:
        maps: key to `(images, height, width, channels)`, or whatever rank the layer has, float32.
        output: the model's first output.
        scores: `(images, classes)` before softmax or sigmoid.
        probabilities: the same after it, `None` where the model has none.
    """

    maps: Maps
    output: Floats
    scores: Floats
    probabilities: Floats | None


@dataclass(frozen=True)
class ClassGradients:
    """One layer's maps, and how each moves the score of one class an image.

    Attributes:
        activations: `(images, height, width, channels)`, float32.
        gradients: the derivative of the score in each of them.
        classes: the class of each image.
        scores: its score before softmax or sigmoid.
        probabilities: of all classes, `(images, classes)`, `None` where the model has none.
    """

    activations: Floats
    gradients: Floats
    classes: npt.NDArray[np.int64]
    scores: Floats
    probabilities: Floats | None


class Looker:
    """Looks into one model without a trace left in it; holds it weakly.

    Args:
        model: any built Keras model.

    Attributes:
        traces: how often a look was compiled, for tests and for the curious.
        compile_seconds: time spent on first calls, which trace and compile.
        restarts: how often a change of the model's structure made kept looks useless.
    """

    def __init__(self, model: Any) -> None:
        self._model = weakref.ref(model)
        self._backend = backends.current()
        self._kept: dict[Any, Callable[..., Any]] = {}
        self._surveys: dict[Any, Survey] = {}
        self._draws = False
        self._fingerprint: int | None = None
        self.traces = 0
        self.compile_seconds = 0.0
        self.restarts = 0

    @property
    def model(self) -> Any:
        """The model, while somebody else holds it."""
        model = self._model()
        if model is None:
            msg = "the model to look into was deleted; make a new looker for the new model"
            raise TbvizError(msg)
        return model

    def survey(self, inputs: Any) -> Survey:
        """What the model has to show, found once for each shape of a probe."""
        self.check()
        leaves = keras.tree.flatten(inputs)
        key = tuple((np.shape(leaf), str(getattr(leaf, "dtype", ""))) for leaf in leaves)
        found = self._surveys.get(key)
        if found is None:
            start = time.perf_counter()
            found = self._surveys[key] = survey(self.model, inputs)
            self._draws |= found.draws
            self.compile_seconds += time.perf_counter() - start
        return found

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

        def counted(model: Any, *tensors: Any) -> Any:
            self.traces += 1
            return function(model, *tensors)

        start = time.perf_counter()
        try:
            kept = self._backend.compiled(counted, self.model)
            with self._undisturbed():
                result = kept(*arrays)
            self._kept[key] = kept
            return result
        finally:
            self.compile_seconds += time.perf_counter() - start

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Keeps what a call of the model moves; global random states, where it draws from them."""
        states = random_states_kept() if self._draws else backend_state_kept()
        with losses_kept(self.model), states:
            yield

    def record(self, outputs: Sequence[Output], inputs: Any) -> Recording:
        """The chosen layers' outputs, and the model's own, on one probe."""
        head = self.survey(inputs).head

        def look(model: Any, inputs: Any) -> Any:
            maps: dict[str, Any] = {}

            def touch(path: str, call: int, value: Any) -> Any:
                for output in outputs:
                    if output.node.path == path and output.call == call:
                        maps[output.key] = as_maps(output, self._backend.kept(first_tensor(value)))
                return value

            values, scores = _with_scores(model, inputs, head, outputs, touch)
            return maps, ops.cast(values, "float32"), scores

        key = ("record", tuple(outputs), head)  # they say how a tensor of this size is read
        maps, values, scores = self.run(key, look, inputs)
        ordered = Maps((o.key, maps[o.key]) for o in outputs if o.key in maps)
        return Recording(ordered, values, scores, targets.probabilities(head, values))

    def class_gradients(
        self, output: Output, inputs: Any, classes: npt.NDArray[np.int64]
    ) -> ClassGradients:
        """One layer's maps and the derivatives of one class score an image in them.

        Args:
            output: the layer.
            inputs: the probe batch.
            classes: `(images,)`, a class each, or `PREDICTED`.

        Raises:
            TbvizError: there is no such class, or the layer cannot be tapped.
        """
        head = self.survey(inputs).head
        wanted = np.asarray(classes, dtype=np.int64)
        if wanted.max(initial=PREDICTED) >= head.classes or wanted.min(initial=0) < PREDICTED:
            msg = f"received classes {wanted.tolist()}; the model has {head.classes}, from 0"
            raise TbvizError(msg)

        def look(model: Any, inputs: Any, classes: Any, scale: Any) -> Any:
            def forward(watch: Callable[[Any], Any]) -> Any:
                seen: list[Any] = []

                def touch(path: str, call: int, value: Any) -> Any:
                    del path
                    if call != output.call:
                        return value
                    first, *others = keras.tree.flatten(value)
                    watched = watch(first)
                    seen.append(self._backend.kept(watched))
                    return keras.tree.pack_sequence_as(value, [watched, *others])

                with same_draw(model):  # on JAX this runs twice
                    values, scores = _with_scores(model, inputs, head, [output], touch)
                if not seen:
                    raise unreached(output.key)
                chosen = ops.where(classes < 0, ops.argmax(scores, axis=-1), classes)
                picked = ops.take_along_axis(scores, ops.expand_dims(chosen, -1), axis=-1)[:, 0]
                return seen[0], chosen, picked, values

            (maps, chosen, picked, values), slopes = self._backend.gradients(
                forward, lambda seen: ops.sum(seen[2]) * scale
            )
            return (
                as_maps(output, maps),
                as_maps(output, slopes[0]) / scale,
                chosen,
                picked,
                ops.cast(values, "float32"),
            )

        scale = _HALF_PRECISION_SCALE if _computes_in_half(self.model) else 1.0
        arrays = inputs, wanted
        key = ("class_gradients", output, head)
        maps, slopes, chosen, picked, values = self.run(key, look, *arrays, np.float32(scale))
        if scale > 1 and not np.all(np.isfinite(slopes)):  # the scale itself may be too much
            maps, slopes, chosen, picked, values = self.run(key, look, *arrays, np.float32(1))
        return ClassGradients(maps, slopes, chosen, picked, targets.probabilities(head, values))

    def check(self) -> None:
        """Drops what was compiled for another structure: kept, it would be silently wrong."""
        present = fingerprint(self.model)
        if self._fingerprint is not None and present != self._fingerprint:
            self._kept.clear()
            self._surveys.clear()
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
            *map(id, private.own_variables(layer)),
        )
        for layer in private.all_layers(model)
    )
    eager = bool(getattr(model, "run_eagerly", False))
    return hash((eager, targets.loss_meanings(model), *layers))


def _with_scores(
    model: Any,
    inputs: Any,
    head: targets.Head,
    outputs: Sequence[Output],
    touch: Callable[[str, int, Any], Any],
) -> tuple[Any, Any]:
    """The model's first output and its class scores, with a tap on the way."""
    noted: list[targets.Noted] = []
    layers = tapped((output.node.path, output.node.layer) for output in outputs)
    with Tap(layers, touch, model, activations=noted.append):
        values = targets.first_output(model(inputs, training=False))
    found = targets.last_activation(values, noted)
    return values, targets.class_scores(head, values, found)


def _computes_in_half(model: Any) -> bool:
    return any(
        getattr(layer, "compute_dtype", None) == "float16" for layer in private.all_layers(model)
    )


_LOOKERS: weakref.WeakKeyDictionary[keras.Model, Looker] = weakref.WeakKeyDictionary()


def looker_of(model: keras.Model) -> Looker:
    """The looker of a model, made once: what several callbacks and calls share."""
    if model not in _LOOKERS:
        _LOOKERS[model] = Looker(model)
    return _LOOKERS[model]
