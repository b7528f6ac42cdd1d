"""Every kind of picture that a run may hold, in the tab, on a made run."""

from __future__ import annotations

import re
import time
import urllib.parse
from functools import partial

import numpy as np
import pytest
from browser.serving import tensorboard
from browser.tab import WAITS, Tab, expected_tiles
from made_stores import LAYERS, Run, make_run
from playwright.sync_api import expect

import tbviz
from tbviz.results.families import family_of
from tbviz.results.picture import Colors, colored
from tbviz.store.disk.locations import store_directory
from tbviz.store.read.reader import open_reader

pytestmark = [pytest.mark.browser, pytest.mark.slow]

POSITIONS = 6
SHOWN = [LAYERS[0], LAYERS[5], LAYERS[6]]
"""conv1, backbone/block2/conv3 and head/conv4."""


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    logdir = tmp_path_factory.mktemp("kinds")
    make_run(logdir / "run", POSITIONS, SHOWN, images=2, every_kind=True)
    make_run(logdir / "damaged", 2, SHOWN[:1], images=1)
    (pack,) = store_directory(logdir / "damaged").glob("*.pack")
    with pack.open("ab") as file:
        file.write(b"no record")
    return logdir


@pytest.fixture(scope="module")
def paused(logs):
    """A live run beside the other, which is paused."""
    run = Run(logs / "paused", LAYERS[:1], images=1, now=True)
    run.add()
    fields = {"level": "info", "layer": None, "remedy": None, "text": "paused: nothing is captured"}
    fields |= {"event": "paused", "key": "paused/control///1", "rule": None}
    run.append({"kind": "notice", "method": "control", "epoch": 0, **fields})
    run.writer.flush()
    yield
    run.writer.close()


@pytest.fixture(scope="module")
def address(logs, paused):
    with tensorboard(logs) as at:
        yield at


@pytest.fixture
def tab(page, address):
    return Tab(page, address)


def layer(tab, path):
    return tab.frame.locator(f"[data-testid=layer][data-path='{path}']")


def test_every_family_has_a_view(tab):
    tab.open(run="run", layer="conv1", step=4).wait(position=4, layer="conv1")
    tab.page.set_viewport_size({"width": 1920, "height": 1000})
    families = [
        "activations", "overview", "maximization", "classes", "cam", "saliency", "kernels",
        "hypercolumns", "augmentation", "spectra", "health", "predictions",
    ]  # fmt: skip
    expect(tab.get("tab")).to_have_count(len(families))  # there is room for all by now
    found = tab.get("tab").evaluate_all("tabs => tabs.map(tab => tab.dataset.family)")
    assert found == families
    views = {"cam": "cam-card", "saliency": "cam-card", "health": "chart"}
    views["predictions"] = "prediction"
    for family in families:
        tab.frame.locator(f"[data-testid=tab][data-family={family}]").click()
        shown = tab.get(views.get(family, "sheet")).first
        expect(shown).to_be_visible()
        if family == "spectra":
            expect(shown).to_have_attribute("data-kind", "spectra:log")
        else:
            expect(tab.get("about")).not_to_be_empty()
    expect(layer(tab, "")).to_have_attribute("aria-selected", "true")
    # Tabs that do not fit are in a list.
    tab.page.set_viewport_size({"width": 900, "height": 700})
    tab.get("more").select_option("classes")
    expect(tab.get("tile-caption")).to_have_text(
        ["astronaut", "cat", "coffee", "rocket", "chelsea"]
    )
    tab.wait_hash("kind", "classes")


def test_variants_captions_and_the_layer_that_stays_selected(tab):
    tab.open(run="run", kind="cam:score-cam", layer="head/conv4", step=2)
    expect(tab.get("cam-card")).to_have_count(2)
    expect(tab.get("caption")).to_contain_text("Score-CAM")
    tab.page.keyboard.press("t")
    expect(tab.get("caption")).to_contain_text("Gradients")
    tab.page.keyboard.press("v")
    expect(tab.get("about")).to_contain_text("what each pixel adds")
    expect(tab.get("color-bar")).to_contain_text("against the class")
    tab.wait_hash("kind", "saliency:integrated-gradients").wait_hash("layer", "head/conv4")
    tab.page.reload()
    expect(tab.get("about")).to_contain_text("what each pixel adds")
    layer(tab, "conv1").click()
    tab.wait(position=2, layer="conv1")
    layer(tab, "").click()
    expect(tab.get("caption")).to_contain_text("Integrated gradients")


