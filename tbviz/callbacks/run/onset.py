"""Find the onset of a fault: the positions at which weights stopped being finite, in words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tbviz.store.format.schema import FitPosition
from tbviz.taps.weight_finiteness import FAULT_NAMES


@dataclass(frozen=True)
class Check:
    """One check of the weights.

    Attributes:
        number: Counts the checks of a `fit`.
        position: The position of the check.
        step: Optimizer steps of the `fit` before it. Defaults to None: unknown.
    """

    number: int
    position: FitPosition
    step: int | None = None

    def follows(self, last: Check | None) -> bool:
        """Return whether a change since the last check is a change at this very position."""
        epoch, batch, final = self.position
        if batch is not None:
            before = 0 if last is None else last.step
            return before is not None and batch - before <= 1
        if last is None:
            return epoch == 0
        if last.position.epoch == epoch:
            return True
        at_end = last.position.batch is None
        return at_end and not final and last.position.epoch == epoch - 1


@dataclass(frozen=True)
class _Step:
    """The check that found one kind of fault first, and the check before."""

    code: int
    check: Check
    before: Check | None

    @property
    def kind(self) -> str:
        return FAULT_NAMES[self.code]

    @property
    def exact(self) -> bool:
        return self.check.follows(self.before)

    @property
    def when(self) -> str:
        """Return such as `at epoch 4`."""
        found = in_words(self.check.position)
        if self.exact:
            return f"at {found}"
        if self.before is None:
            return f"by {found}"
        last = self.before.position
        if last.batch is None and not last.final and self.check.position.batch is not None:
            return f"between the end of epoch {last.epoch} and {found}"
        return f"between {in_words(last)} and {found}"

    @property
    def since(self) -> str:
        late = "" if self.exact else " or earlier"
        return f"{self.kind} since {in_words(self.check.position)}{late}"


@dataclass(frozen=True)
class Onset:
    """The check at which the weights of a layer were first found not to be finite.

    Attributes:
        first: The kind of fault that was found there.
        now: The kind that there is now; another one if it has changed since.
    """

    first: _Step
    now: _Step

    @classmethod
    def at(cls, code: int, check: Check, before: Check | None) -> Onset:
        """Return the onset that a check has found.

        Args:
            code: The fault, see `FAULT_NAMES`.
            check: The check.
            before: The check before, None if this is the first one.
        """
        step = _Step(code, check, before)
        return cls(step, step)

    def go_on(self, code: int, check: Check, before: Check | None) -> Onset:
        """Return the same onset after a later check that has found this fault."""
        if code == self.now.code:
            return self
        again = code == self.first.code
        return replace(self, now=self.first if again else _Step(code, check, before))

    @property
    def number(self) -> int:
        """The number of the check: smaller is earlier."""
        return self.first.check.number

    @property
    def became(self) -> str:
        """Describe the event, such as `became NaN at epoch 4`."""
        verb = "were" if self.first.when.startswith("by") else "became"
        text = f"{verb} {self.first.kind} {self.first.when}"
        return text if self.now is self.first else f"{text} and {self.now.kind} {self.now.when}"

    @property
    def are(self) -> str:
        """Describe the state, such as `have been NaN since epoch 4`."""
        text = f"have been {self.first.since}"
        return text if self.now is self.first else f"{text} and {self.now.since}"


def in_words(position: FitPosition) -> str:
    """Return such as `epoch 4`, `epoch 4, batch 90` or `the end of epoch 4`."""
    if position.batch is not None:
        return f"epoch {position.epoch}, batch {position.batch}"
    return f"the end of epoch {position.epoch}" if position.final else f"epoch {position.epoch}"
