"""Calls everything of a run with everything that it has: only the errors of tbviz may come."""

from __future__ import annotations

from collections import Counter

import numpy as np

import tbviz


def attempt(counts, call, *args, **named):
    """Count what a call does; return its result, None if it raises an error of tbviz."""
    try:
        result = call(*args, **named)
    except tbviz.TbvizError:
        counts["error"] += 1
        return None
    counts["result"] += 1
    return result


def everything(log_dir, pictures=True):
    """Open a run and call all of it; return how many calls had a result, and how many an error."""
    counts = Counter()
    run = attempt(counts, tbviz.open_run, log_dir)
    if run is None:
        return counts
    run.refresh()
    repr(run)
    for position in run.positions:
        assert str(position)
    metrics = attempt(counts, run.metrics)
    assert all(values.shape == (len(run.positions),) for values in metrics.values())
    health = attempt(counts, run.health)
    for layer in health:
        for values in health[layer].values():
            assert values.shape == (len(health.positions),)
        attempt(counts, run.channels, layer)
    repr(health)
    predictions = attempt(counts, run.predictions)
    assert len(predictions.classes) == len(predictions.values) == len(predictions.labels)
    repr(predictions)
    for segment in run.segments:
        repr(segment)
        attempt(counts, run.probe, segment.number)
    for kind in run.kinds():
        for layer in run.layers(kind):
            run.snapshots(kind, layer)
            sheet = attempt(counts, run.sheet, kind, layer)
            if sheet is not None:
                repr(sheet)
                assert len(sheet.captions) == len(sheet.tiles) == len(sheet.levels)
                assert sheet.tiles.dtype in {np.dtype("float32"), np.dtype("uint8")}
            attempt(counts, run.tiles, kind, layer, -1, 0, earlier=True)
            if pictures:
                for bounds in ("run", "tile"):
                    attempt(counts, run.picture, kind, layer, bounds=bounds, titles=True)
    return counts
