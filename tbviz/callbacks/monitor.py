"""`Monitor`: a sensible set of all callbacks in one line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import keras

from tbviz.callbacks.activation_grid import ActivationGrid
from tbviz.callbacks.augmentation import Augmentation
from tbviz.callbacks.base import Visual
from tbviz.callbacks.filter_maximization import FilterMaximization
from tbviz.callbacks.grad_cam import GradCAM
from tbviz.callbacks.hypercolumns import Hypercolumns
from tbviz.callbacks.kernels import Kernels
from tbviz.callbacks.layer_health import LayerHealth
from tbviz.callbacks.limits.schedule import ScheduleLike
from tbviz.callbacks.run.probe import ClassNames, is_path, read_probe
from tbviz.callbacks.run.submodel import Submodel
from tbviz.methods.maximization.settings import Ascent
from tbviz.taps.final_outputs import OutputName

# With more filters or steps, a small network on two cores would spend more time on maximization
# than on a third of an epoch. To the eye, 24 shorter steps give the same images.
FILTERS = 6
ASCENT = Ascent(steps=16, rate=0.3)


class Monitor(keras.callbacks.Callback):
    """Logs everything that is cheap enough for every epoch, with sensible defaults.

    Feature maps (also at a glance and in color), layer health, Grad-CAM, hypercolumns, kernels,
    what augmentation layers do, filter maximization, and the predictions of the probe images.
    `Saliency` and `ClassMaximization` stand beside it in the list of callbacks, on the same
    `log_dir`, if you need them. A callback of one of Monitor's own classes that stands beside it on
    the same `log_dir` replaces Monitor's own.

    What the model cannot show is left out, and the page says so. Stand it behind `EarlyStopping`
    in the list of callbacks: best weights that are put back are then logged as well.

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        images: probe images as the model takes them; arrays, a dataset, a callable, or paths.
        labels: the class of each image; with them Grad-CAM shows the true class too.
        class_names: name of each class.
        layers: which layers' maps and health are logged; up to twelve, spread over the depth,
            unless given.
        output: The index or the name of the model's output whose classes are shown, if the model
            has several. Defaults to the first.
        schedule: when to capture. `Augmentation` always captures at the first and the last epoch
            only. Defaults to the end of every epoch.
        submodel: the model to capture if it is not the fitted one, such as a GAN's
            `"discriminator"`: a path of attributes, or a function of the fitted model.
        max_overhead: share of training time that all callbacks of the fit together may take,
            such as 0.05. They capture less often to stay below it. Defaults to no limit.
        max_disk: bytes that the run's store may have, or a text such as `"5 GB"`. Defaults to no
            limit.
        strict: raise errors instead of reporting each one once and going on. Defaults to `False`.

    Raises:
        TbvizError: images, labels, schedule, limits or `submodel` cannot be used.

    Example:
        >>> model.fit(
        ...     x,
        ...     y,
        ...     callbacks=[
        ...         keras.callbacks.TensorBoard("logs/run"),
        ...         tbviz.Monitor("logs/run", x_val[:4], y_val[:4]),
        ...     ],
        ... )
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        labels: Any = None,
        class_names: ClassNames | None = None,
        *,
        layers: Any = None,
        output: OutputName | None = None,
        schedule: ScheduleLike = "epoch",
        submodel: Submodel = None,
        max_overhead: float | None = None,
        max_disk: float | str | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__()
        # Read once: a callable or a dataset might give other images the next time.
        probe = images if is_path(images) else read_probe(images, labels, class_names)
        known: dict[str, Any] = {"labels": labels, "class_names": class_names}
        plain: dict[str, Any] = {
            "submodel": submodel,
            "max_overhead": max_overhead,
            "max_disk": max_disk,
            "strict": strict,
        }
        common: dict[str, Any] = {"schedule": schedule, **plain}
        self.callbacks: list[Visual] = [
            ActivationGrid(log_dir, probe, layers=layers, **known, **common),
            LayerHealth(log_dir, probe, layers=layers, **known, **common),
            GradCAM(log_dir, probe, output=output, **known, **common),
            Hypercolumns(log_dir, probe, **known, **common),
            Kernels(log_dir, **common),
            Augmentation(log_dir, probe, **known, **plain),
            FilterMaximization(log_dir, filters=FILTERS, settings=ASCENT, **common),
        ]

        for callback in self.callbacks:  # the user asked for what stands beside Monitor
            callback.replaceable = True

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
