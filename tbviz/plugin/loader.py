"""Load the plugin. TensorBoard imports this module when it starts, so nothing here may raise."""

from __future__ import annotations

import logging
from typing import Any

from tensorboard.plugins import base_plugin

_log = logging.getLogger("tbviz.plugin")


class Loader(base_plugin.TBLoader):
    """Load the plugin, or report why that failed and let TensorBoard start without it."""

    def load(self, context: Any) -> base_plugin.TBPlugin | None:
        """Return the plugin for this TensorBoard, None if that fails.

        Args:
            context: TensorBoard's `TBContext`; any of its fields may be None.
        """
        try:
            from tbviz.plugin.plugin import Plugin

            return Plugin(context)
        except Exception as error:
            _log.warning(
                "TensorBoard starts without tbviz: %s: %s; expected an installation that can be "
                "imported; try `pip install --force-reinstall tbviz`",
                type(error).__name__,
                error,
            )
            _log.debug("where it was raised", exc_info=True)
            return None
