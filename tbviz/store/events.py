"""Events: what a notice is about, in words for programs. Its sentences are for people alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args
from urllib.parse import quote

Event = Literal[
    "advice",
    "capture_requested",
    "duplicate_pictures",
    "encode_failed",
    "error",
    "layers_limited",
    "left_out",
    "limit_reached",
    "limit_summary",
    "metrics_not_finite",
    "not_scalar",
    "orders_unreadable",
    "paused",
    "probe_cut",
    "resumed",
    "schedule_overridden",
    "schedule_restored",
    "size_forecast",
    "skipped",
    "store_failed",
    "store_slow",
    "structure_changed",
    "superseded",
    "weights_not_finite",
]
"""What can have happened. What each means is said in docs/format.md."""

EVENTS: tuple[str, ...] = get_args(Event)


def key_of(
    event: Event, method: str, layer: str | None, rule: str | None, detail: Iterable[object] = ()
) -> str:
    """Return what counts as the same notice within a `fit`, as one text.

    Args:
        event: What has happened.
        method: Who says it.
        layer: Path of the layer that it concerns.
        rule: Of advice or a limit.
        detail: What else tells it from others.
    """
    parts = (event, method, layer or "", rule or "", *detail)
    # Quoted, so that no two lists of parts make one text.
    return "/".join(quote(str(part), safe=" :.,") for part in parts)
