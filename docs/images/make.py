"""Makes the README's pictures from a run of the demo.

tbviz demo --log-dir logs/demo --no-serve
tensorboard --logdir logs/demo --port 6006
python docs/images/make.py http://127.0.0.1:6006 EPOCHS [CHROMIUM]
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
SIZE = {"width": 1280, "height": 800}
BAR = 64  # TensorBoard's own bar
WIDE = 900


def frames(page: Page, address: str, state: str, epochs: int) -> Iterator[Image.Image]:
    """One picture of the tab at each epoch."""
    for epoch in range(epochs):
        page.goto("about:blank")
        page.goto(f"{address}/#tbviz&p.tbviz.run=photographs&{state}&p.tbviz.step={epoch}")
        frame = page.frame_locator("iframe[src*='name=tbviz']")
        frame.locator(f"[data-position='{epoch}'][data-ready='{epoch}']").first.wait_for()
        page.wait_for_timeout(700)  # the side panel follows the sheet
        yield Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def main(address: str, epochs: int, chromium: str = "/usr/bin/chromium") -> None:
    """Writes tab.gif, tab-light.png and tab-dark.png."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        grid = "p.tbviz.kind=activations&p.tbviz.layer=conv2&p.tbviz.channel=4"
        cams = "p.tbviz.kind=cam&p.tbviz.layer=conv4&p.tbviz.image=1"
        shots = [*frames(page, address, grid, epochs), *frames(page, address, cams, epochs)]
        shots[epochs - 1].save(HERE / "tab-light.png", optimize=True)
        page.close()
        page = browser.new_page(viewport=SIZE)
        dark = list(frames(page, f"{address}/?darkMode=true", cams, epochs))
        dark[-1].save(HERE / "tab-dark.png", optimize=True)
        browser.close()
    height = round(WIDE * (SIZE["height"] - BAR) / SIZE["width"])
    small = [
        shot.crop((0, BAR, SIZE["width"], SIZE["height"])).resize((WIDE, height), Image.LANCZOS)
        for shot in shots
    ]
    both = Image.new("RGB", (WIDE, 2 * height))  # one palette that knows maps and photographs
    both.paste(small[epochs - 1], (0, 0))
    both.paste(small[-1], (0, height))
    palette = both.quantize(256, dither=Image.Dither.NONE)
    still = [shot.quantize(palette=palette, dither=Image.Dither.NONE) for shot in small]
    ends = {epochs - 1, len(still) - 1}
    durations = [1400 if index in ends else 350 for index in range(len(still))]
    still[0].save(
        HERE / "tab.gif", save_all=True, append_images=still[1:], duration=durations, loop=0
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:4])
