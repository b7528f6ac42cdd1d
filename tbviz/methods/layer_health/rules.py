"""Apply rules: (last snapshots of a layer, thresholds) => (the finding in words), or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tbviz.methods.layer_health.thresholds import Thresholds

if TYPE_CHECKING:
    from tbviz.methods.layer_health.numbers import LayerNumbers


@dataclass(frozen=True)
class HealthSnapshot:
    """The health of one layer at one snapshot.

    Attributes:
        layer: Its path.
        epoch: When, counted from 0.
        found: Its numbers, with `weight_norm` and `weight_update` if it has weights.
        has_kernel: Whether it has a kernel, or represents the layer before it that has one.
        trainable: Whether its weights are trained.
        passes_through: Whether it only passes its input on, as a pooling does.
        faulty: Whether its output depends on weights that are not finite.
        spoiled: The share of the probe images that are not finite, and so is their output.
    """

    layer: str
    epoch: int
    found: LayerNumbers
    has_kernel: bool
    trainable: bool
    passes_through: bool
    faulty: bool = False
    spoiled: float = 0.0

    def number(self, name: str) -> float:
        """Return one of its numbers, NaN if it has none of this name."""
        return self.found.numbers.get(name, float("nan"))

    @property
    def has_nonfinite(self) -> bool:
        """Tell whether its output of finite images has numbers that are not finite."""
        return self.number("nonfinite") > self.spoiled + 1e-6

    @property
    def channels(self) -> int:
        """Return the number of its channels."""
        return self.found.dead.size

    @property
    def usual_similarity(self) -> float:
        """Return the median of the channels' similarity to the input; NaN if no channel has one."""
        values = self.found.column("similarity")
        values = values[np.isfinite(values)]
        return float(np.median(values)) if values.size else float("nan")


HealthSnapshots = Sequence[HealthSnapshot]


@dataclass(frozen=True)
class AdviceRule:
    """One rule.

    Attributes:
        name: Its name in the store.
        finding: (a layer's snapshots in the window, the newest last) => the finding in words, or
            None.
        remedy: What to do about it.
        level: Of its notice.
        propagates: Whether it passes from layer to layer: then the first one is named, the others
            are counted.
    """

    name: str
    finding: Callable[[HealthSnapshots, Thresholds], str | None]
    remedy: str
    level: str = "info"
    propagates: bool = False


def _dead(snapshots: HealthSnapshots, limits: Thresholds) -> str | None:
    dead, channels = _dead_throughout(snapshots, limits), snapshots[-1].channels
    if not max(1.0, limits.dead * channels) <= dead < channels:
        return None
    return _of_channels(dead, snapshots[-1], f"have been dead {_span(snapshots)}")


def _all_dead(snapshots: HealthSnapshots, limits: Thresholds) -> str | None:
    channels = snapshots[-1].channels
    if _dead_throughout(snapshots, limits) < channels:
        return None
    return _of_channels(channels, snapshots[-1], f"have been dead {_span(snapshots)}")


def _dead_throughout(snapshots: HealthSnapshots, limits: Thresholds) -> int:
    """Return how many channels are dead in every snapshot of a full window."""
    if not _full(snapshots, limits) or len({snapshot.channels for snapshot in snapshots}) > 1:
        return 0
    return int(np.logical_and.reduce([snapshot.found.dead for snapshot in snapshots]).sum())


def _saturated(snapshots: HealthSnapshots, limits: Thresholds) -> str | None:
    if not _all(snapshots, limits, lambda snapshot: snapshot.number("saturated"), limits.saturated):
        return None
    what = f"have been saturated {_span(snapshots)}"
    return _of_channels(int(snapshots[-1].number("saturated")), snapshots[-1], what)


def _duplicates(snapshots: HealthSnapshots, limits: Thresholds) -> str | None:
    if not _all(
        snapshots, limits, lambda snapshot: snapshot.number("duplicates"), limits.duplicates
    ):
        return None
    what = f"have been near-duplicates of another channel {_span(snapshots)}"
    return _of_channels(int(snapshots[-1].number("duplicates")), snapshots[-1], what)


