"""Read loss and accuracy from TensorBoard's event files, for runs whose store has no metrics."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tensorboard import plugin_util
from tensorboard.data.provider import RunTagFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger("tbviz.plugin")

_PREFIX = "epoch_"
# What Keras' TensorBoard callback calls its two runs, and what it puts before the tags in logs.
_RUNS = {"train": "", "validation": "val_"}
# `downsample` is required; no event file keeps more of a tag.
_ALL = 1_000_000


class TensorboardScalars:
    """The `epoch_*` scalars that TensorBoard has read.

    Args:
        provider: TensorBoard's data provider, None if it has none.
    """

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    def read(self, environ: Mapping[str, Any], run: str) -> dict[str, dict[int, float]]:
        """Return the scalars of one run.

        Args:
            environ: The WSGI environment of the request.
            run: Name of the run that the pictures are in.

        Returns:
            Metric to epoch to value; empty if there are none or TensorBoard fails.
        """
        if self._provider is None:
            return {}
        names = {_below(run, name): prefix for name, prefix in _RUNS.items()}
        try:
            found = self._provider.read_scalars(
                plugin_util.context(environ),
                experiment_id=plugin_util.experiment_id(environ),
                plugin_name="scalars",
                downsample=_ALL,
                run_tag_filter=RunTagFilter(runs=list(names)),
            )
        except Exception as error:
            _log.warning("the scalars of %s could not be read: %s", run, error)
            return {}
        return {
            names[name] + tag.removeprefix(_PREFIX): {datum.step: datum.value for datum in data}
            for name, tags in sorted(found.items())
            for tag, data in tags.items()
            if tag.startswith(_PREFIX)
        }


def _below(run: str, name: str) -> str:
    """Return TensorBoard's name of a run one directory below."""
    if run == ".":
        return name
    return f"{run.removesuffix('/.')}/{name}"
