"""Rules: (one layer's last few looks, thresholds) => (what is the case), or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tbviz.methods.thresholds import Thresholds

if TYPE_CHECKING:
    from tbviz.methods.layer_health import LayerNumbers


@dataclass(frozen=True)
class Look:
    """One layer at one look.

    Attributes:
        layer: its path.
        epoch: when, counted from 0.
        found: its numbers, `weight_norm` and `update_norm` among them where it has weights.
        weighted: whether it has a kernel, or stands for the layer before it that has one.
        trainable: whether its weights are trained.
        hands_on: whether it only hands on what it gets, as a pooling does.
        broken: whether what it puts out depends on weights that are not finite.
    """

    layer: str
    epoch: int
    found: LayerNumbers
    weighted: bool
    trainable: bool
    hands_on: bool
    broken: bool = False

    def number(self, name: str) -> float:
        """One of its numbers, NaN where it has none of this name."""
        return self.found.numbers.get(name, float("nan"))

    @property
    def channels(self) -> int:
        """How many channels it has."""
        return self.found.dead.size

    @property
    def usual_likeness(self) -> float:
        """The median of the channels' likeness to the input; NaN where none has one."""
        values = self.found.column("likeness")
        values = values[np.isfinite(values)]
        return float(np.median(values)) if values.size else float("nan")


Looks = Sequence[Look]


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        name: what the store calls it.
        says: (a layer's looks in the window, the newest last) => what is the case, or `None`.
        remedy: what one can do.
        level: of its notice.
        spreads: whether it goes from layer to layer: then the first one is named, the others are
            counted.
    """

    name: str
    says: Callable[[Looks, Thresholds], str | None]
    remedy: str
    level: str = "info"
    spreads: bool = False


def _dead(looks: Looks, limits: Thresholds) -> str | None:
    dead, channels = _dead_throughout(looks, limits), looks[-1].channels
    if not max(1.0, limits.dead * channels) <= dead < channels:
        return None
    return _of_channels(dead, looks[-1], f"have been dead {_span(looks)}")


def _all_dead(looks: Looks, limits: Thresholds) -> str | None:
    channels = looks[-1].channels
    if _dead_throughout(looks, limits) < channels:
        return None
    return _of_channels(channels, looks[-1], f"have been dead {_span(looks)}")


def _dead_throughout(looks: Looks, limits: Thresholds) -> int:
    """How many channels are dead at every look of a full window."""
    if not _full(looks, limits) or len({look.channels for look in looks}) > 1:
        return 0
    return int(np.logical_and.reduce([look.found.dead for look in looks]).sum())


def _saturated(looks: Looks, limits: Thresholds) -> str | None:
    if not _all(looks, limits, lambda look: look.number("saturated"), limits.saturated):
        return None
    what = f"have stood at a bound of their activation {_span(looks)}"
    return _of_channels(int(looks[-1].number("saturated")), looks[-1], what)


def _alike(looks: Looks, limits: Thresholds) -> str | None:
    if not _all(looks, limits, lambda look: look.number("alike"), limits.alike):
        return None
    what = f"have been nearly the same as another one {_span(looks)}"
    return _of_channels(int(looks[-1].number("alike")), looks[-1], what)


def _like_the_input(looks: Looks, limits: Thresholds) -> str | None:
    now = looks[-1]
    if not (_full(looks, limits) and now.weighted and now.trainable):
        return None
    if not all(look.usual_likeness >= limits.likeness for look in looks):
        return None
    return (
        f"{now.layer}'s maps look like its input ({now.usual_likeness:.2f} {_span(looks)}): it "
        "has learnt nothing yet"
    )


def _still(looks: Looks, limits: Thresholds) -> str | None:
    now = looks[-1]
    if not (_full(looks, limits) and now.trainable):
        return None
    if not all(look.number("update_norm") < limits.still for look in looks):
        return None
    return f"the weights of {now.layer} have not moved {_span(looks)}"


def _weights_blow_up(looks: Looks, limits: Thresholds) -> str | None:
    grown = _grown(looks, "weight_norm", limits.weight_growth)
    return grown and f"the weights of {looks[-1].layer} have grown {grown}"


def _output_explodes(looks: Looks, limits: Thresholds) -> str | None:
    grown = _grown(looks, "std", limits.output_growth)
    return grown and f"the spread of {looks[-1].layer}'s output has grown {grown}"


def _grown(looks: Looks, name: str, limit: float) -> str | None:
    now, then = looks[-1], looks[0]
    size, former = now.number(name), then.number(name)
    if not (former > 0 and np.isfinite(size) and size >= limit * former):
        return None
    when = f"since epoch {then.epoch}" if then.epoch < now.epoch else "within this epoch"
    return f"{size / former:.3g}-fold {when}"


RULES: tuple[Rule, ...] = (
    Rule(
        "dead",
        _dead,
        "if other probe images do not wake them, try a lower learning rate or LeakyReLU",
    ),
    Rule("dead", _all_dead, "nothing behind it learns: begin anew with a lower learning rate",
         "warning", spreads=True),
    Rule(
        "saturated",
        _saturated,
        "try a lower learning rate, smaller initial weights or a normalisation before it",
        "warning",
    ),
    Rule("alike", _alike, "fewer filters may do as well"),
    Rule("like-input", _like_the_input, "see whether its weights move and gradients reach it"),
    Rule("still", _still, "see whether gradients reach it and the learning rate is not too low",
         spreads=True),
    Rule("weights-grow", _weights_blow_up, "lower the learning rate, or add weight decay",
         "warning", spreads=True),
    Rule("output-grows", _output_explodes, "lower the learning rate, or add a normalisation",
         "warning", spreads=True),
)  # fmt: skip
"""All rules but `nonfinite`, which needs no window."""


def _full(looks: Looks, limits: Thresholds) -> bool:
    return len(looks) == limits.window


def _all(looks: Looks, limits: Thresholds, count: Callable[[Look], float], share: float) -> bool:
    """Whether so large a share of the channels is counted at every look of a full window."""
    return _full(looks, limits) and all(
        count(look) >= max(1.0, share * look.channels) for look in looks
    )


def _of_channels(count: int, now: Look, what: str) -> str:
    which = f"all {count}" if count == now.channels else f"{count} of {now.channels}"
    return f"{which} channels of {now.layer} {what}"


def _span(looks: Looks) -> str:
    """How long a window is, in words."""
    epochs = [look.epoch for look in looks]
    if epochs == list(range(epochs[0], epochs[0] + len(epochs))):
        return f"for {len(epochs)} epochs" if len(epochs) > 1 else "in this epoch"
    return f"at the last {len(epochs)} looks"
