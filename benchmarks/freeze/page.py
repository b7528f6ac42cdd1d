"""What the page draws: every picture of every kind of the richest golden run, light and dark.

A picture is a `canvas` with the role of an image, wherever it stands: its own pixels, before the
browser enlarges it, so that neither the words beside it nor a width in a style sheet matter. The
page stands alone, without TensorBoard's own around it, which takes seconds to load.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.freeze import names
from benchmarks.freeze.canonical import HASH, summary
from benchmarks.freeze.http_answers import label
from tbviz.store.disk.locations import store_directory
from tbviz.store.read.reader import Reader

_SIZE = {"width": 1280, "height": 800}
_WAIT = 60
_SAME = 3  # times in a row
_MODES = ("light", "dark")
_CANVASES = """
() => [...document.querySelectorAll("canvas[role=img]")]
    .map((canvas) => [canvas.toDataURL("image/png"), canvas.getBoundingClientRect().width > 0])
"""


def drawn(tree: Path, pictures: Path) -> Any:
    """The pictures of each kind by mode, and the PNGs in a folder.

    Returns:
        The reason instead where there is no built page or no Chromium.
    """
    browser = chromium()
    if browser is None or not (tree / "tbviz" / "plugin" / "static" / "index.js").is_file():
        missing = "Chromium" if browser is None else "built page"
        print(f"page: not recorded, there is no {missing}")
        return {"skipped": missing}
    run, kinds = richest(tree / "tests" / "golden")
    found: dict[str, Any] = {}
    with _board(tree) as address, sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"]
        launched = playwright.chromium.launch(executable_path=browser, args=arguments)
        for mode in _MODES:
            page = launched.new_page(viewport=_SIZE, color_scheme=mode)
            for kind, layer in kinds:
                asked = {"run": run, "kind": kind, "layer": layer}
                quoted = {key: urllib.parse.quote(one, safe="") for key, one in asked.items()}
                page.goto("about:blank")
                page.goto(address + names.ADDRESS.format(**quoted))
                name = f"{mode} {kind}".replace(":", " ")
                found.setdefault(kind, {})[mode] = _saved(_settled(page), pictures, name)
            page.close()
        launched.close()
    return found


def richest(golden: Path) -> tuple[str, list[tuple[str, str]]]:
    """The golden run of the most kinds, and each kind with the first layer that has it."""
    by_run = {}
    for store in sorted(golden.glob("*/plugins")):
        run = store.parent.name
        layers: dict[str, str] = {}
        reader = Reader(store_directory(golden / run))
        reader.refresh()  # a run of another format has no series
        for kind, layer in reader.series():
            layers.setdefault(kind, layer)
        by_run[run] = list(layers.items())
    run = max(by_run, key=lambda one: (len(by_run[one]), label(one)))
    return run, by_run[run]


def chromium() -> str | None:
    """`$CHROMIUM`, or the first browser that is installed."""
    asked = (os.environ.get("CHROMIUM"), "chromium", "google-chrome")
    return next((path for name in asked if name and (path := shutil.which(name))), None)


def _settled(page: Page) -> list[bytes]:
    """The pictures' PNGs, when they have been the same for a while."""
    give_up, before, same = time.monotonic() + _WAIT, [], 0
    while same < _SAME:
        if time.monotonic() > give_up:
            raise RuntimeError(f"received pictures that change for {_WAIT} s, at {page.url}")
        page.wait_for_timeout(200)
        now = page.evaluate(_CANVASES)
        same = same + 1 if now and now == before else 0
        before = now
    return [base64.b64decode(url.split(",", 1)[1]) for url, visible in before if visible]


def _saved(found: list[bytes], pictures: Path, name: str) -> Any:
    rows = []
    for number, png in enumerate(found):
        (pictures / f"{name} {number}.png").write_bytes(png)
        with Image.open(io.BytesIO(png)) as image:
            pixels = np.asarray(image.convert("RGBA"))
        whole = HASH + hashlib.sha256(pixels.tobytes()).hexdigest()[:24]
        rows.append({**summary(pixels), "hash": whole})
    return rows


@contextmanager
def _board(tree: Path) -> Iterator[str]:
    """A TensorBoard on the golden stores; gives its address."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(tree / "tests" / "golden")]
    command += ["--host", "127.0.0.1", "--port", "0"]
    log = Path("tensorboard.log")
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            yield _address(process, log)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    give_up = time.monotonic() + 2 * _WAIT
    while time.monotonic() < give_up and process.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text(errors="replace"))
        if found:
            return found[0]
        time.sleep(0.2)
    raise RuntimeError(f"TensorBoard did not start: {log.read_text(errors='replace')}")
