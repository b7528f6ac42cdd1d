"""Every callback with every method, for one fit."""

from __future__ import annotations

from dataclasses import replace

import tbviz
from tbviz.callbacks.base import Visual
from tbviz.methods.cams.registry import CAMS
from tbviz.methods.cams.score_cam import ScoreCam
from tbviz.methods.maximization.settings import Ascent
from tbviz.methods.saliency.integrated_gradients import IntegratedGradients
from tbviz.methods.saliency.occlusion import Occlusion
from tbviz.methods.saliency.registry import ATTRIBUTIONS
from tbviz.methods.saliency.smoothgrad import SmoothGrad

# Few passes each: the methods shall run, and the pictures do not matter.
_ATTRIBUTIONS = {
    **ATTRIBUTIONS,
    "smoothgrad": SmoothGrad(samples=2),
    "integrated-gradients": IntegratedGradients(points=2),
    "occlusion": Occlusion(window=0.5, stride=0.5),
}
_CAMS = {**CAMS, "score-cam": ScoreCam(channels=2)}
_STEPS = 2
# From strong noise: on an almost even gray a small untrained network may be off altogether.
_MAXIMIZE = replace(Ascent.of_classes(), steps=_STEPS, start=1.0)


def everything(log_dir, images, labels=None, **settings):
    """`Monitor`, and beside it what it leaves out.

    Strict: a snapshot that fails and is left out would leave training untouched too easily.
    """
    settings = {"strict": True, **settings}
    given = log_dir, images, labels
    several = tbviz.Saliency(*given, method=list(_ATTRIBUTIONS.values()), **settings)
    monitor = tbviz.Monitor(*given, **settings)
    for callback in monitor.callbacks:
        if isinstance(callback, tbviz.FilterMaximization):
            callback.ascent = replace(callback.ascent, steps=_STEPS)
    return [
        monitor,
        several,
        tbviz.GradCAM(*given, method=list(_CAMS.values()), **settings),  # in place of Monitor's
        tbviz.ClassMaximization(log_dir, ascent=_MAXIMIZE, **settings),
    ]


def kinds():
    """Of all pictures and numbers that these log of a model without augmentation layers."""
    return {
        *("activations", "activations:colors", "overview", "health", "kernels", "predictions"),
        *("hypercolumns", "hypercolumns:colors", "maximization", "classes", "cam"),
        *(f"cam:{name}" for name in _CAMS if name != "grad-cam"),
        *(f"saliency:{name}" for name in _ATTRIBUTIONS),
    }


def names_of(callbacks):
    """The classes among these callbacks, those within `Monitor` as well."""
    inside = [one for callback in callbacks for one in getattr(callback, "callbacks", ())]
    return {type(callback).__name__ for callback in [*callbacks, *inside]}


def all_names():
    """The names of all callbacks that there are."""
    public = {name: getattr(tbviz, name) for name in tbviz.__all__}
    return {"Monitor"} | {
        name for name, one in public.items() if isinstance(one, type) and issubclass(one, Visual)
    }
