"""Methods: arrays in, arrays out. What is computed, one idea a file; nothing here knows `fit`.

The functions that take a model and images are also here for those who do not train with
callbacks: `activations`, `health`, `grad_cam`, `maximize_filters`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbviz.methods.cams.maps import grad_cam
    from tbviz.methods.feature_maps import activations
    from tbviz.methods.layer_health import health
    from tbviz.methods.maximization import maximize_filters

_HOME = {
    "activations": "tbviz.methods.feature_maps",
    "grad_cam": "tbviz.methods.cams.maps",
    "health": "tbviz.methods.layer_health",
    "maximize_filters": "tbviz.methods.maximization",
}

__all__ = ["activations", "grad_cam", "health", "maximize_filters"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'tbviz.methods' has no attribute {name!r}; it has {__all__}")
    value: object = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
