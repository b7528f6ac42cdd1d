"""A run whose learning rate explodes, in the tab: NaN since which epoch, and nothing dead."""

from __future__ import annotations

import keras
import pytest
from browser.serving import tensorboard
from browser.tab import Tab, leaving
from browser.training import digits, small_network
from playwright.sync_api import expect

import tbviz

EXPLODED = 3
"""The epoch whose learning rate is too high."""


class Explodes(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == EXPLODED:
            self.model.optimizer.learning_rate = 1e30


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    logdir = tmp_path_factory.mktemp("exploded")
    images, labels = digits()
    images, labels = images[:64], labels[:64]
    model = small_network()
    model.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
    log_dir = logdir / "digits"
    ours = [
        tbviz.LayerHealth(log_dir, images[:2], labels=labels[:2]),
        tbviz.ActivationGrid(log_dir, images[:2], labels=labels[:2]),
    ]
    model.fit(images, labels, 32, EXPLODED + 3, verbose=0, callbacks=[Explodes(), *ours])
    with tensorboard(logdir) as address:
        yield address


def test_a_network_that_is_not_finite_is_not_called_dead(page, address):
    tab = Tab(page, address)
    with leaving(page):
        tab.open(run="digits", layer="conv2", kind="health", step=EXPLODED + 1)
        expect(tab.get("non-finite-caption")).to_have_text(f" · NaN since epoch {EXPLODED}")
        expect(tab.get("non-finite-fact")).to_have_text(f"NaN since epoch {EXPLODED}")
        badges = tab.frame.locator("[data-testid=non-finite]")
        expect(badges).to_have_text([f"NaN since {EXPLODED}"] * 3)
        expect(tab.get("dead")).to_have_count(0)
        expect(tab.get("heat-non-finite")).to_be_visible()
        expect(tab.get("plot").first).to_have_attribute(
            "aria-label", f"Loss over the run; NaN at epoch {EXPLODED}"
        )
        advice = tab.get("advice")
        expect(advice).to_contain_text(
            f"Weights of conv1 and 2 more layers became NaN at epoch {EXPLODED}"
        )
        expect(advice).not_to_contain_text("dead")
        # Before that epoch the page shows none of it.
        tab.open(run="digits", layer="conv2", kind="health", step=EXPLODED - 1)
        expect(tab.get("caption")).to_contain_text(f"epoch {EXPLODED - 1}")
        expect(badges).to_have_count(0)
