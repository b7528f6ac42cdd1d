"""See what every layer of a Keras model learns, step by step, in a tab of TensorBoard.

Importing this package loads none of Keras, its backends, numpy and Pillow: TensorBoard imports it
at start to find the plugin. The public names are loaded when they are first used (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from tbviz.backend import require_backend
from tbviz.errors import TbvizError
from tbviz.version import __version__

if TYPE_CHECKING:
    from tbviz import methods
    from tbviz.callbacks.activation_grid import ActivationGrid
    from tbviz.callbacks.augmentation import Augmentation
    from tbviz.callbacks.class_maximization import ClassMaximization
    from tbviz.callbacks.filter_maximization import FilterMaximization
    from tbviz.callbacks.grad_cam import GradCAM
    from tbviz.callbacks.hypercolumns import Hypercolumns
    from tbviz.callbacks.kernels import Kernels
    from tbviz.callbacks.layer_health import LayerHealth
    from tbviz.callbacks.limits.schedule import every, geometric
    from tbviz.callbacks.monitor import Monitor
    from tbviz.callbacks.probe import Probe
    from tbviz.callbacks.saliency import Saliency
    from tbviz.images import render
    from tbviz.methods.layer_health.thresholds import Thresholds
    from tbviz.methods.maximization.settings import Ascent
    from tbviz.results.open_run import open_run
    from tbviz.scores.target import Target

__all__ = [
    "ActivationGrid",
    "Ascent",
    "Augmentation",
    "ClassMaximization",
    "FilterMaximization",
    "GradCAM",
    "Hypercolumns",
    "Kernels",
    "LayerHealth",
    "Monitor",
    "Probe",
    "Saliency",
    "Target",
    "TbvizError",
    "Thresholds",
    "__version__",
    "every",
    "geometric",
    "methods",
    "open_run",
    "render",
]

_HOME = {
    "ActivationGrid": "tbviz.callbacks.activation_grid",
    "Ascent": "tbviz.methods.maximization.settings",
    "Augmentation": "tbviz.callbacks.augmentation",
    "ClassMaximization": "tbviz.callbacks.class_maximization",
    "FilterMaximization": "tbviz.callbacks.filter_maximization",
    "GradCAM": "tbviz.callbacks.grad_cam",
    "Hypercolumns": "tbviz.callbacks.hypercolumns",
    "Kernels": "tbviz.callbacks.kernels",
    "LayerHealth": "tbviz.callbacks.layer_health",
    "Monitor": "tbviz.callbacks.monitor",
    "Probe": "tbviz.callbacks.probe",
    "Saliency": "tbviz.callbacks.saliency",
    "Target": "tbviz.scores.target",
    "Thresholds": "tbviz.methods.layer_health.thresholds",
    "every": "tbviz.callbacks.limits.schedule",
    "geometric": "tbviz.callbacks.limits.schedule",
    "open_run": "tbviz.results.open_run",
}
_MODULES = {"methods": "tbviz.methods", "render": "tbviz.images.render"}
_WITHOUT_KERAS = frozenset({"Target", "Thresholds", "every", "geometric", "open_run", "render"})


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'tbviz' has no attribute {name!r}; it has {__all__}")
    if name not in _WITHOUT_KERAS:
        require_backend(f"tbviz.{name}")
    value: object
    if name in _MODULES:
        value = importlib.import_module(_MODULES[name])
    else:
        value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
