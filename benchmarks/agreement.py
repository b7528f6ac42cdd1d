"""The agreement of the backends: gradients and class activation maps of one set of weights.

MobileNetV2 with random weights, the same on each backend. A figure is the largest difference
between two backends, over the largest absolute value of both.
"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import numpy as np
from each_backend import BACKENDS, fresh_python, parser

SIDE = 96
CLASSES = (3, 500)
DEPTHS = ("Conv1_relu", "block_6_expand_relu", "out_relu")
# A map is a sum over 1280 channels of both signs, of which one part in thirty is left here:
# rounding weighs thirty times as much in it as in the activations.
BOUNDS = {"gradient": 1e-5, "Grad-CAM": 1e-4}


def weights(paths: list[str], shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    """Draw values that keep signals alive over fifty layers (He et al. 2015, equation 10)."""
    random = np.random.default_rng(7)
    values = []
    for path, shape in zip(paths, shapes, strict=True):
        drawn = random.standard_normal(shape)
        name = path.rpartition("/")[2]
        if name in {"gamma", "moving_variance"}:
            value = np.exp(0.1 * drawn)
        elif name == "kernel":
            fan_in = np.prod(shape[:-2]) if "depthwise" in path else np.prod(shape[:-1])
            value = drawn * np.sqrt(2 / fan_in)
        else:
            value = 0.1 * drawn
        values.append(value.astype("float32"))
    return values


def compute(out: str) -> None:
    """Write this backend's arrays to a file."""
    import keras

    from tbviz.methods import grad_cam
    from tbviz.scores.class_target import ClassTarget
    from tbviz.scores.gradients import class_gradients
    from tbviz.taps.inspector import inspector_for
    from tbviz.taps.select import select

    model = keras.applications.MobileNetV2(weights=None, alpha=0.35, input_shape=(SIDE, SIDE, 3))
    variables = model.weights
    model.set_weights(weights([v.path for v in variables], [tuple(v.shape) for v in variables]))
    images = np.random.default_rng(8).uniform(-1, 1, (len(CLASSES), SIDE, SIDE, 3))
    images = images.astype("float32")
    inspector = inspector_for(model)
    arrays = {}
    for depth in DEPTHS:
        [output] = select(inspector.model_outputs(images), depth, lambda output: output.spatial)
        found = class_gradients(inspector, [output], images, ClassTarget(np.array(CLASSES)))
        arrays[f"gradient at {depth}"] = found.gradients[output.key]
        arrays[f"Grad-CAM at {depth}"] = grad_cam(
            model, images, targets=np.array(CLASSES), layers=depth
        ).maps
    np.savez(out, **arrays)


def main() -> None:
    """Compute on each backend in a separate process, and print the difference of every pair."""
    options = parser(__doc__)
    options.add_argument("--out", help="compute here, write arrays to this file")
    chosen = options.parse_args()
    if chosen.out:
        compute(chosen.out)
        return
    backends = chosen.backend or BACKENDS
    if len(backends) < 2:
        options.error(f"received --backend {backends[0]} alone, expected two or more to compare")
    found: dict[str, dict[str, np.ndarray]] = {}
    with tempfile.TemporaryDirectory() as directory:
        for backend in backends:
            out = Path(directory) / f"{backend}.npz"
            fresh_python(backend, __file__, "--out", str(out))
            with np.load(out) as arrays:
                found[backend] = dict(arrays)
    pairs = list(itertools.combinations(backends, 2))
    print(f"{'':32}" + "".join(f"{one + ', ' + other:>20}" for one, other in pairs) + "  largest")
    beyond = []
    for name in found[backends[0]]:
        largest = max(np.abs(arrays[name]).max() for arrays in found.values())
        differences = [
            np.abs(found[one][name] - found[other][name]).max() / largest for one, other in pairs
        ]
        print(f"{name:32}" + "".join(f"{d:20.1e}" for d in differences) + f"  {largest:.1e}")
        bound = BOUNDS[name.partition(" ")[0]]
        if not max(differences) <= bound:
            beyond.append(f"{name} differs by {max(differences):.1e}, expected {bound:.0e} or less")
    if beyond:
        raise SystemExit("\n".join(beyond))


if __name__ == "__main__":
    main()
