"""Find the channels of each output that depend on weights that are not finite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tbviz.arrays.types import Bools
from tbviz.taps import channels
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output
from tbviz.taps.provenance import Flow
from tbviz.taps.weight_finiteness import WeightFaults

_NO_FLOW = Flow((), None)


def channel_faults(model_outputs: ModelOutputs, faults: WeightFaults) -> Mapping[str, Bools]:
    """Return which channels of each output are not finite, by key.

    An output is computed after its inputs, so one round in this order is enough. If it is unknown
    whether a layer keeps channels apart, all of its channels count.
    """
    found: dict[str, Bools] = {}
    by_call: dict[tuple[str, int], tuple[Output, Bools]] = {}
    for output in sorted(model_outputs.outputs.values(), key=lambda output: output.order):
        call = output.node.path, output.call
        found[output.key] = _faults_of(output, model_outputs, faults, by_call)
        by_call[call] = output, found[output.key]
    return found


def _faults_of(
    output: Output,
    model_outputs: ModelOutputs,
    faults: WeightFaults,
    by_call: Mapping[tuple[str, int], tuple[Output, Bools]],
) -> Bools:
    count = output.channels
    faulty = faults.mask & model_outputs.reads.get(output.key, 0)
    if not faulty:
        return np.zeros(count, bool)
    everything = np.ones(count, bool)
    flow = model_outputs.flows.get((output.node.path, output.call), _NO_FLOW)
    if flow.same_as is not None and not channels.separates_weights(output.node.layer):
        made = by_call.get(flow.same_as)
        return everything if made is None or not _same_channels(made[0], output) else made[1]
    layer = output.node.layer
    own = model_outputs.own.get(output.node.path, 0)
    given = [source for source in flow.inputs if source.weights & faults.mask]
    unexplained = faulty & ~own
    for source in given:
        unexplained &= ~source.weights
    if unexplained:
        return everything
    found = faults.faulty_channels(faulty & own, layer, count)
    for source in given:
        known = by_call.get(source.call) if source.call is not None else None
        if known is None or not _keeps(layer, known[0], output):
            return everything
        found = found | known[1]
    return found


def _keeps(layer: Any, source: Output, output: Output) -> bool:
    return channels.separates_inputs(
        layer, channels_first=source.channels_first
    ) and _same_channels(source, output)


def _same_channels(source: Output, output: Output) -> bool:
    # A single vector of each image has its channels last, whatever it was pooled from.
    vector = len(output.shape) < 3
    same_axis = source.channels_first == output.channels_first or vector
    return same_axis and source.channels == output.channels
