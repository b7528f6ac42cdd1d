"""Record the outputs of layers and the class scores of a model on a batch, in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
from keras import ops

from tbviz.arrays.types import Floats
from tbviz.scores.output_head import head_of, probabilities, with_scores
from tbviz.taps import backends
from tbviz.taps.final_outputs import OutputName
from tbviz.taps.input_finiteness import faulty_images, propagate_images
from tbviz.taps.inspector import ModelInspector
from tbviz.taps.outputs import Output, as_maps, first_tensor
from tbviz.taps.tap import unreachable_error

_ALL: Mapping[str, int] = MappingProxyType({})


class FeatureMaps(dict[str, Floats]):
    """Layers' outputs, or derivatives in them, by key; raises the reason if a layer has none."""

    def __missing__(self, key: str) -> Floats:
        raise unreachable_error(key)


@dataclass(frozen=True)
class Recording:
    """The outputs of a model on one probe batch.

    Attributes:
        maps: Key to `(images, height, width, channels)`, or the layer's own rank, float32.
        output: The output of the model whose scores these are.
        scores: `(images, classes)` before softmax or sigmoid.
        probabilities: The same after it, None if the model has none.
    """

    maps: FeatureMaps
    output: Floats
    scores: Floats
    probabilities: Floats | None


def record(
    inspector: ModelInspector,
    outputs: Sequence[Output],
    inputs: Any,
    first: Mapping[str, int] = _ALL,
    output: OutputName | None = None,
) -> Recording:
    """Record the outputs of layers, and the scores of one output of the model, on one batch.

    Args:
        inspector: The inspector of the model.
        outputs: The layers.
        inputs: The batch.
        first: Layer key to the number of channels to record; other layers have all. Defaults to
            _ALL.
        output: The output of the model. Defaults to the first.

    Raises:
        TbvizError: If the model has no such output.
    """
    model_outputs = inspector.model_outputs(inputs)
    head = head_of(model_outputs, output)
    backend = backends.current()

    def compute(model: Any, inputs: Any) -> Any:
        maps: dict[str, Any] = {}

        def on_output(path: str, call: int, value: Any) -> Any:
            for one in outputs:
                if one.node.path == path and one.call == call:
                    whole = as_maps(one, backend.detached(first_tensor(value)))
                    maps[one.key] = whole[..., : first.get(one.key)]
            return value

        values, scores = with_scores(model, inputs, head, outputs, on_output)
        return maps, ops.cast(values, "float32"), scores

    # Outputs say how a tensor of this size is read.
    key = ("record", tuple(outputs), tuple(sorted(first.items())), head)
    maps, values, scores = inspector.run(key, compute, inputs)
    maps, values, scores = propagate_images(faulty_images(inputs), (maps, values, scores))
    ordered = FeatureMaps(
        (one.key, inspector.propagate_channel_faults(one, maps[one.key], model_outputs))
        for one in outputs
        if one.key in maps
    )
    reads = model_outputs.final_output(head.output).reads
    values, scores = inspector.propagate_faults(reads, (values, scores))
    return Recording(ordered, values, scores, probabilities(head, values))


def scores_in_batches(
    inspector: ModelInspector, inputs: Any, batch: int = 32, output: OutputName | None = None
) -> tuple[Floats, Floats | None]:
    """Compute class scores and probabilities of any number of images, in batches of one size.

    Args:
        inspector: The inspector of the model.
        inputs: The images, in the model's structure. The last batch is filled up, which avoids
            another compilation.
        batch: Images per pass. Defaults to 32.
        output: The output of the model. Defaults to None: the first.

    Returns:
        Scores before softmax or sigmoid, `(images, classes)`, and the probabilities, None if
        the model has none.

    Raises:
        TbvizError: If the model has no such output.
    """
    model_outputs = inspector.model_outputs_like(inputs)
    head = head_of(model_outputs, output)
    arrays = keras.tree.map_structure(np.asarray, inputs)
    count = len(keras.tree.flatten(arrays)[0])

    def compute(model: Any, inputs: Any) -> Any:
        values, scores = with_scores(model, inputs, head)
        return ops.cast(values, "float32"), scores

    found = []
    for first in range(0, count, batch):
        rows = np.minimum(np.arange(first, first + batch), count - 1)
        part = keras.tree.map_structure(lambda leaf, rows=rows: leaf[rows], arrays)
        found.append(inspector.run(("scores", head), compute, part))
    whole = tuple(np.concatenate(parts)[:count] for parts in zip(*found, strict=True))
    whole = propagate_images(faulty_images(arrays), whole)
    reads = model_outputs.final_output(head.output).reads
    values, scores = inspector.propagate_faults(reads, whole)
    return scores, probabilities(head, values)