def test_stored_grids_keep_their_columns_and_signed_values_zero_in_the_middle(tab, logs):
    run = open_reader(logs / "run")
    tab.open(run="run", kind="overview", step=3, image=1, map="gray").wait(position=3, image=1)
    stored = expected_tiles(run, "overview", "", 3, 1, None, "gray")
    np.testing.assert_array_equal(tab.tiles(), stored)
    assert tab.sheet().get_attribute("data-columns") == "3"
    tab.frame.get_by_title("Open head/conv4").click()
    tab.wait(position=3, layer="head/conv4")

    tab.frame.locator("[data-testid=tab][data-family=kernels]").click()
    expect(tab.sheet()).to_have_attribute("data-map", "balance")
    tab.wait(position=3, layer="head/conv4")
    low, high = (float(part) for part in tab.sheet().get_attribute("data-range").split(":"))
    assert low == -high < 0
    stored = expected_tiles(run, "kernels", "head/conv4", 3, 0, (low, high), "balance")
    np.testing.assert_array_equal(tab.tiles(), stored)


def shown_kind(url):
    found = re.search(r"p\.tbviz\.kind=([^&]*)", url)
    return "activations" if found is None else urllib.parse.unquote(found[1])


def maps(tab, image):
    """Return the pixels of the maps of one image, None while there are none."""
    canvases = tab.frame.locator(f'[data-testid=cam][data-image="{image}"]')
    pixels = [tab.pixels(canvases.nth(at)) for at in range(canvases.count())]
    return np.stack(pixels) if pixels else None


def has_its_pixels(tab, run, kind, position, image):
    """Return whether the page shows what `Run.picture` draws of this kind."""
    overlaid = family_of(kind).scale
    layer = (tab.get("cams") if overlaid else tab.sheet()).get_attribute("data-layer")
    if layer not in run.layers(kind):
        return False  # the picture before
    first = run.sheet(kind, layer, position)
    sheet = first if first.image is None else run.sheet(kind, layer, position, image)
    found = maps(tab, image) if overlaid else tab.tiles()
    return np.array_equal(colored(run._reader, sheet, Colors()).pixels, found)


def in_the_end(is_so):
    """Return whether something is so once all sheets and photographs are there."""
    give_up = time.monotonic() + WAITS / 1000
    while not is_so():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.1)
    return True


def test_a_picture_in_a_notebook_has_the_pixels_of_the_page(tab, logs):
    run = tbviz.open_run(logs / "run")
    position, image, compared = run.position(4), 1, set()
    tab.page.set_viewport_size({"width": 1920, "height": 1000})
    tab.open(run="run", layer="conv1", step=4, image=image).wait(position=4)
    for family in dict.fromkeys(kind.partition(":")[0] for kind in run.kinds()):
        tab.frame.locator(f"[data-testid=tab][data-family={family}]").click()
        for kind in [kind for kind in run.kinds() if kind.partition(":")[0] == family]:
            button = tab.frame.locator(f'[data-testid=variant][data-kind="{kind}"]')
            if button.count():
                button.click()
            tab.page.wait_for_url(lambda url, kind=kind: shown_kind(url) == kind, timeout=WAITS)
            assert in_the_end(partial(has_its_pixels, tab, run, kind, position, image)), kind
            compared.add(kind)
    assert compared == {*run.kinds()}


