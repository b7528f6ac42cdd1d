"""The tab as a person sees it: the pixels on the canvas, and the expected ones."""

from __future__ import annotations

import base64
import io
import urllib.parse
from contextlib import contextmanager

import numpy as np
from PIL import Image

from tbviz.images.colormaps import colorize
from tbviz.images.sheet import decode, split

WAITS = 60_000.0  # milliseconds, on a machine that is busy


@contextmanager
def leaving(page):
    """Leave the page at the end, before the server that it polls is stopped."""
    yield
    page.goto("about:blank")


class Tab:
    """The tbviz tab in one page of a browser."""

    def __init__(self, page, address):
        self.page = page
        self.address = address
        self.frame = page.frame_locator("iframe[src*='name=tbviz']")

    def open(self, **state):
        """Open the tab by an address that names what it shows."""
        parts = ["tbviz"]
        for key, value in state.items():
            parts.append(f"p.tbviz.{key}={urllib.parse.quote(str(value), safe='')}")
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}/#{'&'.join(parts)}")
        return self

    def get(self, testid):
        return self.frame.get_by_test_id(testid)

    def sheet(self):
        return self.get("sheet")

    def wait(self, position=None, layer=None, image=None, ready=None):
        """Wait until the canvas shows this; `ready` is the requested step if it differs."""
        wanted = "[data-testid=sheet][data-ready]"
        ready = position if ready is None else ready
        attributes = {"position": position, "layer": layer, "image": image, "ready": ready}
        for name, value in attributes.items():
            if value is not None:
                wanted += f'[data-{name}="{value}"]'
        self.frame.locator(wanted).wait_for(timeout=WAITS)
        return self

    def pixels(self, canvas=None):
        """Return the pixels of a canvas, RGB; those of the sheet unless another one is given."""
        canvas = self.sheet() if canvas is None else canvas
        data = canvas.evaluate("canvas => canvas.toDataURL('image/png')")
        image = Image.open(io.BytesIO(base64.b64decode(data.split(",", 1)[1])))
        return np.asarray(image.convert("RGB"))

    def tiles(self):
        """Return the tiles of the canvas, without the gaps, by the geometry that it declares."""
        sheet = self.sheet()
        declared = {
            name: sheet.get_attribute(f"data-{name}")
            for name in ("columns", "tile", "tiles", "gap")
        }
        height, width = (int(side) for side in declared["tile"].split("x"))
        columns, gap = int(declared["columns"]), int(declared["gap"])
        pixels = self.pixels()
        rows = -(-int(declared["tiles"]) // columns)
        # Captions take room between the rows.
        lead = (len(pixels) - rows * height) // (rows - 1) if rows > 1 else 0
        return np.stack(
            [
                pixels[top : top + height, left : left + width]
                for top, left in (
                    ((index // columns) * (height + lead), (index % columns) * (width + gap))
                    for index in range(int(declared["tiles"]))
                )
            ]
        )

    def wait_hash(self, key, value):
        """Wait until the address contains this; it is written a moment after the page has moved."""
        self.page.wait_for_url(lambda url: f"p.tbviz.{key}={value}" in url, timeout=WAITS)
        return self

    def hash(self):
        """Return the state in the address."""
        fragment = urllib.parse.urlsplit(self.page.url).fragment
        pairs = (part.split("=", 1) for part in fragment.split("&") if "=" in part)
        return {key.removeprefix("p.tbviz."): urllib.parse.unquote(value) for key, value in pairs}


def expected_tiles(run, kind, layer, position, image, shown_range, colors):
    """Color the stored tiles by the Python implementation.

    Args:
        run: a `Reader`.
        shown_range: low and high; None for each tile's own.
        colors: name of the color map.
    """
    sheet = decode(run.picture(kind, layer, position, image))
    segment, ordinal = run.location(position)
    columns = segment.series[kind, layer]
    layout = layout_of(run, segment, columns.layout_of(columns.positions.index(ordinal)))
    tiles = split(sheet.pixels, tuple(layout["tile"]), layout["tiles"])
    lo, hi = sheet.ranges[:, 0], sheet.ranges[:, 1]
    low, high = (lo, hi) if shown_range is None else shown_range
    return colorize(tiles, lo, hi, low, high, colors)


def layout_of(run, segment, identifier):
    """Return the fields of a layout record."""
    entry = segment.layouts[identifier]
    return entry.meta
