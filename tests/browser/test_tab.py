"""The main job: open the tab, pick a layer, step through the run, and see what was logged."""

from __future__ import annotations

import re

import numpy as np
import pytest
from browser.serving import tensorboard
from browser.tab import WAITS, Tab, expected_tiles, leaving
from browser.training import EPOCHS, small_network, train
from playwright.sync_api import expect

from tbviz.images.ranges import LEVELS
from tbviz.images.sheet import decode, split
from tbviz.store.read.reader import open_reader

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def tab(page, board):
    return Tab(page, board)


@pytest.fixture
def run(trained):
    return open_reader(trained / "digits")


def test_a_layer_and_two_steps_to_the_level(tab, run):
    tab.open(run="digits", step=0, map="viridis", range="0:0.5").wait(position=0)
    tab.frame.locator("[data-testid=layer][data-path=conv2]").click()
    tab.wait(position=0, layer="conv2", image=0)
    stored = expected_tiles(run, "activations", "conv2", 0, 0, (0.0, 0.5), "viridis")
    np.testing.assert_array_equal(tab.tiles(), stored)

    tab.page.keyboard.press("ArrowRight")
    tab.wait(position=1, layer="conv2")
    stored = expected_tiles(run, "activations", "conv2", 1, 0, (0.0, 0.5), "viridis")
    np.testing.assert_array_equal(tab.tiles(), stored)

    tab.get("slider").fill("17")
    tab.wait(position=17, layer="conv2")
    stored = expected_tiles(run, "activations", "conv2", 17, 0, (0.0, 0.5), "viridis")
    np.testing.assert_array_equal(tab.tiles(), stored)


def test_each_tile_in_its_own_range_and_in_every_color_map(tab, run):
    # The diverging map has zero in its middle, so there the range is given.
    shown = {"gray": None, "viridis": None, "turbo": None, "balance": (-0.5, 0.5)}
    for name, limits in shown.items():
        written = "tile" if limits is None else "-0.5:0.5"
        tab.open(run="digits", layer="conv1", step=4, map=name, range=written, image=2)
        tab.wait(position=4, layer="conv1", image=2)
        stored = expected_tiles(run, "activations", "conv1", 4, 2, limits, name)
        np.testing.assert_array_equal(tab.tiles(), stored)


def test_thirty_epochs_are_thirty_positions_of_every_layer_and_image(tab, run):
    assert len(run) == EPOCHS
    layers = [layer for kind, layer in run.series() if kind == "activations"]
    assert layers == ["conv1", "pool1", "conv2"]
    for layer in layers:
        for image in range(3):
            for step in (0, EPOCHS - 1):
                tab.open(run="digits", layer=layer, image=image, step=step, range="0:1", map="gray")
                tab.wait(position=step, layer=layer, image=image)
                stored = expected_tiles(run, "activations", layer, step, image, (0.0, 1.0), "gray")
                np.testing.assert_array_equal(tab.tiles(), stored)


def test_a_click_on_the_curve_moves_the_step(tab):
    tab.open(run="digits", layer="conv1", step=0).wait(position=0)
    plot = tab.get("plot").first
    bounds = plot.bounding_box()
    plot.click(position={"x": bounds["width"] * 0.6, "y": bounds["height"] * 0.4})
    expect(tab.get("slider")).not_to_have_value("0")
    moved = int(tab.get("slider").input_value())
    assert 10 <= moved <= 22
    tab.wait(position=moved).wait_hash("step", moved)


def test_a_reload_finds_the_same_state(tab):
    tab.open(run="digits", layer="conv2", step=12, map="turbo", range="0:0.25", image=1)
    tab.wait(position=12, layer="conv2", image=1)
    tab.page.keyboard.press("ArrowLeft")
    tab.wait(position=11).wait_hash("step", 11)
    before, state = tab.pixels(), tab.hash()
    tab.page.reload()
    tab.wait(position=11, layer="conv2", image=1)
    np.testing.assert_array_equal(tab.pixels(), before)
    assert tab.hash() == state
    assert (state["step"], state["map"], state["range"]) == ("11", "turbo", "0:0.25")


def test_keys_work_at_once(tab):
    tab.open(run="digits", step=3).wait(position=3)
    tab.page.keyboard.press("End")
    tab.wait(position=EPOCHS - 1)
    tab.page.keyboard.press("Home")
    tab.wait(position=0)
    tab.page.keyboard.press("Shift+ArrowRight")
    tab.wait(position=10)


def test_space_plays_the_run_and_pauses_it(tab):
    tab.open(run="digits", layer="conv1", step=0).wait(position=0)
    tab.page.keyboard.press("Space")
    # Not one position: on a busy machine it may be gone before the check.
    expect(tab.get("slider")).not_to_have_value(re.compile("^[012]$"))
    tab.page.keyboard.press("Space")
    for _ in range(2):  # a step that was on its way may still come
        at = tab.get("slider").input_value()
        tab.wait(position=at)
        tab.page.wait_for_timeout(1500)
        if tab.get("slider").input_value() == at:
            return
    pytest.fail("it plays on")


def test_a_typed_step(tab):
    tab.open(run="digits", layer="conv1", step=0).wait(position=0)
    step = tab.get("step")
    step.fill("21")
    step.press("Enter")
    tab.wait(position=21)


