"""What TensorBoard asks of a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tensorboard.plugins import base_plugin

from tbviz.plugin.discovery import Discovery, roots
from tbviz.plugin.routes import Routes
from tbviz.plugin.runs import Runs
from tbviz.plugin.tensorboard_scalars import TensorboardScalars

if TYPE_CHECKING:
    from collections.abc import Callable

# So long may the start of TensorBoard wait for the first walk, so that the tab is there at once
# where the log directory is small.
_PATIENCE = 0.3


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
        runs = Runs(self._discovery)
        self._routes = Routes(runs, TensorboardScalars(provider), str(logdir or spec))
        # Runs are opened before anybody asks: a large one takes a second.
        self._discovery.start(_PATIENCE, then=runs.list)

    def get_plugin_apps(self) -> dict[str, Callable[..., Any]]:
        """The routes of http_api.md, each a WSGI application."""
        return self._routes.apps()

    def is_active(self) -> bool:
        """Whether there is any run; known without touching the disk."""
        return bool(self._discovery.found)

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """Where the page's module is, and what the tab is called."""
        return base_plugin.FrontendMetadata(es_module_path="/static/index.js", tab_name="tbviz")

    def close(self) -> None:
        """Stop looking for runs. TensorBoard never calls it; tests do."""
        self._discovery.stop()
