"""Implement what TensorBoard requires of a plugin."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from tensorboard.plugins import base_plugin

from tbviz.plugin.discovery import Discovery, roots
from tbviz.plugin.routes import Routes
from tbviz.plugin.runs import OpenRuns
from tbviz.plugin.tensorboard_scalars import TensorboardScalars

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger("tbviz.plugin")

# The seconds for which TensorBoard's start waits for the first walk, so that the tab exists at
# once if the log directory is small.
_TIMEOUT = 0.3


class Plugin(base_plugin.TBPlugin):
    """The tab in TensorBoard.

    Args:
        context: TensorBoard's `TBContext`; any of its fields may be None.
    """

    plugin_name = "tbviz"

    def __init__(self, context: Any) -> None:
        flags = getattr(context, "flags", None)
        logdir = getattr(context, "logdir", None) or getattr(flags, "logdir", None) or ""
        spec = getattr(flags, "logdir_spec", None) or ""
        self._discovery = Discovery(roots(str(logdir), str(spec)))
        provider = getattr(context, "data_provider", None)
        self._runs = OpenRuns(self._discovery)
        self._routes = Routes(self._runs, TensorboardScalars(provider), str(logdir or spec))
        self._opened = False
        self._discovery.start(_TIMEOUT)

    def get_plugin_apps(self) -> dict[str, Callable[..., Any]]:
        """Return the routes of http_api.md, each as a WSGI application."""
        return self._routes.apps()

    def is_active(self) -> bool:
        """Return whether there is any run; this does not access the disk."""
        found = bool(self._discovery.found)
        # Opening a large run takes a second of the interpreter, which would delay TensorBoard's
        # start. Here a page is open, and its next requests will need the run.
        if found and not self._opened:
            self._opened = True
            threading.Thread(target=self._open, name="tbviz-opening", daemon=True).start()
        return found

    def _open(self) -> None:
        try:
            self._runs.list()
        except Exception:
            _log.exception("opening runs in advance failed")

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """Return where the page's module is, and the name of the tab."""
        return base_plugin.FrontendMetadata(es_module_path="/static/index.js", tab_name="tbviz")

    def close(self) -> None:
        """Stop searching for runs. TensorBoard never calls it; tests do."""
        self._discovery.stop()