def test_the_filter_finds_layers_by_a_regular_expression(tab):
    tab.open(run="digits", layer="conv1", step=0).wait(position=0)
    tab.page.keyboard.press("/")
    tab.get("filter").fill("^pool")
    expect(tab.get("match-count")).to_contain_text("1 of 5")
    assert "p.tbviz.filter" in tab.wait_hash("filter", "").page.url


def test_the_number_under_the_pointer_is_the_value_of_the_pixel(tab, run):
    tab.open(run="digits", layer="conv2", step=5, range="0:1", map="gray").wait(position=5)
    sheet = tab.sheet()
    bounds = sheet.bounding_box()
    height, width = (int(side) for side in sheet.get_attribute("data-tile").split("x"))
    scale = bounds["width"] / sheet.evaluate("canvas => canvas.width")
    sheet.hover(position={"x": 2.5 * scale, "y": 1.5 * scale})
    picture = decode(run.picture("activations", "conv2", 5, 0))
    level = split(picture.pixels, (height, width), 20)[0, 1, 2]
    lo, hi = picture.ranges[0]
    value = lo + (hi - lo) * level / LEVELS
    expect(tab.get("readout")).to_contain_text("0")
    shown = re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", tab.get("readout").inner_text())
    assert any(float(number) == pytest.approx(value, rel=0.01, abs=1e-3) for number in shown)


def test_dark_as_tensorboard_is(page, board):
    tab = Tab(page, f"{board}/?darkMode=true").open(run="digits", layer="conv1", step=0)
    tab.address = board
    tab.wait(position=0)
    background = tab.get("page").evaluate("page => getComputedStyle(page).backgroundColor")
    assert max(int(part) for part in re.findall(r"\d+", background)[:3]) < 60


def test_the_range_of_the_run_is_that_of_all_its_sheets(tab, run):
    tab.open(run="digits", layer="conv2", step=7, range="run", map="viridis")
    tab.wait(position=7, layer="conv2")
    low, high = (float(part) for part in tab.sheet().get_attribute("data-range").split(":"))
    columns = run.columns("activations", "conv2")[0][2]
    assert (low, high) == pytest.approx(tuple(columns.percentiles), rel=1e-6)
    stored = expected_tiles(run, "activations", "conv2", 7, 0, (low, high), "viridis")
    np.testing.assert_array_equal(tab.tiles(), stored)


def test_grad_cam_names_the_classes(tab, run):
    tab.open(run="digits", kind="cam", layer="conv2", step=9)
    tab.get("cams").wait_for(timeout=WAITS)
    expect(tab.get("cam-card")).to_have_count(3)
    expect(tab.get("cam-caption").first).to_contain_text("digit")


def test_a_series_without_a_picture_at_this_step_shows_the_one_before_with_its_epoch(tab):
    tab.open(run="digits", kind="maximization", layer="conv2", step=14)
    tab.wait(position=10, layer="conv2", ready=14)
    expect(tab.get("when")).to_contain_text("10")
    expect(tab.get("when")).to_contain_text("14")


def test_unknown_keys_stay_and_invalid_values_fall_back(tab):
    tab.open(run="digits", step="later", map="rainbow", color="plaid")
    tab.sheet().wait_for(timeout=WAITS)
    tab.wait(layer=tab.sheet().get_attribute("data-layer"))
    assert tab.hash()["color"] == "plaid"
    assert tab.sheet().get_attribute("data-map") == "viridis"


def test_a_tab_under_a_path_prefix_and_with_the_slow_reader(page, trained, run):
    with (
        tensorboard(trained, "--path_prefix=/some/where", "--load_fast=false") as address,
        leaving(page),
    ):
        assert address.endswith("/some/where")
        tab = Tab(page, address).open(run="digits", layer="conv1", step=5, range="0:1", map="gray")
        tab.wait(position=5, layer="conv1")
        stored = expected_tiles(run, "activations", "conv1", 5, 0, (0.0, 1.0), "gray")
        np.testing.assert_array_equal(tab.tiles(), stored)


def test_an_empty_directory_says_how_to_log(page, tmp_path):
    logdir = tmp_path / "empty"
    logdir.mkdir()
    with tensorboard(logdir) as address, leaving(page):
        tab = Tab(page, address).open()
        expect(tab.get("empty")).to_contain_text("tbviz.Monitor")
        expect(tab.get("empty")).to_contain_text(str(logdir))


def test_a_second_fit_and_a_fresh_start_are_followed(page, tmp_path):
    import shutil

    logdir = tmp_path / "logs"
    model = train(logdir / "digits", 3)
    with tensorboard(logdir) as address, leaving(page):
        tab = Tab(page, address).open(run="digits", layer="conv1")
        tab.wait(position=2, layer="conv1")
        train(logdir / "digits", 2, model)
        tab.wait(position=4, layer="conv1")  # it follows by itself
        tab.open(run="digits", layer="conv1", step="1:2").wait(position=2)
        tab.open(run="digits", layer="conv1", step="1").wait(position=4)
        run = open_reader(logdir / "digits")
        first, second = run.segments
        assert len(first) == 3
        assert len(second) == 2
        assert "loss" in first.metrics
        assert "loss" in second.metrics

        shutil.rmtree(logdir / "digits")
        train(logdir / "digits", 4, small_network())
        run = open_reader(logdir / "digits")
        tab.open(run="digits", layer="conv1", step=3, range="0:1", map="gray")
        tab.wait(position=3, layer="conv1")
        stored = expected_tiles(run, "activations", "conv1", 3, 0, (0.0, 1.0), "gray")
        np.testing.assert_array_equal(tab.tiles(), stored)
