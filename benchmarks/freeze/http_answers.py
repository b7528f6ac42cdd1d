"""(a log directory) => (what the plugin answers about it), by run and route, in this process.

Where bytes lie, what writers are called and when something happened is left out, since a store
that is made again has others.
"""

from __future__ import annotations

import json
import re
import struct
import time
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # TensorBoard's copies of old libraries, when imported
    from tensorboard.backend import application
    from tensorboard.plugins import base_plugin

from werkzeug.test import Client

from benchmarks.freeze import names
from benchmarks.freeze.canonical import plain
from benchmarks.freeze.sheets import shown
from tbviz.plugin.loader import Loader

_WAIT = 120
_ADDRESS = (names.OFFSET, names.LENGTH, names.CRC)
_UNSEEN = names.ACCIDENTAL | {names.WRITER, names.WRITERS, *_ADDRESS}
_SINCE = "since"
_WRONG: dict[str, dict[str, Any]] = {
    "without anything": {},
    "of no run": {names.RUN: "no such run"},
}


def label(run: str) -> str:
    """Name a golden run by what it holds, whatever format it has: `format-1-parts` is `parts`."""
    return re.sub(r"^format-\d+-?", "", run) or "plain"


def answers(logdir: Path) -> dict[str, Any]:
    """Ask everything about every run."""
    plugin = Loader().load(base_plugin.TBContext(**_context(logdir)))
    client = Client(application.TensorBoardWSGI([plugin]))

    def ask(route: str, **parameters: Any) -> Any:
        return client.open(f"{names.PREFIX}/{route}", query_string=parameters)

    runs = _runs(ask)
    found = {label(run): _Run(ask, run).answers() for run in runs}
    listed = {label(run): plain(row, _UNSEEN | {names.RUN}) for run, row in runs.items()}
    return {"listed": listed, "wrong": dict(_refused(ask, next(iter(runs)))), "answers": found}


def _context(logdir: Path) -> dict[str, Any]:
    return {"logdir": str(logdir), "flags": Namespace(logdir=str(logdir), logdir_spec="")}


def _runs(ask: Callable[..., Any]) -> dict[str, Any]:
    """The runs, when all have been found and read; without those of a format that is refused."""
    give_up, before = time.monotonic() + _WAIT, None
    while time.monotonic() < give_up:
        found = ask(names.RUNS).get_json()[names.RUNS]
        read = {row[names.RUN]: row for row in found if row[names.STATUS] is not None}
        if read and len(read) == len(found) and sorted(read) == before:
            return {run: row for run, row in read.items() if row[names.STATUS] != names.UNREADABLE}
        before = sorted(read)
        time.sleep(1)
    raise RuntimeError(f"received {found}, expected runs that have been read in {_WAIT} s")


def _refused(ask: Callable[..., Any], run: str) -> Iterator[tuple[str, Any]]:
    """Yield the answers of each route to wrong requests."""
    for route in names.ROUTES:
        asked = {**_WRONG, "of a layer": {names.RUN: run, names.LAYER: "nothing"},
                 "of a kind": {names.RUN: run, names.LAYER: "", names.KIND: "nothing"},
                 "since a word": {names.RUN: run, names.LAYER: "", _SINCE: "a word"}}  # fmt: skip
        codes = {}
        for what, parameters in asked.items():
            response = ask(route, **parameters)
            refused = response.status_code != 200
            codes[what] = [response.status_code, response.get_json() if refused else "an answer"]
        yield route, plain(json.loads(json.dumps(codes).replace(run, label(run))))


