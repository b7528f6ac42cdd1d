"""Answer the routes of http_api.md: parse the parameters, call a pure function, respond."""

from __future__ import annotations

import logging
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from tbviz.plugin import handlers, strip
from tbviz.plugin.cost_handlers import costs
from tbviz.plugin.errors import GoneError, MalformedError, NotFoundError
from tbviz.plugin.health_handlers import channels, health
from tbviz.plugin.query import Query
from tbviz.plugin.responses import (
    IMMUTABLE,
    NO_CACHE,
    bytes_response,
    error_response,
    json_response,
    packed_response,
)
from tbviz.plugin.static_files import static_file
from tbviz.store.errors import DamagedError, UnknownWriterError
from tbviz.store.read import run_index
from tbviz.version import __version__

if TYPE_CHECKING:
    from tbviz.plugin.runs import OpenRuns, ServedRun
    from tbviz.plugin.tensorboard_scalars import TensorboardScalars

_log = logging.getLogger("tbviz.plugin")

STATIC = Path(__file__).parent / "static"
_PNG = b"\x89PNG\r\n\x1a\n"
_MISSING = struct.pack("<I", 0xFFFFFFFF)
_MAX_TILES = 64
_MAX_POSITIONS = 512
# The size of all sheets in one answer: many clients at once then need bounded memory.
_MAX_BYTES = 8 << 20

App = Callable[..., Iterable[bytes]]
Route = Callable[[Request, Query], Response]


