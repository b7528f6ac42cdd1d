"""Requests every route with everything that a run has, and checks the answers."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

# Those that http_api.md names.
CODES = {200, 400, 404, 405, 410}


def strict(text: bytes | str) -> Any:
    """JSON as a browser reads it: without NaN and infinity."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


class Asker:
    """Counts answers, and keeps those that no answer may be.

    Args:
        board: What answers, `get(route, **parameters)`.
    """

    def __init__(self, board: Any) -> None:
        self._board = board
        self.counts: Counter[int] = Counter()
        self.wrong: list[tuple[str, int, str]] = []

    def get(self, route: str, **parameters: object) -> Any:
        """The answer: parsed where it is JSON, None where it is refused."""
        # A browser puts U+FFFD in place of half a surrogate pair.
        clean = {
            key: str(value).encode("utf-8", "replace").decode() for key, value in parameters.items()
        }
        response = self._board.get(route, **clean)
        code = response.status_code
        self.counts[code] += 1
        said = {key: str(value)[:60] for key, value in parameters.items()}
        if code not in CODES:
            self.wrong.append((f"{route} {said}", code, response.get_data(as_text=True)[:300]))
        if response.headers["X-Content-Type-Options"] != "nosniff":
            self.wrong.append((f"{route} {said}", code, "its type may be guessed"))
        if response.headers["Content-Type"].startswith("application/json"):
            try:
                answer = strict(response.get_data())
            except ValueError as error:
                self.wrong.append((f"{route} {said}", code, str(error)))
                return None
            return answer if code == 200 else None
        return response.get_data() if code == 200 else None

    def everything(self) -> None:
        """Every route, for every run, series, layer, model, sheet that it hears of."""
        for run in self.get("runs")["runs"]:
            self.run(run["run"])

    def run(self, run: str) -> None:
        """All that can be asked of one run."""
        index = self.get("index", run=run)
        if index is None:
            return
        self.get("index", run=run, since=index["cursor"])
        self.get("index", run=run, since="0")
        for route in ("scalars", "health", "predictions", "costs"):
            self.get(route, run=run)
            self.get(route, run=run, since=1)
        for segment in index["segments"]:
            self.get("model", run=run, segment=segment["segment"])
        self.get("model", run=run)
        names = {(series["kind"], series["layer"]) for series in index["series"]}
        for layer in (self.get("health", run=run) or {"layers": []})["layers"][:50]:
            names.add(("health", layer))
            self.get("channels", run=run, layer=layer, position=0)
            self.get("channels", run=run, layer=layer, position=10**9)
        for kind, layer in names:
            self.series(run, kind, layer)
        for probe in index["probes"]:
            for offset, length, crc in probe["sheets"][:4]:
                self.sheet(run, probe["writer"], offset, length, crc)

    def series(self, run: str, kind: str, layer: str) -> None:
        """One series and its sheets."""
        what = {"run": run, "kind": kind, "layer": layer}
        found = self.get("series", **what)
        self.get("series", **what, since=1)
        for tiles in ("0", "0,0,0", "63"):
            for image in (0, 10**9):
                self.get("strip", **what, image=image, tiles=tiles, positions="0-511")
        if found is None or not found["writers"]:
            return
        for at in {0, len(found["offset"]) - 1}:
            location = (found[name][at] for name in ("offset", "length", "crc"))
            self.sheet(run, found["writers"][0][0], *location)

    def sheet(self, run: str, writer: str, offset: int, length: int, crc: int) -> None:
        """One sheet, alone and in an answer with others."""
        self.get("sheet", run=run, writer=writer, offset=offset, length=length, crc=crc)
        name = f"{writer}:{offset}:{length}:{crc}"
        self.get("sheets", run=run, sheets=f"{name},{name}")
