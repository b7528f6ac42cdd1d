"""The names of this tree that the recorder needs: fields of records, routes, keys of the address.

A renaming changes them here, and gives the reason in `renames.py`.
"""

from __future__ import annotations

# Fields of a record.
KIND, LAYER, MEDIA, SHEETS, LAYOUT = "kind", "layer", "media", "sheets", "layout"
POSITION = ("epoch", "batch", "final")
LAYOUT_ID, LAYOUT_OF = "id", "picture"
COLUMNS, ROWS, LAYERS = "columns", "rows", "layers"
TILE, TILES = "tile", "tiles"
LAYOUT_KIND, NOTICE, COST, HEALTH = "layout", "notice", "cost", "health"
SECONDS = "seconds"
# Media of a sheet.
TABLE, JSON = "table", "json"

# Fields of a record or an answer that no two runs have in common, or that a format may change.
ACCIDENTAL = frozenset(
    {
        *("time", "bytes", "uid", "tbviz", "versions", "version", "now", "logdir", "last"),
        *("started", "ended", "cursor", "format", "refused", "replaces"),
    }
)
# Fields of a `cost` record that are measured.
MEASURED = frozenset({"compile", "wait", "writer", "wall", "encode", "factor"})

# Routes, and what they ask for and answer.
PREFIX = "/data/plugin/tbviz"
RUNS, INDEX, SERIES, SHEET, SHEETS_ROUTE = "runs", "index", "series", "sheet", "sheets"
STRIP, SCALARS, COSTS, HEALTH_ROUTE = "strip", "scalars", "costs", "health"
CHANNELS, PREDICTIONS, MODEL = "channels", "predictions", "model"
ROUTES = (
    *(RUNS, INDEX, SERIES, SHEET, SHEETS_ROUTE, STRIP, SCALARS, COSTS),
    *(HEALTH_ROUTE, CHANNELS, PREDICTIONS, MODEL),
)
RUN, SEGMENT, POSITION_ASKED, POSITIONS, IMAGE, POINTS = (
    *("run", "segment", "position"),
    *("positions", "image", "points"),
)
WRITER, OFFSET, LENGTH, CRC = "writer", "offset", "length", "crc"
WRITERS, LAYOUTS, PROBES, SEGMENTS, STATUS = "writers", "layouts", "probes", "segments", "status"
UNREADABLE = "unreadable"
SHOWN_HEADER = "X-Tbviz-Positions"
COST_OF_SCALARS, METHODS, MAIN = "cost", "methods", "main"

# The page.
PAGE = "/data/plugin_entry.html?name=tbviz"
ADDRESS = f"{PAGE}#p.tbviz.run={{run}}&p.tbviz.kind={{kind}}&p.tbviz.layer={{layer}}&p.tbviz.step=0"
