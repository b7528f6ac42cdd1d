"""Log the weights of convolutions, and how far they have moved."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from tbviz.arrays.floats import six_digits
from tbviz.callbacks.base import Visual
from tbviz.callbacks.options import CallbackOptions
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.caption import Caption
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.pictures import ColorPicture, GrayPicture
from tbviz.methods.activation_maps.feature_maps import MAX_CHANNELS, check_channels
from tbviz.methods.conv_kernels.kernels import (
    MAX_LAYERS,
    chosen_kernels,
    layer_kernels,
    without_kernels,
)
from tbviz.methods.conv_kernels.tiles import Kernel
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output
from tbviz.taps.select import is_convolution


class Kernels(Visual):
    """Log the kernels of convolutions, and how far each filter has moved since the first snapshot.

    Zero is in the middle of the colors. A filter over one input channel is drawn as it is, a filter
    over several by the first principal component of its slices, and a kernel of one pixel as a
    matrix. Filters over three channels are drawn in color as well. The model is not run, so no
    images are needed. With the weights `W_t` of a filter at snapshot `t`, it has moved by

        |W_t - W_0| / |W_0|

    Args:
        layers: Defaults to None: up to twelve convolutions, spread over the depth.

    Example:
        >>> model.layers[0].kernel.shape
        (3, 3, 3, 32)
        >>> kernels = tbviz.Kernels("logs/run", layers=keras.layers.Conv2D, filters=16)
        >>> model.fit(x, y, callbacks=[kernels])  # 16 tiles of 3 x 3 weights per layer
    """

    wants_recording = False
    runs_model = False
    needs = "convolution whose kernel can be drawn"
    not_taken = dict.fromkeys(
        ("images", "labels", "class_names", "output"), "draws weights and takes no images"
    )

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        *,
        layers: Any = None,
        filters: int | Sequence[int] = MAX_CHANNELS,
        **options: Unpack[CallbackOptions],
    ) -> None:
        super().__init__(log_dir, layers=layers, **options)
        self.filters = check_channels(filters, "filters")
        self._first: dict[tuple[str, str], Kernel] = {}
        self._previous: dict[tuple[str, str], Kernel] = {}
        self._scale: dict[str, float] = {}

    def select_layers(self, model_outputs: ModelOutputs) -> list[Output]:
        """Return the layers whose kernels are drawn."""
        return chosen_kernels(model_outputs, self.layers, MAX_LAYERS)

    def prepare(self, model_outputs: ModelOutputs, log: CallbackLog) -> None:
        """Find the layers, and report which are left out if the user named none."""
        super().prepare(model_outputs, log)
        if self.layers is not None:
            return
        for key, reason in without_kernels(model_outputs).items():
            text = f"its kernel is skipped: {reason}"
            log.notice(text, layer=key, level="info", event="left_out")
        total = len({o.node.path for o in model_outputs.outputs.values() if is_convolution(o)})
        if 0 < len(self.selected) < total:
            log.notice(
                f"the kernels of {len(self.selected)} of {total} convolutions are logged",
                "name others with layers=[...]",
                level="info",
                event="layers_limited",
                detail=[len(self.selected), total],
            )

    def reset(self) -> None:
        """Forget the first weights: a new `fit` or a changed model has its own."""
        self._first.clear()
        self._previous.clear()
        self._scale.clear()

    def capture(self, view: ModelView, log: CallbackLog) -> None:
        """Add one picture per kernel, and one in color if it has three inputs."""
        for output in self.selected:
            with log.guard(output.key):
                for kernel in layer_kernels(output.node.layer, self.filters):
                    self._add(output.key, kernel, log)

    def _add(self, layer: str, kernel: Kernel, log: CallbackLog) -> None:
        key = layer, kernel.variant
        kernel = kernel.facing(self._previous.get(key, kernel))
        self._previous[key] = kernel
        first = self._first.setdefault(key, kernel)
        layout: Layout = {"total": kernel.total, "method": self.title}
        if kernel.channels:
            layout["channels"] = kernel.channels
        text: Caption = {}
        notes = []
        if kernel.shares is not None:
            text["shares"] = _numbers(kernel.shares)
            notes.append(f"a tile holds {_middle(kernel.shares)} of its filter's sum of squares")
        if first is not kernel:
            moved = kernel.moved(first)
            text["moved"] = _numbers(moved)
            still = not np.any(moved != 0)
            what = "has not moved" if still else f"has moved by {_middle(moved)}"
            notes.append(f"the kernel {what} since the first snapshot")
        if notes:
            text["note"] = "; ".join(notes)
        log.add(
            GrayPicture(
                f"kernels:{kernel.variant}" if kernel.variant else "kernels",
                layer,
                kernel.tiles[np.newaxis],
                {**layout, "signed": True, "title": kernel.title},
                [text],
                max_side=max(kernel.tiles.shape[1:]),  # weights are no picture to be averaged
                of_images=False,
            )
        )
        if kernel.colors is not None:
            # It only grows, so that epochs compare.
            scale = self._scale[layer] = max(self._scale.get(layer, 0.0), kernel.largest)
            title = "Weights on the three inputs as red, green and blue; gray is zero"
            note = f"full color is a weight of {scale:.3g}"
            known: Caption = {"scale": six_digits(scale), "note": note}
            tiles = kernel.shown_in_color(scale)
            layout = {**layout, "title": title}
            log.add(ColorPicture("kernels:colors", layer, tiles, layout, {**text, **known}))


def _numbers(values: npt.NDArray[np.floating]) -> list[float]:
    return [six_digits(value) for value in values]


def _middle(shares: npt.NDArray[np.floating]) -> str:
    """Describe the median of shares."""
    known = shares[np.isfinite(shares)]
    if not known.size:
        return "an unknown share"
    middle = 100 * float(np.median(known))
    return f"{middle:.3g} %" + (" (median)" if len(known) > 1 else "")
