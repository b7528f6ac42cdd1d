"""The ledger: what all log directories of one `fit` share, training's clock and the budget."""

from __future__ import annotations

from tbviz.callbacks.budget import Budget
from tbviz.callbacks.schedule import clock


class TrainingClock:
    """Keeps the time that looks take apart from the time that training takes.

    Attributes:
        share: of training time that looks may take, `None` for any.
        budget: of seconds, with an account for each callback of the `fit`.
    """

    def __init__(self) -> None:
        self.share: float | None = None
        self.budget = Budget()
        self._begin = clock()
        self._ours = 0.0
        self._paid = 0.0

    @property
    def trained(self) -> float:
        """Seconds since the beginning that went to nothing of ours."""
        return clock() - self._begin - self._ours

    def count(self, seconds: float) -> None:
        """Counts main-thread time that is ours."""
        self._ours += seconds

    def limit(self, share: float) -> None:
        """Of several limits the smallest counts."""
        self.share = share if self.share is None else min(share, self.share)

    def pay(self, common: float, progress: float) -> None:
        """Pays in what is allowed for the training since anybody last did.

        Args:
            common: seconds that no callback answers for.
            progress: how far the run has come, 0 to 1; 0 where its end is not known.
        """
        trained = self.trained
        news, self._paid = trained - self._paid, trained
        if self.share is not None:
            self.budget.earn(self.share * max(news, 0.0) - common, progress)
