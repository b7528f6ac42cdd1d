"""Every number beside a tile is that of its content in the store; selections are preserved."""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path

import pytest
from browser.serving import tensorboard
from browser.tab import Tab, layout_of
from made_stores import LAYERS, make_run
from playwright.sync_api import expect

from tbviz.images.sheet import decode
from tbviz.plugin.errors import NotFoundError
from tbviz.plugin.health_handlers import channels
from tbviz.store.read.reader import open_reader

pytestmark = [pytest.mark.browser, pytest.mark.slow]

GOLDEN = Path(__file__).parents[1] / "golden" / "format-2-parts"
POSITION = 3
SHARES = {"sparsity", "saturated"}


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    logdir = tmp_path_factory.mktemp("numbers")
    shutil.copytree(GOLDEN, logdir / "golden")
    for name, epochs in (("long", 8), ("short", 3), ("other", 8)):
        make_run(logdir / name, epochs, [LAYERS[0], LAYERS[5]], images=3, every_kind=True)
    return logdir


@pytest.fixture(scope="module")
def address(logs):
    with tensorboard(logs) as at:
        yield at


@pytest.fixture
def tab(page, address):
    return Tab(page, address)


def channel_of(kind, layout, tile):
    """Return the layer and channel of a tile, by the format; `None` for other contents."""
    if kind in {"activations", "maximization"} and "channels" in layout:
        return layout["layer"], layout["channels"][tile]
    if kind == "overview":
        return layout["column_layers"][tile % layout["columns"]], tile // layout["columns"]
    return None


def table_of(run, layer):
    try:
        return channels(run, layer, POSITION)["columns"]
    except NotFoundError:  # nothing was measured of this layer
        return {}


def written(text):
    """Parse a number as the page writes it."""
    text = text.replace("\N{MINUS SIGN}", "-").replace(",", "")
    if text.endswith("%"):
        return float(text[:-1].lstrip("<")) / 100
    return float(text.replace("∞", "inf"))


def near(text, value):
    if math.isnan(value):
        return text in {"NaN", "\N{EN DASH}"}
    # Three digits; shares have a tenth of a per cent.
    return written(text) == pytest.approx(value, rel=0.06, abs=6e-4)


