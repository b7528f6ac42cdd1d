"""(health over a window of steps) => (lines of advice, where a threshold is crossed).

A rule looks at one layer's last few looks and says something or nothing. Few false alarms matter
more than early ones: all but numbers that are not finite must hold over the whole window, and what
a layer only hands on from the one before it is said of that one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from tbviz.methods.rules import RULES, AdviceRule, HealthSnapshot, HealthSnapshots
from tbviz.methods.thresholds import Thresholds


@dataclass(frozen=True)
class Advice:
    """One line of advice.

    Attributes:
        layer: path.
        rule: name of the rule.
        text: what is the case.
        remedy: what one can do.
        level: `"warning"`, or `"info"` where it may well be right as it is.
    """

    layer: str
    rule: str
    text: str
    remedy: str
    level: str

    @property
    def line(self) -> str:
        """Both in one line."""
        return f"{self.text}; {self.remedy}"


class Advisor:
    """Keeps the last looks of each layer, and says what holds over them.

    Args:
        thresholds: when.
    """

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()
        self._snapshots: dict[str, deque[HealthSnapshot]] = {}
        self._broken_since: dict[str, int] = {}

    def reset(self) -> None:
        """Begins anew: another `fit`, or another model."""
        self._snapshots.clear()
        self._broken_since.clear()

    def advise(self, snapshots: HealthSnapshots) -> list[Advice]:
        """The advice that holds now.

        Args:
            snapshots: of all measured layers at one step, in the order of computation.

        Returns:
            At most one line a rule and layer.
        """
        # Of weights that are not finite nothing follows but that: see `FinitenessLog`.
        for snapshot in snapshots:
            if snapshot.broken:
                self._snapshots.pop(snapshot.layer, None)
        snapshots = [snapshot for snapshot in snapshots if not snapshot.broken]
        for snapshot in snapshots:
            kept = self._snapshots.setdefault(snapshot.layer, deque(maxlen=self.thresholds.window))
            kept.append(snapshot)
        advice = self._broken(snapshots)
        for rule in RULES:
            advice += self._by(rule, snapshots)
        stuck = {one.layer for one in advice if one.rule == "saturated"}
        # At a bound a channel may well be one number everywhere: the bound says why.
        return [one for one in advice if one.rule != "dead" or one.layer not in stuck]

    def _by(self, rule: AdviceRule, snapshots: HealthSnapshots) -> list[Advice]:
        found: list[Advice] = []
        before: HealthSnapshot | None = None
        held = False  # whether the rule holds of the layer before
        for snapshot in snapshots:
            text = rule.says(self._snapshots[snapshot.layer], self.thresholds)
            same = before is not None and before.channels == snapshot.channels
            repeats = same and not snapshot.has_kernel and (held or snapshot.passes_through)
            if text is not None and not repeats:
                found.append(Advice(snapshot.layer, rule.name, text, rule.remedy, rule.level))
            before, held = snapshot, text is not None
        return _first_of(found) if rule.spreads else found

    def _broken(self, snapshots: HealthSnapshots) -> list[Advice]:
        """Numbers that are not finite: at once, with the epoch since when."""
        now = {
            snapshot.layer: snapshot for snapshot in snapshots if snapshot.number("nonfinite") > 0
        }
        self._broken_since = {
            layer: self._broken_since.get(layer, snapshot.epoch) for layer, snapshot in now.items()
        }
        found = [
            Advice(layer, "nonfinite", f"{layer} has put out NaN or infinity since epoch {since}",
                   "lower the learning rate, clip gradients (clipnorm=1), and look for a "
                   "logarithm or a division by zero", "warning")
            for layer, since in self._broken_since.items()
        ]  # fmt: skip
        return _first_of(found)


def _first_of(found: list[Advice]) -> list[Advice]:
    """The first line, and how many other layers it is true of as well."""
    if len(found) < 2:
        return found
    first, others = found[0], len(found) - 1
    text = f"{first.text}, and so it is with {others} layer{'s' if others > 1 else ''} behind it"
    return [Advice(first.layer, first.rule, text, first.remedy, first.level)]
