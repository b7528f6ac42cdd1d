"""Define the events of notices: what happened, for programs. The text of a notice is for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args
from urllib.parse import quote

Event = Literal[
    "advice",
    "capture_requested",
    "disabled",
    "duplicate_pictures",
    "encode_failed",
    "error",
    "layers_limited",
    "left_out",
    "limit_reached",
    "limit_summary",
    "metrics_not_finite",
    "not_scalar",
    "nothing_captured",
    "orders_unreadable",
    "paused",
    "probe_cut",
    "probe_not_finite",
    "replaced",
    "resumed",
    "schedule_overridden",
    "schedule_restored",
    "size_forecast",
    "skipped",
    "store_failed",
    "store_slow",
    "structure_changed",
    "weights_finite_again",
    "weights_not_finite",
]
"""docs/format.md explains each."""

EVENTS: tuple[str, ...] = get_args(Event)


def key_of(
    event: Event, method: str, layer: str | None, rule: str | None, detail: Iterable[object] = ()
) -> str:
    """Return a text that is equal for notices that count as the same one within a `fit`.

    Args:
        event: What happened.
        method: The callback or component that reports it.
        layer: The path of the layer that it concerns.
        rule: The rule of advice or of a limit.
        detail: Further values that distinguish it from other notices. Defaults to ().
    """
    parts = (event, method, layer or "", rule or "", *detail)
    # Quoted, so that no two lists of parts make one text.
    return "/".join(quote(str(part), safe=" :.,") for part in parts)