class Routes:
    """The routes of the plugin.

    Args:
        runs: The runs.
        scalars: The source of metrics that the store does not have.
        logdir: The log directory that TensorBoard was started with.
        static: The folder of the built page. Defaults to STATIC.
    """

    def __init__(
        self, runs: OpenRuns, scalars: TensorboardScalars, logdir: str, static: Path = STATIC
    ) -> None:
        self._runs = runs
        self._scalars = scalars
        self._logdir = logdir
        self._static = static

    def apps(self) -> dict[str, App]:
        """Return each route as a WSGI application."""
        routes: dict[str, Route] = {
            "/runs": self.runs,
            "/index": self.index,
            "/series": self.series,
            "/sheet": self.sheet,
            "/sheets": self.sheets,
            "/strip": self.strip,
            "/scalars": self.scalars,
            "/costs": self.costs,
            "/health": self.health,
            "/channels": self.channels,
            "/predictions": self.predictions,
            "/model": self.model,
            "/static/*": self.static,
        }
        return {path: _app(route) for path, route in routes.items()}

    def runs(self, request: Request, _: Query) -> Response:
        """Answer the list of all runs."""
        answer = {
            "runs": self._runs.list(),
            "now": time.time(),
            "version": __version__,
            "logdir": self._logdir,
        }
        return json_response(request, answer)

    def index(self, request: Request, query: Query) -> Response:
        """Answer the index of one run, or what is new in it."""
        since = query.optional("since")
        try:
            return json_response(request, self._run(query).ask(lambda r: run_index.since(r, since)))
        except ValueError as error:
            raise MalformedError(str(error)) from error

    def series(self, request: Request, query: Query) -> Response:
        """Answer where the sheets of one series are."""
        kind, layer, since = query.text("kind"), query.text("layer"), query.whole("since", 0)
        answer = self._run(query).ask(lambda r: handlers.series(r, kind, layer, since))
        return json_response(request, answer)

    def sheet(self, _: Request, query: Query) -> Response:
        """Answer the bytes of one sheet."""
        data = self._run(query).sheet(*query.sheet())
        kind = "image/png" if data.startswith(_PNG) else "application/octet-stream"
        return bytes_response(data, kind, cache=IMMUTABLE)

    def sheets(self, _: Request, query: Query) -> Response:
        """Answer the bytes of several sheets, each after its length."""
        run, addresses = self._run(query), query.sheets()
        sizes = accumulate(sheet.length for sheet in addresses)
        fitting = max(1, sum(size <= _MAX_BYTES for size in sizes))
        found = run.sheets(addresses[:fitting])
        parts = []
        for data in found + [None] * (len(addresses) - fitting):
            parts += [_MISSING] if data is None else [struct.pack("<I", len(data)), data]
        cache = IMMUTABLE if _MISSING not in parts else NO_CACHE
        return bytes_response(parts, "application/octet-stream", cache=cache)

    def strip(self, _: Request, query: Query) -> Response:
        """Answer frames over time."""
        run = self._run(query)
        kind, layer, image = query.text("kind"), query.text("layer"), query.whole("image", 0)
        tiles = query.wholes("tiles", _MAX_TILES)
        span = query.span("positions", _MAX_POSITIONS)
        plan = run.ask(lambda r: strip.plan(r, kind, layer, image, tiles, span))
        png, shown = strip.draw(plan, tiles, run.sheets)
        response = bytes_response(png, "image/png")
        response.headers["X-Tbviz-Positions"] = ",".join(map(str, shown))
        return response

    def scalars(self, request: Request, query: Query) -> Response:
        """Answer the metrics and costs, one value per position."""
        run, since = self._run(query), query.whole("since", 0)
        answer = run.ask(lambda r: handlers.scalars(r, since))
        if not answer["tags"]:
            found = self._scalars.read(request.environ, query.text("run"))
            if found:
                answer |= run.ask(lambda r: handlers.aligned_scalars(r, since, found))
        return json_response(request, answer)

    def costs(self, request: Request, query: Query) -> Response:
        """Answer the costs of tbviz per callback."""
        return json_response(request, self._run(query).ask(costs))

    def health(self, request: Request, query: Query) -> Response:
        """Answer the health numbers of the layers, one value per position."""
        since, layer = query.whole("since", 0), query.optional("layer")
        names = query.names("names")
        points = query.optional_whole("points")
        answer = self._run(query).ask(lambda r: health(r, since, names, layer, points))
        return json_response(request, answer)

    def channels(self, request: Request, query: Query) -> Response:
        """Answer one layer's numbers per channel at one position."""
        layer, position = query.text("layer"), query.whole("position")
        answer = self._run(query).ask(lambda r: channels(r, layer, position))
        return json_response(request, answer)

    def predictions(self, request: Request, query: Query) -> Response:
        """Answer the strongest classes of each probe image, one list per position."""
        since = query.whole("since", 0)
        answer = self._run(query).ask(lambda r: handlers.predictions(r, since))
        return json_response(request, answer)

    def model(self, request: Request, query: Query) -> Response:
        """Answer the layer tree."""
        run = self._run(query)
        number = query.optional_whole("segment")
        segment, entry = run.ask(lambda r: handlers.model(r, number))
        payload = run.sheet(*entry.sheets[0])
        try:
            return json_response(request, handlers.tree(segment, entry, payload))
        except (ValueError, TypeError) as error:
            raise GoneError(f"the layer tree of segment {segment} is damaged: {error}") from error

    def static(self, request: Request, _: Query) -> Response:
        """Answer a file of the page."""
        name = request.path.partition("/static/")[2]
        file = static_file(self._static, name)
        if file is None:
            raise NotFoundError(f"received {name!r}, expected a file of the page")
        if file.type.startswith(("text/", "application/json", "image/svg")):
            return packed_response(request, file.content, file.type, cache=file.cache)
        return bytes_response(file.content, file.type, cache=file.cache)

    def _run(self, query: Query) -> ServedRun:
        return self._runs.get(query.text("run"))


def _app(route: Route) -> App:
    """Return a route as a WSGI application that handles methods and errors."""

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        return _answer(route, request)(environ, start_response)

    return app


def _arguments(request: Request) -> Mapping[str, str]:
    try:
        return request.args
    except UnicodeDecodeError as error:
        raise MalformedError(
            f"received {request.query_string[:80]!r}, expected parameters in ASCII or UTF-8"
        ) from error


def _answer(route: Route, request: Request) -> Response:
    if request.method not in {"GET", "HEAD"}:
        message = f"received {request.method}, expected GET or HEAD; nothing here can be changed"
        response = error_response(request, 405, message)
        response.headers["Allow"] = "GET, HEAD"
        return response
    try:
        return route(request, Query(_arguments(request)))
    except MalformedError as error:
        return error_response(request, 400, str(error))
    except (NotFoundError, UnknownWriterError) as error:
        return error_response(request, 404, str(error))
    except (GoneError, DamagedError) as error:
        return error_response(request, 410, str(error))
    except Exception as error:
        _log.exception("%s failed", request.path)
        message = f"{type(error).__name__}: {error}; expected an answer; see TensorBoard's log"
        return error_response(request, 500, message)
