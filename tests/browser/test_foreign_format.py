"""A run of another format says so where its pictures would be; the others are shown."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from browser.serving import tensorboard
from browser.tab import Tab, leaving
from foreign_stores import MISSING, refused, write
from made_stores import LAYERS, make_run
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

GOLDEN = Path(__file__).parents[1] / "golden" / "format-1"
WRITTEN = refused("format 1")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    logdir = tmp_path_factory.mktemp("formats")
    shutil.copytree(GOLDEN, logdir / "alone")
    write(logdir / "hostile", "<b>2</b>", tbviz="<i>")
    write(logdir / "unnamed", MISSING)
    shutil.copytree(GOLDEN, logdir / "both")
    make_run(logdir / "both", 4, LAYERS[-2:], images=2)
    with tensorboard(logdir) as at:
        yield at


def test_a_run_of_another_format_says_so(page, address):
    with leaving(page):
        tab = Tab(page, address).open(run="alone")
        expect(tab.get("refused")).to_have_text(f"Segment 1 was {WRITTEN}.")
        expect(tab.get("status")).to_contain_text("unreadable")
        expect(tab.get("sheet")).to_have_count(0)
        expect(tab.frame.get_by_text("The run has begun")).to_have_count(0)
        expect(tab.get("refused")).to_be_visible()
        tab.get("run").select_option("both")
        expect(tab.get("refused")).to_have_text(f"Segment 1 was {WRITTEN}.")
        tab.wait(position=3)


def test_a_segment_beside_it_is_shown(page, address):
    with leaving(page):
        tab = Tab(page, address).open(run="both", kind="activations", layer=LAYERS[-1].path, step=3)
        tab.wait(position=3)
        expect(tab.get("refused")).to_have_text(f"Segment 1 was {WRITTEN}.")
        expect(tab.get("refused")).to_be_visible()


@pytest.mark.parametrize(
    ("run", "what"), [("hostile", 'format "<b>2</b>"'), ("unnamed", "an unknown format")]
)
def test_what_a_stranger_wrote_is_text(page, address, run, what):
    with leaving(page):
        tab = Tab(page, address).open(run=run)
        expect(tab.get("refused")).to_contain_text(f"written in {what}; this tbviz reads format 2")
        expect(tab.get("refused").locator("b, i")).to_have_count(0)
