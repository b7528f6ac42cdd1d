"""A real training, a real TensorBoard and a real Chromium."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from browser.serving import tensorboard
from browser.tab import WAITS
from browser.training import EPOCHS, train


def find_browser() -> str | None:
    """`$CHROMIUM`, chromium, google-chrome, or the one that Playwright has downloaded."""
    for name in (os.environ.get("CHROMIUM"), "chromium", "google-chrome"):
        found = shutil.which(name) if name else None
        if found:
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import expect, sync_playwright

    path = find_browser()
    if path is None:
        message = "no Chromium was found; set $CHROMIUM or install chromium (apt, brew)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(f"THE BROWSER TESTS WERE NOT RUN: {message}")
    arguments = ["--disable-gpu", "--no-first-run", "--disable-background-networking"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium's sandbox does not start as root
    expect.set_options(timeout=WAITS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A page at the size of a small laptop; what it logs as an error fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    def listen(message):
        # A run that was deleted answers 404, and TensorBoard has missing files of its own.
        if message.type == "error" and "Failed to load resource" not in message.text:
            errors.append(message.text)

    page.on("console", listen)
    yield page
    context.close()
    assert not errors


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A log directory with one run of thirty epochs."""
    logdir = tmp_path_factory.mktemp("trained")
    train(logdir / "digits", EPOCHS)
    return logdir


@pytest.fixture(scope="session")
def board(trained):
    with tensorboard(trained) as address:
        yield address
