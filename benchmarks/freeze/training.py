"""(a network) => (all that every callback logs of it), in two fits into one log directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

import tbviz
from benchmarks.freeze.nets import Work
from benchmarks.freeze.records import segments
from tbviz.methods.cams.registry import CAMS
from tbviz.methods.cams.score_cam import ScoreCam
from tbviz.methods.saliency.integrated_gradients import IntegratedGradients
from tbviz.methods.saliency.occlusion import Occlusion
from tbviz.methods.saliency.registry import ATTRIBUTIONS
from tbviz.methods.saliency.smoothgrad import SmoothGrad

EPOCHS = 3
_BATCH = 12
_ASCENT = tbviz.Ascent(steps=3)
_PIXELS = tbviz.Ascent(steps=2, image="pixel", total_variation=0.1, l2=0.1, diversity=2)
# Few passes each.
ATTRIBUTED = {
    **ATTRIBUTIONS,
    "smoothgrad": SmoothGrad(samples=3),
    "integrated-gradients": IntegratedGradients(points=4),
    "occlusion": Occlusion(window=0.4, stride=0.3),
}
MAPPED = {**CAMS, "score-cam": ScoreCam(channels=4)}


def train(work: Work) -> Any:
    """Train in the current directory and read what was logged.

    `Monitor` captures the first fit; the second goes on with every callback, each with a
    schedule of its own.
    """
    usual = Path("run")
    model, fitted = work.model, {"batch_size": _BATCH, "verbose": 0, "shuffle": False}
    if work.y is not None:
        fitted["y"] = work.y
    monitor = tbviz.Monitor(
        usual, work.images, work.labels, class_names=work.class_names or None, **work.settings
    )
    model.fit(work.x, epochs=EPOCHS - 1, callbacks=[monitor], **fitted)
    everything = callbacks(usual, work)
    model.fit(
        work.x, initial_epoch=EPOCHS - 1, epochs=2 * EPOCHS - 1, callbacks=everything, **fitted
    )
    return segments(usual)


def callbacks(log_dir: Path, work: Work) -> list[keras.callbacks.Callback]:
    """Every callback with every method, variant and sort of schedule."""
    x, y = work.images, work.labels
    names: dict[str, Any] = {"class_names": work.class_names or None, **work.settings}
    alone = work.settings
    several = ["predicted", 0] if y is None else ["predicted", "true", 1, tbviz.Target(against=0)]
    return [
        tbviz.ActivationGrid(log_dir, x, labels=y, channels=6, **names),
        tbviz.ActivationGrid(
            log_dir,
            x[1:],
            layers="conv*",
            channels=3,
            order="most-active",
            colors=False,
            overview=False,
            schedule=tbviz.every(batches=3),
            **names,
        ),
        tbviz.ActivationGrid(
            log_dir, x, layers=keras.layers.Dense, colors=False, overview=False, **names
        ),
        tbviz.LayerHealth(log_dir, x, labels=y, thresholds=tbviz.Thresholds(window=1), **names),
        *(
            tbviz.GradCAM(log_dir, x, y, method=method, schedule=schedule, **names)
            for method, schedule in zip(
                MAPPED.values(),
                ("epoch", "epoch", tbviz.every(epochs=2), tbviz.geometric(2), _even, "epoch"),
                strict=True,
            )
        ),
        tbviz.Saliency(log_dir, x, y, method=list(ATTRIBUTED.values()), targets=several, **names),
        tbviz.Kernels(log_dir, filters=5, **alone),
        tbviz.Hypercolumns(log_dir, x, normalize=False, **alone),
        tbviz.Augmentation(log_dir, x, num_draws=3, schedule="epoch", **alone),
        tbviz.FilterMaximization(
            log_dir, filters=3, images=x, ascent=_ASCENT, warm_start=True, **alone
        ),
        tbviz.ClassMaximization(
            log_dir, images=x, ascent=_PIXELS, schedule=tbviz.every(epochs=2), **names
        ),
    ]


def _even(epoch: int) -> bool:
    return epoch % 2 == 0