def check_tile(tab, run, kind, layer, image, tile):
    """Click a tile and compare the numbers beside it with the store."""
    segment, ordinal = run.location(POSITION)
    series = segment.series[kind, layer]
    shown = next(at for at in range(ordinal, -1, -1) if series.positions.index(at) is not None)
    layout = layout_of(run, segment, series.layout_of(series.positions.index(shown)))
    sheet = tab.sheet()
    box = sheet.bounding_box()
    width, height = sheet.evaluate("canvas => [canvas.width, canvas.height]")
    columns = int(sheet.get_attribute("data-columns"))
    tile_height, tile_width = layout["tile"]
    rows = -(-layout["tiles"] // columns)
    lead = 0 if rows == 1 else (height - rows * tile_height) / (rows - 1)
    gap = int(sheet.get_attribute("data-gap"))
    sheet.click(position={
        "x": ((tile % columns) * (tile_width + gap) + tile_width / 2) * box["width"] / width,
        "y": ((tile // columns) * (tile_height + lead) + tile_height / 2) * box["height"] / height,
    })  # fmt: skip
    panel = tab.get("channel-panel")
    found = channel_of(kind, layout, tile)
    if kind in {"activations", "maximization"}:
        expect(tab.get("channel-number")).to_have_text(str(found[1]))
    elif "titles" in layout:
        expect(panel.locator("h2")).to_have_text(layout["titles"][tile])
    numbers = tab.get("numbers")
    table = {} if found is None else table_of(run, found[0])
    stored = {name: values[found[1]] for name, values in table.items() if found[1] < len(values)}
    expect(numbers.locator("dd[data-statistic]")).to_have_count(len(stored))
    for name, value in stored.items():
        shown_text = numbers.locator(f"dd[data-statistic={name}]").inner_text()
        assert near(shown_text, value), (kind, layer, tile, name, shown_text, value)
    picture = decode(run.picture(kind, layer, shown, image))
    if picture.ranges is None:
        expect(tab.get("own-range")).to_have_count(0)
    elif found is None or not table or stored:
        low, high = tab.get("own-range").inner_text().split(" to ")
        assert near(low, picture.ranges[tile][0])
        assert near(high, picture.ranges[tile][1])
    elif "column_layers" in layout:  # the row of a channel that this layer does not have
        expect(tab.get("own-range")).to_have_count(0)
        expect(tab.get("not-drawn")).to_contain_text(f"There is no channel {found[1]}: {found[0]}")
    return layout


def test_numbers_of_every_kind_and_variant_are_those_of_the_tile(tab, logs):
    run = open_reader(logs / "golden")
    seen = set()
    for kind, layer in run.series():
        if kind.partition(":")[0] in {"cam", "saliency"} or (kind, layer) == (
            "activations",
            "scores",
        ):
            continue
        seen.add(kind)
        for image in range(2):
            tab.open(run="golden", kind=kind, layer=layer or "conv", step=POSITION, image=image)
            shown = tab.frame.locator(f"[data-testid=sheet][data-kind='{kind}'][data-ready]")
            shown.wait_for()
            if layer == "conv" and kind == "maximization":
                expect(tab.get("channel")).to_be_visible()
            layout = check_tile(tab, run, kind, layer, image, 0)
            for tile in range(1, layout["tiles"]):
                check_tile(tab, run, kind, layer, image, tile)
            if not layout["images"]:
                break
    assert seen == {
        "activations", "activations:colors", "overview", "maximization", "classes", "kernels",
        "kernels:pointwise", "kernels:colors", "hypercolumns", "hypercolumns:colors",
        "augmentation",
    }  # fmt: skip


def test_a_bar_is_a_channel(tab, logs):
    run = open_reader(logs / "golden")
    table = table_of(run, "scores")
    tab.open(run="golden", kind="activations", layer="scores", step=POSITION, image=1)
    tab.wait(position=POSITION, layer="scores", image=1)
    box = tab.sheet().bounding_box()
    picture = decode(run.picture("activations", "scores", POSITION, 1))
    (low, high) = picture.ranges[0]
    for channel in (2, 0, 1):
        tab.sheet().click(
            position={"x": box["width"] * (channel + 0.4) / 3, "y": box["height"] / 2}
        )
        expect(tab.get("channel-number")).to_have_text(str(channel))
        level = picture.pixels[:, 16 * channel : 16 * channel + 16].max()
        assert near(tab.get("own-range").inner_text(), low + (high - low) * level / 252)
        for name, values in table.items():
            text = tab.get("numbers").locator(f"dd[data-statistic={name}]").inner_text()
            assert near(text, values[channel])


def test_the_caption_of_a_map_has_the_numbers_of_the_store(tab, logs):
    run = open_reader(logs / "golden")
    for kind, layer in (("cam", "conv"), ("cam:score-cam", "conv"), ("saliency:gradients", "")):
        tab.open(run="golden", kind=kind, layer="conv", step=POSITION)
        expect(tab.get("cam-card")).to_have_count(2)
        for image in range(2):
            text = decode(run.picture(kind, layer, POSITION, image)).text["tiles"]
            card = tab.frame.locator(f"[data-testid=cam-card][data-image='{image}']")
            for entry in text[: 1 if text[0]["class"] == text[1]["class"] else 2]:
                caption = card.locator(f"[data-role={entry['role']}][data-testid=cam-caption]")
                expect(caption).to_contain_text(entry["name"])
                shown = re.search(r"(<?[\d.]+%)", caption.inner_text())[1]
                assert (
                    near(shown, entry["probability"])
                    or abs(written(shown) - entry["probability"]) < 0.006
                )


def family(tab, name):
    tab.frame.locator(f"[data-testid=tab][data-family={name}]").click()


def test_the_selected_channel_is_preserved_and_named_where_it_is_not_drawn(tab):
    tab.open(run="long", layer="backbone/block2/conv3", channel=40, step=5)
    tab.wait(position=5, layer="backbone/block2/conv3")
    expect(tab.get("channel-number")).to_have_text("40")
    family(tab, "maximization")
    expect(tab.get("not-drawn")).to_contain_text("No maximization for channel 40: only ")
    expect(tab.get("channel-number")).to_have_text("40")
    expect(tab.get("companion")).to_be_visible()
    family(tab, "kernels")
    expect(tab.get("channel-number")).to_have_text("40")
    tab.get("more").select_option("augmentation")
    tab.wait_hash("kind", "augmentation")
    expect(tab.get("channel-panel")).to_be_visible()
    family(tab, "activations")
    expect(tab.get("channel-number")).to_have_text("40")
    tab.wait_hash("kind", "activations").wait_hash("channel", "40")
    layer = tab.frame.locator("[data-testid=layer][data-path='conv1']")
    layer.click()
    tab.wait(layer="conv1")
    tab.frame.locator("[data-testid=layer][data-path='backbone/block2/conv3']").click()
    expect(tab.get("channel-number")).to_have_text("40")
    tab.wait_hash("layer", "backbone/block2/conv3").wait_hash("channel", "40")
    tab.page.reload()
    expect(tab.get("channel-number")).to_have_text("40")
    tab.open(run="long", layer="conv1", channel=999)
    expect(tab.get("not-drawn")).to_contain_text("There is no channel 999: conv1 has 16 channels.")


def test_another_run_keeps_the_epoch_and_does_not_follow(tab):
    tab.open(run="long", layer="conv1", step=5, channel=3, image=1).wait(position=5, image=1)
    tab.get("run").select_option("other")
    tab.wait(position=5, layer="conv1", image=1).wait_hash("run", "other")
    expect(tab.get("channel-number")).to_have_text("3")
    follow = tab.frame.get_by_role("button", name="Follow")
    expect(follow).to_have_attribute("aria-pressed", "false")
    tab.get("run").select_option("short")
    tab.wait(position=2, layer="conv1", image=1).wait_hash("step", "2")
    expect(tab.get("notes")).to_contain_text("There is no epoch 5 in this run; showing epoch 2.")
    expect(follow).to_have_attribute("aria-pressed", "false")
    tab.get("run").select_option("long")
    tab.wait(position=5, layer="conv1", image=1).wait_hash("step", "5")
    expect(follow).to_have_attribute("aria-pressed", "false")
    tab.page.keyboard.press("f")
    tab.get("run").select_option("short")
    tab.wait(position=2, layer="conv1", image=1)
    expect(follow).to_have_attribute("aria-pressed", "true")
