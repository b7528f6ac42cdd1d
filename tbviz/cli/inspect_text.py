"""Format the summary of a store for a person."""

from __future__ import annotations

from typing import Any

from tbviz.amounts import ranges
from tbviz.cli.formatting import counted, moment, size, table
from tbviz.cli.runs import title

_COLUMNS = (
    *("run", "status", "segments", "positions", "size"),
    *("per_epoch", "last", "warnings", "damage"),
)
_NOTHING_READ = ("format", "unreadable")  # findings about a whole segment
_MAX_LAYERS = 8
_MAX_FINDINGS = 12


def one_run(name: str, run: dict[str, Any], verified: bool) -> list[str]:
    """Return the lines about one run.

    Args:
        name: The name to print.
        run: The result of `tbviz.store.maintain.summary.inspect`.
        verified: Whether every byte was read.
    """
    if not run["segments"]:
        return [name, "  nothing is logged yet", *_findings(name, run, verified)]
    lines = [name, f"  {_summary(run)}", ""]
    lines += table(
        ["segment", "status", "epochs", "positions", "size", "backend", "began", "last"],
        [
            [
                segment["segment"],
                segment["status"],
                _epochs(segment),
                segment["positions"],
                size(segment["bytes"]),
                segment["backend"] or "-",
                moment(segment["started"]),
                moment(segment["last"]),
            ]
            for segment in run["segments"]
        ],
    )
    lines += [
        f"  segment {segment['segment']} was rewritten by: {segment['by']}"
        for segment in run["segments"]
        if segment["by"]
    ]
    lines += [
        f"  segment {segment['segment']}: {segment['reason']}"
        for segment in run["segments"]
        if segment["reason"]
    ]
    if run["kinds"]:
        lines += ["", *_kinds(run), "", *_layers(run)]
    return [*lines, "", *_orders(name, run), *_warnings(run), *_findings(name, run, verified)]


def several_runs(log_dir: str, runs: list[dict[str, Any]], verified: bool) -> list[str]:
    """Return one line per run, and the findings."""
    lines = [f"{log_dir}: {len(runs)} runs, {size(sum(run['bytes'] for run in runs))}", ""]
    lines += table(
        _COLUMNS,
        [
            [
                run["run"],
                run["segments"][-1]["status"] if run["segments"] else "empty",
                len(run["segments"]),
                run["positions"],
                size(run["bytes"]),
                size(run["bytes_per_epoch"]),
                moment(run["segments"][-1]["last"] if run["segments"] else None),
                len(run["warnings"]) or "-",
                len(run["damage"]) or "-",
            ]
            for run in runs
        ],
    )
    lines.append("")
    findings = [
        line
        for run in runs
        if run["damage"] or run["notes"]
        for line in _findings(title(log_dir, run["run"]), run, verified, named=True)
    ]
    return [*lines, *(findings or [_no_damage(verified)])]


def _summary(run: dict[str, Any]) -> str:
    parts = [
        counted(len(run["segments"]), "segment"),
        counted(run["positions"], "position"),
        size(run["bytes"]),
    ]
    if run["bytes_per_epoch"] is not None:
        parts.append(f"{size(run['bytes_per_epoch'])} per epoch")
    if run["forecast"] is not None:
        parts.append(f"about {size(run['forecast'])} when it is done")
    return ", ".join(parts)


def _epochs(segment: dict[str, Any]) -> str:
    epochs = segment["epochs"]
    if not epochs:
        return "none"
    last = epochs[-1][0] + epochs[-1][1] - 1
    text = f"{epochs[0][0]} to {last}"
    if segment["planned"] is not None:
        text += f" of {segment['planned']}"
    if segment["missing"]:
        text += f", without {ranges(segment['missing'])}"
    if segment["batches"]:
        text += f", {segment['batches']} within epochs"
    return text


def _kinds(run: dict[str, Any]) -> list[str]:
    rows = [
        [
            kind["kind"],
            kind["method"] or "-",
            kind["layers"],
            f"{kind['positions']} of {run['positions']}",
            kind["sheets"],
            size(kind["bytes"]),
        ]
        for kind in sorted(run["kinds"], key=lambda kind: -kind["bytes"])
    ]
    return table(["pictures", "by", "layers", "positions", "sheets", "size"], rows)


def _layers(run: dict[str, Any]) -> list[str]:
    whole = "(the whole model)"
    ordered = sorted(run["layers"], key=lambda layer: -layer["bytes"])
    rows = [
        [layer["layer"] or whole, len(layer["kinds"]), layer["sheets"], size(layer["bytes"])]
        for layer in ordered[:_MAX_LAYERS]
    ]
    lines = table(["layer", "kinds", "sheets", "size"], rows)
    rest = ordered[_MAX_LAYERS:]
    if rest:
        total = size(sum(layer["bytes"] for layer in rest))
        lines.append(f"  and {counted(len(rest), 'layer')} more, {total} (--json lists all)")
    return lines


def _orders(name: str, run: dict[str, Any]) -> list[str]:
    orders = run["orders"]
    if orders is None or not (orders["paused"] or orders["every"]):
        return []
    active = ["paused"] * orders["paused"]
    active += [f"every {orders['every']} epochs"] * (orders["every"] is not None)
    return [f"  orders: {', '.join(active)}; `tbviz control {name} resume` cancels them"]


def _warnings(run: dict[str, Any]) -> list[str]:
    lines = []
    for warning in run["warnings"][:_MAX_FINDINGS]:
        about = ", ".join(str(warning[name]) for name in ("method", "layer") if warning[name])
        times = f" ({warning['count']} times)" if warning["count"] > 1 else ""
        remedy = f"; {warning['remedy']}" if warning["remedy"] else ""
        lines.append(
            f"  warning, segment {warning['segment']}: {about}: {warning['text']}{remedy}{times}"
        )
    return lines + _more(len(run["warnings"]), "warning")


def _findings(name: str, run: dict[str, Any], verified: bool, *, named: bool = False) -> list[str]:
    about = f"{name}, " if named else ""
    lines = []
    for word, findings in (("DAMAGED", run["damage"]), ("note", run["notes"])):
        for finding in findings[:_MAX_FINDINGS]:
            segment = finding["segment"]
            location = about + ("the store" if segment is None else f"segment {segment}")
            shown = "NOT READ" if finding["what"] == "format" else word
            lines.append(f"  {shown}  {location}: {finding['text']}")
        lines += _more(len(findings), word)
    remedies = dict.fromkeys(
        f"{finding['remedy']} {name}" if finding["command"] else finding["remedy"]
        for finding in (*run["damage"], *run["notes"])
        if finding["remedy"]
    )
    lines += [f"  to do:  {remedy}" for remedy in remedies]
    if any(finding["what"] == "sheet" for finding in run["damage"]):
        lines.append("  lost pictures cannot be restored; no action is needed")
    if run["damage"]:
        lost = {finding["segment"] for finding in run["damage"] if finding["what"] in _NOTHING_READ}
        if any(segment["segment"] not in lost for segment in run["segments"]):
            lines.append("  everything else can be read")
    else:
        lines.append(_no_damage(verified))
    return lines


def _more(count: int, word: str) -> list[str]:
    more = count - _MAX_FINDINGS
    return [f"  and {more} more: {word} (--json lists all)"] if more > 0 else []


def _no_damage(verified: bool) -> str:
    how = "every byte was read" if verified else "--verify reads every byte"
    return f"  nothing is damaged ({how})"
