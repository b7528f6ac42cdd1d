"""`Monitor`: a sensible set of all callbacks in one line."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import keras

from tbviz.callbacks.activation_grid import ActivationGrid
from tbviz.callbacks.augmentation import Augmentation
from tbviz.callbacks.base import Visual
from tbviz.callbacks.filter_maximization import FilterMaximization
from tbviz.callbacks.grad_cam import GradCAM
from tbviz.callbacks.hypercolumns import Hypercolumns
from tbviz.callbacks.kernels import Kernels
from tbviz.callbacks.layer_health import LayerHealth
from tbviz.callbacks.options import ImageOptions
from tbviz.callbacks.probe import as_probe, check_log_dir
from tbviz.callbacks.signature import SharedOptions
from tbviz.errors import TbvizError
from tbviz.methods.maximization.settings import Ascent

_WITHOUT_IMAGES = (Kernels, FilterMaximization)
_CALLBACKS: tuple[type[Visual], ...] = (
    ActivationGrid,
    LayerHealth,
    GradCAM,
    Hypercolumns,
    Kernels,
    Augmentation,
    FilterMaximization,
)

# With more filters or steps, a small network on two cores would spend more time on maximization
# than on a third of an epoch. To the eye, 24 shorter steps give the same images.
FILTERS = 6
ASCENT = Ascent(steps=16, rate=0.3)


class Monitor(SharedOptions, keras.callbacks.Callback):
    """Log everything that is cheap enough for every epoch, with good defaults.

    With images: feature maps, layer health, Grad-CAM, hypercolumns, kernels, filter maximization,
    what augmentation layers do, and the predictions for the probe images. Without images: kernels
    and filter maximization. What a model cannot show is left out, and the page says so.

    To set more, put a callback of the same class beside it in the list of callbacks, on the same
    `log_dir` and `submodel` (of a function, the same object): that one replaces Monitor's own of
    its class entirely. `Saliency` and `ClassMaximization` can be added in the same way. Put Monitor
    after `EarlyStopping` in the list: then the best weights, which it restores, are logged too.

    Args:
        images: Defaults to None: only what needs no images is logged.
        labels: With labels, Grad-CAM shows the true class beside the predicted one.
        layers: They are used for feature maps and layer health. Defaults to None: up to twelve
            layers with feature maps, spread over the depth.
        exclude: Callbacks to leave out, as classes or by name: `ActivationGrid`, `LayerHealth`,
            `GradCAM`, `Hypercolumns`, `Kernels`, `Augmentation` or `FilterMaximization`.
        schedule: `Augmentation` captures only the first and the last epoch.

    Example:
        >>> x_val.shape, y_val.shape
        ((1000, 32, 32, 3), (1000,))
        >>> model.fit(
        ...     x,
        ...     y,
        ...     callbacks=[
        ...         keras.callbacks.TensorBoard("logs/run"),
        ...         tbviz.Monitor("logs/run", x_val[:4], y_val[:4], exclude=["Hypercolumns"]),
        ...         tbviz.GradCAM("logs/run", x_val[:4], y_val[:4], method="layercam"),
        ...     ],
        ... )
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any = None,
        labels: Any = None,
        *,
        layers: Any = None,
        exclude: type | str | Sequence[type | str] = (),
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__()
        check_log_dir(log_dir, "Monitor")
        if images is None:
            _check_without_images(layers=layers, **options)
        # One for all: a callable or a dataset might give other images the next time.
        probe = as_probe(images, labels, options.pop("class_names", None), "Monitor")
        output = options.pop("output", None)
        own: dict[type[Visual], dict[str, Any]] = {
            ActivationGrid: {"layers": layers},
            LayerHealth: {"layers": layers},
            Augmentation: {**Augmentation.option_defaults},
            FilterMaximization: {"filters": FILTERS, "ascent": ASCENT},
        }
        excluded = _excluded(exclude)
        self._disabled: set[str] = set()
        self.callbacks: list[Visual] = []
        for kind in _CALLBACKS:
            given: dict[str, Any] = {**options, **own.get(kind, {})}
            if kind not in _WITHOUT_IMAGES:
                given |= {"images": probe, "output": output}
            if kind not in excluded and (kind in _WITHOUT_IMAGES or probe is not None):
                self.callbacks.append(kind(log_dir, **given))
        for callback in self.callbacks:
            callback.belong_to_monitor(self._disabled)

    def set_model(self, model: Any) -> None:
        """Pass the model on."""
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Pass the params of Keras on."""
        super().set_params(params)
        for callback in self.callbacks:
            callback.set_params(params)

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Pass the hook on."""
        self._disabled.clear()
        for callback in self.callbacks:
            callback.on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Pass the hook on."""
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, logs)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Pass the hook on."""
        for callback in self.callbacks:
            callback.on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Pass the hook on."""
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Pass the hook on."""
        for callback in self.callbacks:
            callback.on_train_end(logs)


def _check_without_images(**given: Any) -> None:
    """Check that no argument is given that only callbacks with images use.

    Raises:
        TbvizError: If one is.
    """
    idle = {
        "class_names": "they name the classes of the images. Pass both; tbviz.ClassMaximization "
        "takes class_names= without images",
        "layers": "it selects layers for the callbacks that show images. Pass both, or put a "
        "callback such as tbviz.Kernels(log_dir, layers=...) beside Monitor",
        "output": "it selects the output that is explained for images. Pass both, or leave it out",
    }
    for name, why in idle.items():
        if given.get(name) is not None:
            raise TbvizError(f"Monitor received {name}= without images=; {why}")


def _excluded(exclude: type | str | Sequence[type | str] | None) -> list[type[Visual]]:
    """Return the classes of Monitor's callbacks that an argument names.

    Raises:
        TbvizError: If Monitor has no such callback.
    """
    known = {kind.__name__: kind for kind in _CALLBACKS}
    found = []
    several = exclude if isinstance(exclude, list | tuple | set | frozenset) else [exclude]
    for one in () if exclude is None else several:
        name = one.__name__ if isinstance(one, type) else str(one)
        if name not in known:
            near = difflib.get_close_matches(name.lower(), map(str.lower, known), n=1)
            hint = [f"did you mean {other}? " for other in known if [other.lower()] == near]
            msg = (
                f"Monitor received exclude={one!r}; {''.join(hint)}expected one of "
                f"{', '.join(known)} (a class or its name)"
            )
            raise TbvizError(msg)
        found.append(known[name])
    return found
