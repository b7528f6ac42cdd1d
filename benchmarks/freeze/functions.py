"""(a saved model) => (what the functions of `tbviz.methods` and `tbviz.render` make of it)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

import tbviz
from benchmarks.freeze import nets
from benchmarks.freeze.canonical import plain
from benchmarks.freeze.training import ATTRIBUTED, MAPPED

methods, render = tbviz.methods, tbviz.render


def functions() -> dict[str, Any]:
    """What each function returns, and how it is called."""
    work = nets.nested()
    work.model.fit(work.x, work.y, epochs=1, verbose=0, shuffle=False)
    work.model.save("model.keras")
    model, x = keras.models.load_model("model.keras"), work.images
    model.predict(x, verbose=0)
    found = {**_activations(model, x), **_explained(model, x), **_maximized(model, x)}
    found["kernels"] = methods.kernels(model)
    found["augmented_images"] = methods.augmented_images(model, x, num_draws=2)
    found["health"] = methods.health(model, x)
    return {
        "methods": {name: plain(value) for name, value in found.items()},
        "render": {name: plain(value) for name, value in drawn(found, x).items()},
    }


def _activations(model: Any, x: Any) -> dict[str, Any]:
    return {
        "activations": methods.activations(model, x),
        "activations of some": methods.activations(model, x, layers="backbone/*"),
        "activation_colors": methods.activation_colors(model, x),
        "activation_overview": methods.activation_overview(model, x),
        "hypercolumns": methods.hypercolumns(model, x),
        "hypercolumns of numbers": methods.hypercolumns(
            model, x, layers=[2, 4], size=(8, 8), normalize=False
        ),
    }


def _explained(model: Any, x: Any) -> dict[str, Any]:
    cams = {name: methods.grad_cam(model, x, method=cam) for name, cam in MAPPED.items()}
    maps = {name: methods.saliency_maps(model, x, method=one) for name, one in ATTRIBUTED.items()}
    return {
        "grad_cam": cams,
        "grad_cam of a layer": methods.grad_cam(
            model, x, targets=np.arange(3), layers="backbone/conv"
        ),
        "grad_cam of a difference": methods.grad_cam(model, x, targets=tbviz.Target(1, against=2)),
        "saliency_maps": maps,
        "saliency_maps of a difference": methods.saliency_maps(
            model, x, targets=tbviz.Target(0, against=1)
        ),
    }


def _maximized(model: Any, x: Any) -> dict[str, Any]:
    ascent = tbviz.Ascent(steps=3)
    return {
        "maximize_filters": methods.maximize_filters(
            model, layers="backbone/conv", filters=3, images=x, ascent=ascent, seed=5
        ),
        "maximize_classes": methods.maximize_classes(
            model,
            classes=[0, 2],
            images=x,
            ascent=tbviz.Ascent.of_classes(),
            class_names=nets.NAMES,
        ),
    }


def drawn(found: dict[str, Any], x: Any) -> dict[str, Any]:
    """Pictures of some of it, and of what is not finite."""
    maps = found["activations"]["backbone/conv"][0]
    odd = np.stack([np.eye(5), np.full((5, 5), -2.0), np.full((5, 5), np.nan)])
    odd[0, 0, :3] = np.inf, -np.inf, np.nan
    cam = found["grad_cam"]["grad-cam"].maps
    return {
        "channels": render.channels(maps),
        "channels, each alone": render.channels(
            maps, columns=3, bounds="tile", colormap="gray", size=20
        ),
        "tiles": render.tiles(odd),
        "tiles between bounds": render.tiles(odd, bounds=(-1, 2), titles=["a", "b", "c"]),
        "tiles around zero": render.tiles(odd, columns=2, signed=True, size=7),
        "colors": render.colors(x),
        "colors learned": render.colors(x * 9 - 3, bounds=None, titles=list(nets.NAMES)),
        "overlays": render.overlays(x, cam),
        "overlays, weak": render.overlays(x, cam, columns=2, strength=0.2, size=40),
    }
