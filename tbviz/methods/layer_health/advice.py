"""Turn the health numbers of several snapshots into advice, if a threshold is crossed.

A rule reads the last snapshots of one layer and returns a text or None. Few false alarms matter
more than early ones: every state except numbers that are not finite must hold over the whole
window. If layers pass a state on, the layer in which it arises is reported.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from tbviz.methods.layer_health.rules import RULES, AdviceRule, HealthSnapshot, HealthSnapshots
from tbviz.methods.layer_health.thresholds import Thresholds


@dataclass(frozen=True)
class Advice:
    """One line of advice.

    Attributes:
        layer: Path.
        rule: Name of the rule.
        text: The finding.
        remedy: What to do about it.
        level: `"warning"`, or `"info"` if it may well be right as it is.
    """

    layer: str
    rule: str
    text: str
    remedy: str
    level: str

    @property
    def line(self) -> str:
        """Return the finding and the remedy in one line."""
        return f"{self.text}; {self.remedy}"


class Advisor:
    """Keep the last snapshots of each layer, and give advice that holds over all of them.

    Args:
        thresholds: Of the rules. Defaults to None.
    """

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()
        self._snapshots: dict[str, deque[HealthSnapshot]] = {}
        self._nonfinite_since: dict[str, int] = {}

    def reset(self) -> None:
        """Start over: another `fit`, or another model."""
        self._snapshots.clear()
        self._nonfinite_since.clear()

    def advise(self, snapshots: HealthSnapshots) -> list[Advice]:
        """Return the advice that holds now.

        Args:
            snapshots: Of all measured layers at one snapshot, in the order of computation.

        Returns:
            At most one line per rule and layer.
        """
        # Weights that are not finite are reported elsewhere: see `FinitenessLog`.
        for snapshot in snapshots:
            if snapshot.faulty:
                self._snapshots.pop(snapshot.layer, None)
        snapshots = [snapshot for snapshot in snapshots if not snapshot.faulty]
        for snapshot in snapshots:
            empty: deque[HealthSnapshot] = deque(maxlen=self.thresholds.window)
            self._snapshots.setdefault(snapshot.layer, empty).append(snapshot)
        advice = self._nonfinite(snapshots)
        for rule in RULES:
            advice += self._apply(rule, snapshots)
        stuck = {one.layer for one in advice if one.rule == "saturated"}
        # A channel at a bound is often constant: the bound is the reason.
        return [one for one in advice if one.rule != "dead" or one.layer not in stuck]

    def _apply(self, rule: AdviceRule, snapshots: HealthSnapshots) -> list[Advice]:
        found: list[Advice] = []
        before: HealthSnapshot | None = None
        held = False  # whether the rule holds for the layer before
        for snapshot in snapshots:
            text = rule.finding(self._snapshots[snapshot.layer], self.thresholds)
            same = before is not None and before.channels == snapshot.channels
            repeats = same and not snapshot.has_kernel and (held or snapshot.passes_through)
            if text is not None and not repeats:
                found.append(Advice(snapshot.layer, rule.name, text, rule.remedy, rule.level))
            before, held = snapshot, text is not None
        return _first_of(found) if rule.propagates else found

    def _nonfinite(self, snapshots: HealthSnapshots) -> list[Advice]:
        """Return advice on numbers that are not finite: at once, with the first epoch of it."""
        now = {snapshot.layer: snapshot for snapshot in snapshots if snapshot.has_nonfinite}
        self._nonfinite_since = {
            layer: self._nonfinite_since.get(layer, snapshot.epoch)
            for layer, snapshot in now.items()
        }
        found = [
            Advice(layer, "nonfinite", f"{layer} has produced NaN or infinity since epoch {since}",
                   "lower the learning rate, clip gradients (clipnorm=1), and look for a "
                   "logarithm of zero or a division by zero", "warning")
            for layer, since in self._nonfinite_since.items()
        ]  # fmt: skip
        return _first_of(found)


def _first_of(found: list[Advice]) -> list[Advice]:
    """Return the first line, with the number of later layers for which it holds as well."""
    if len(found) < 2:
        return found
    first, others = found[0], len(found) - 1
    text = f"{first.text} (the same holds for {others} later layer{'s' if others > 1 else ''})"
    return [Advice(first.layer, first.rule, text, first.remedy, first.level)]