def test_changed_predictions_and_advice_lead_to_their_position(tab):
    asked = []
    tab.page.on("request", lambda one: asked.extend(re.findall(r"/health\?(.*)", one.url)))
    tab.open(run="run", kind="predictions", step=0)
    expect(tab.get("prediction")).to_have_count(2)
    change = tab.get("prediction-change").first
    position = change.get_attribute("data-position")
    expect(change).to_contain_text(f"epoch {position}")
    expect(change).to_contain_text("→")
    change.click()
    expect(tab.get("slider")).to_have_value(position)

    # Of the sixteen channels of conv1 one is dead at first; from epoch 4 on it is two.
    tab.frame.locator("[data-testid=tab][data-family=health]").click()
    tab.get("slider").fill("0")
    expect(tab.get("chart").first).to_be_visible()
    expect(tab.get("advice")).to_have_count(0)
    tab.get("slider").fill("5")
    expect(tab.get("advised")).to_have_count(1)
    expect(tab.get("advice")).to_contain_text("2 of 16 channels")
    tab.get("advice").get_by_role("button").click()
    expect(layer(tab, "conv1")).to_have_attribute("aria-selected", "true")
    chart = tab.frame.locator("[data-testid=chart][data-statistic=dead]")
    expect(chart).to_contain_text("2 of 16")
    tab.get("statistic").select_option("duplicates")
    tab.wait_hash("statistic", "duplicates")
    expect(tab.frame.locator("[aria-busy=true]")).to_have_count(0)
    # Each part is requested once, when it is shown.
    assert [dict(urllib.parse.parse_qsl(one)) for one in asked] == [
        {"run": "run", "since": "0", **part}
        for part in (
            {"names": "dead"}, {"names": "mean", "points": "64"}, {"layer": "conv1"},
            {"names": "duplicates"},
        )
    ]  # fmt: skip


def test_the_cost_of_each_callback_and_the_arrows_after_a_click_on_a_tab(tab, logs):
    tab.open(run="run", layer="conv1", step=4).wait(position=4)
    costs = open_reader(logs / "run").segments[0].costs
    taken = costs.main + costs.wait + costs.factor * costs.writer
    training = costs.wall - costs.compile - costs.main - costs.wait
    expect(tab.get("cost")).to_have_text(f"logging +{100 * taken / training:.1f}% time")
    # The code of a panel comes when it is opened; an update of tbviz may have taken it away.
    tab.page.route("**/Costs-*.js", lambda route: route.abort())
    tab.page.keyboard.press("c")
    expect(tab.get("costs")).to_contain_text("cannot be loaded")
    tab.page.unroute("**/Costs-*.js")
    tab.get("not-loaded").get_by_role("button").click()
    tab.wait(position=4, layer="conv1")
    tab.page.keyboard.press("c")
    rows = tab.get("cost-table").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("GradCAM")
    most_expensive = costs.methods["GradCAM"]
    seconds = most_expensive.main + costs.factor * most_expensive.encode
    assert rows.nth(1).get_by_role("cell").all_inner_texts() == [
        f"{100 * seconds / training:.1f}%", f"{most_expensive.main / POSITIONS:.3f}", "6", "3", "0"
    ]  # fmt: skip
    expect(rows.last).to_contain_text("at most 5.0%")
    tab.page.keyboard.press("Escape")
    expect(tab.get("costs")).to_have_count(0)

    # After Tab the arrow keys move along the tabs; after a click they move the cursor.
    maximization = tab.frame.locator("[data-testid=tab][data-family=maximization]")
    maximization.click()
    tab.page.keyboard.press("ArrowLeft")
    tab.wait(position=3)
    maximization.focus()
    tab.page.keyboard.press("ArrowLeft")
    tab.wait(position=3).wait_hash("kind", "overview")


def test_a_paused_run_is_marked(tab, paused):
    tab.open(run="paused")
    expect(tab.get("paused")).to_contain_text("paused since epoch 0")


def test_a_damaged_log_is_marked(tab):
    tab.open(run="damaged")
    expect(tab.get("damaged")).to_have_attribute(
        "title", "1 damaged section; tbviz inspect LOG_DIR lists them"
    )
    tab.open(run="run", layer="conv1", step=4).wait(position=4)
    expect(tab.get("damaged")).to_have_count(0)