class _Run:
    """Asks about one run.

    Args:
        ask: A route and its parameters.
        run: Its name.
    """

    def __init__(self, ask: Callable[..., Any], run: str) -> None:
        self._ask = ask
        self._run = run

    def _json(self, route: str, **parameters: Any) -> Any:
        response = self._ask(route, **{names.RUN: self._run, **parameters})
        if response.status_code != 200:
            return [response.status_code, response.get_json()]
        return response.get_json()

    def answers(self) -> dict[str, Any]:
        """Return the answer of each route about it."""
        index = self._json(names.INDEX)
        self._layouts = {key: plain(one) for key, one in index[names.LAYOUTS].items()}
        scalars = self._json(names.SCALARS)
        del scalars[names.COST_OF_SCALARS]
        health = self._json(names.HEALTH_ROUTE)
        layers = health[names.LAYERS]
        last = len(index[names.POSITIONS])
        return {
            names.INDEX: self._index(index),
            names.SCALARS: plain(scalars, _UNSEEN),
            f"{names.SCALARS}, later": self._later(names.SCALARS),
            names.COSTS: self._costs(),
            names.HEALTH_ROUTE: plain(health),
            f"{names.HEALTH_ROUTE}, later": self._later(names.HEALTH_ROUTE),
            f"{names.HEALTH_ROUTE}, few": plain(self._json(names.HEALTH_ROUTE, points=2)),
            names.CHANNELS: {layer: self._channels(layer, last) for layer in layers},
            names.PREDICTIONS: plain(self._json(names.PREDICTIONS)),
            names.MODEL: [
                plain(self._json(names.MODEL, **{names.SEGMENT: 1 + number}), _UNSEEN)
                for number in range(len(index[names.SEGMENTS]))
            ],
            names.SERIES: self._all_series(index),
        }

    def _later(self, route: str) -> Any:
        found = self._json(route, **{_SINCE: 1})
        if isinstance(found, dict):
            found.pop(names.COST_OF_SCALARS, None)
        return plain(found, _UNSEEN)

    def _channels(self, layer: str, position: int) -> Any:
        asked = {names.LAYER: layer, names.POSITION_ASKED: position}
        return plain(self._json(names.CHANNELS, **asked))

    def _index(self, index: Mapping[str, Any]) -> Any:
        head = {key: one for key, one in index.items() if key not in {names.SERIES, names.PROBES}}
        head[names.LAYOUTS] = len(head[names.LAYOUTS])
        probes = []
        for probe in index[names.PROBES]:
            sheets = [self._sheet(probe[names.WRITER], *row) for row in probe[names.SHEETS]]
            probes.append({**plain(probe, _UNSEEN | {names.SHEETS}), names.SHEETS: sheets})
        return {**plain(head, _UNSEEN), names.PROBES: probes}

    def _costs(self) -> Any:
        """Return which callbacks captured, and what was skipped, without durations."""
        measured = names.MEASURED | {names.MAIN}
        return plain(self._json(names.COSTS), measured)

    def _all_series(self, index: Mapping[str, Any]) -> Any:
        found: dict[str, Any] = {}
        for row in index[names.SERIES]:
            kind, layer = row[names.KIND], row[names.LAYER]
            head = plain({**row, names.LAYOUT: self._layouts[row[names.LAYOUT]]}, _UNSEEN)
            found.setdefault(kind, {})[layer] = {"head": head, **self._series(kind, layer)}
        return found

    def _series(self, kind: str, layer: str) -> dict[str, Any]:
        """Return the sheets of one series: one by one, several at once, and cropped over time."""
        asked = {names.KIND: kind, names.LAYER: layer}
        columns = self._json(names.SERIES, **asked)
        writers = _spread(columns[names.WRITERS])
        layouts = [self._layouts[one] for one in _spread(columns[names.LAYOUTS])]
        addresses = list(zip(*(columns[name] for name in _ADDRESS), strict=True))
        each = len(addresses) // len(writers)
        sheets = [
            self._sheet(writers[number // each], *address, layout=layouts[number // each])
            for number, address in enumerate(addresses)
        ]
        several = [f"{writers[n // each]}:{':'.join(map(str, p))}" for n, p in enumerate(addresses)]
        strip = self._ask(
            names.STRIP,
            **{names.RUN: self._run, **asked, names.IMAGE: 0, names.TILES: "0"},
            **{names.POSITIONS: "0-511"},
        )
        return {
            "columns": plain({**columns, names.LAYOUTS: layouts}, _UNSEEN),
            "sheets": sheets,
            "several": self._several(several[:3], sheets),
            "strip": [strip.headers[names.SHOWN_HEADER], shown(strip.get_data())],
        }

    def _sheet(self, writer: str, *address: Any, layout: Any = None) -> Any:
        asked = dict(zip(_ADDRESS, address, strict=True))
        response = self._ask(names.SHEET, **{names.RUN: self._run, names.WRITER: writer, **asked})
        if response.status_code != 200:
            return [response.status_code, response.get_json()]
        return [response.headers["Content-Type"], shown(response.get_data(), layout)]

    def _several(self, addresses: list[str], alone: list[Any]) -> bool:
        """Return whether one request for several sheets returns all of them."""
        asked = {names.RUN: self._run, names.SHEETS_ROUTE: ",".join(addresses)}
        data, count = self._ask(names.SHEETS_ROUTE, **asked).get_data(), 0
        while data:
            (length,) = struct.unpack_from("<I", data)
            data, count = data[4 + length :], count + 1
        return count == min(len(alone), len(addresses))


def _spread(runs: list[list[Any]]) -> list[Any]:
    """Decode run-length encoded values."""
    return [value for value, count in runs for _ in range(count)]
