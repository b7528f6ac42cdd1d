"""Compute: arrays in, arrays out; one idea per file, and none knows `fit`.

Its functions take a model and images, for use without callbacks. The model, the images and their
labels are passed by position, everything else by name, in the order of the callback that logs the
same. `tbviz.render` draws their results.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbviz.methods.activation_maps.feature_maps import activations
    from tbviz.methods.activation_maps.overview import activation_overview
    from tbviz.methods.activation_maps.rgb_maps import activation_colors
    from tbviz.methods.augmentation import augmented_images
    from tbviz.methods.cams.maps import grad_cam
    from tbviz.methods.conv_kernels.kernels import kernels
    from tbviz.methods.hypercolumn import hypercolumns
    from tbviz.methods.layer_health.numbers import health
    from tbviz.methods.maximization import maximize_classes, maximize_filters
    from tbviz.methods.saliency.maps import saliency_maps

_HOME = {
    "activation_colors": "tbviz.methods.activation_maps.rgb_maps",
    "activation_overview": "tbviz.methods.activation_maps.overview",
    "activations": "tbviz.methods.activation_maps.feature_maps",
    "augmented_images": "tbviz.methods.augmentation",
    "grad_cam": "tbviz.methods.cams.maps",
    "health": "tbviz.methods.layer_health.numbers",
    "hypercolumns": "tbviz.methods.hypercolumn",
    "kernels": "tbviz.methods.conv_kernels.kernels",
    "maximize_classes": "tbviz.methods.maximization",
    "maximize_filters": "tbviz.methods.maximization",
    "saliency_maps": "tbviz.methods.saliency.maps",
}

__all__ = [
    "activation_colors",
    "activation_overview",
    "activations",
    "augmented_images",
    "grad_cam",
    "health",
    "hypercolumns",
    "kernels",
    "maximize_classes",
    "maximize_filters",
    "saliency_maps",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'tbviz.methods' has no attribute {name!r}; it has {__all__}")
    value: object = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