def _similar_to_input(snapshots: HealthSnapshots, limits: Thresholds) -> str | None:
    now = snapshots[-1]
    if not (_full(snapshots, limits) and now.has_kernel and now.trainable):
        return None
    if not all(snapshot.usual_similarity >= limits.similarity for snapshot in snapshots):
        return None
    return (
        f"the feature maps of {now.layer} have resembled its input {_span(snapshots)} (similarity "
        f"{now.usual_similarity:.2f}): it has not learned anything yet"
    )


def _still(snapshots: HealthSnapshots, limits: Thresholds) -> str | None:
    now = snapshots[-1]
    if not (_full(snapshots, limits) and now.trainable):
        return None
    if not all(snapshot.number("weight_update") < limits.still for snapshot in snapshots):
        return None
    return f"the weights of {now.layer} have not changed {_span(snapshots)}"


def _weights_blow_up(snapshots: HealthSnapshots, limits: Thresholds) -> str | None:
    grown = _grown(snapshots, "weight_norm", limits.weight_growth)
    return grown and f"the weights of {snapshots[-1].layer} have grown {grown}"


def _output_explodes(snapshots: HealthSnapshots, limits: Thresholds) -> str | None:
    grown = _grown(snapshots, "std", limits.output_growth)
    return grown and f"the standard deviation of {snapshots[-1].layer}'s output has grown {grown}"


def _grown(snapshots: HealthSnapshots, name: str, limit: float) -> str | None:
    now, then = snapshots[-1], snapshots[0]
    size, former = now.number(name), then.number(name)
    if not (former > 0 and np.isfinite(size) and size >= limit * former):
        return None
    when = f"since epoch {then.epoch}" if then.epoch < now.epoch else "within this epoch"
    return f"{size / former:.3g}-fold {when}"


RULES: tuple[AdviceRule, ...] = (
    AdviceRule(
        "dead",
        _dead,
        "if they stay dead on other probe images, try a lower learning rate or LeakyReLU",
    ),
    AdviceRule("dead", _all_dead,
         "later layers cannot learn, so restart training with a lower learning rate",
         "warning", propagates=True),
    AdviceRule(
        "saturated",
        _saturated,
        "try a lower learning rate, smaller initial weights, or a normalization layer before it",
        "warning",
    ),
    AdviceRule("duplicates", _duplicates, "fewer filters may be enough"),
    AdviceRule(
        "similar-to-input",
        _similar_to_input,
        "check that its weights change and that gradients reach it",
    ),
    AdviceRule(
        "still",
        _still,
        "check that gradients reach it and that the learning rate is not too low",
        propagates=True,
    ),
    AdviceRule("weights-grow", _weights_blow_up, "lower the learning rate, or add weight decay",
         "warning", propagates=True),
    AdviceRule("output-grows", _output_explodes,
         "lower the learning rate, or add a normalization layer",
         "warning", propagates=True),
)  # fmt: skip
"""All rules except `nonfinite`, which needs no window."""


def _full(snapshots: HealthSnapshots, limits: Thresholds) -> bool:
    return len(snapshots) == limits.window


def _all(
    snapshots: HealthSnapshots,
    limits: Thresholds,
    count: Callable[[HealthSnapshot], float],
    share: float,
) -> bool:
    """Tell whether this share of the channels is counted in every snapshot of a full window."""
    return _full(snapshots, limits) and all(
        count(snapshot) >= max(1.0, share * snapshot.channels) for snapshot in snapshots
    )


def _of_channels(count: int, now: HealthSnapshot, what: str) -> str:
    which = f"all {count}" if count == now.channels else f"{count} of {now.channels}"
    return f"{which} channels of {now.layer} {what}"


def _span(snapshots: HealthSnapshots) -> str:
    """Describe the length of a window."""
    epochs = [snapshot.epoch for snapshot in snapshots]
    if epochs == list(range(epochs[0], epochs[0] + len(epochs))):
        return f"for {len(epochs)} epochs" if len(epochs) > 1 else "in this epoch"
    return f"in the last {len(epochs)} snapshots"
