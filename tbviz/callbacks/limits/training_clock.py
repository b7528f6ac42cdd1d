"""The training clock and the budget, which all log directories of one `fit` share."""

from __future__ import annotations

from tbviz.callbacks.limits.budget import Budget
from tbviz.callbacks.limits.schedule import clock


class TrainingClock:
    """Counts the time of snapshots apart from the time of training.

    Attributes:
        share: of training time that snapshots may take, `None` for no limit.
        budget: of seconds, with an account for each callback of the `fit`.
    """

    def __init__(self) -> None:
        self.share: float | None = None
        self.budget = Budget()
        self._begin = clock()
        self._overhead = 0.0
        self._paid = 0.0

    @property
    def trained(self) -> float:
        """Seconds since the beginning, without the time that callbacks of tbviz took."""
        return clock() - self._begin - self._overhead

    def count(self, seconds: float) -> None:
        """Count main-thread time of tbviz."""
        self._overhead += seconds

    def limit(self, share: float) -> None:
        """Set a limit; the smallest of several counts."""
        self.share = share if self.share is None else min(share, self.share)

    def pay(self, common: float, progress: float) -> None:
        """Pay in what is allowed for the training since the last payment.

        Args:
            common: seconds that no callback answers for.
            progress: how far the run has come, 0 to 1; 0 where its end is not known.
        """
        trained = self.trained
        news, self._paid = trained - self._paid, trained
        if self.share is not None:
            self.budget.earn(self.share * max(news, 0.0) - common, progress)
