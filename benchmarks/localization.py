"""How well each method localizes its target class, among four in one picture.

    python benchmarks/localization.py

The demo's network is trained on its 64 x 64 crops of photographs. Mosaics of 2 x 2 validation
crops, of four classes each, are 128 x 128: the network ends in global average pooling, so it takes
them with the same weights and sees every crop at the scale that it has learned. Each method
explains each of the four classes of every mosaic; the score is the share of the positive part of
its map, enlarged to the mosaic's size, that lies inside the right quarter. An even map has
0.25, an empty one counts as 0. No crop is picked; a second column has only the crops that the
network classifies correctly alone, since it cannot localize a class that it does not recognize.
"""

from __future__ import annotations

import argparse
import time
from typing import NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from tbviz.arrays.resample import enlarge
from tbviz.demo import network, photographs
from tbviz.demo.dataset import Dataset
from tbviz.methods.cams.maps import layer_maps
from tbviz.methods.cams.registry import CAMS
from tbviz.methods.perturbed_model import PerturbedModel
from tbviz.methods.saliency.registry import ATTRIBUTIONS
from tbviz.scores.class_target import ClassTarget
from tbviz.scores.gradients import class_gradients
from tbviz.taps.inspector import inspector_for
from tbviz.taps.outputs import Output
from tbviz.taps.select import cam_layer

SIDE = photographs.SIZE


class Mosaics(NamedTuple):
    """Pictures of four crops.

    Attributes:
        images: `(mosaics, 128, 128, 3)`.
        classes: of each quarter, `(mosaics, 4)`: the upper ones from the left, then the lower.
        crops: which validation crops they are, likewise.
    """

    images: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.int64]
    crops: npt.NDArray[np.int64]


def mosaics(dataset: Dataset, count: int, random: np.random.Generator) -> Mosaics:
    """Draw crops of four different classes for each mosaic."""
    crops = []
    for _ in range(count):
        classes = random.choice(len(dataset.class_names), 4, replace=False)
        crops.append(
            [random.choice(np.flatnonzero(dataset.validation_labels == c)) for c in classes]
        )
    chosen = np.array(crops)
    tiles = dataset.validation_images[chosen].reshape(count, 2, 2, SIDE, SIDE, 3)
    images = tiles.transpose(0, 1, 3, 2, 4, 5).reshape(count, 2 * SIDE, 2 * SIDE, 3)
    return Mosaics(images, dataset.validation_labels[chosen], chosen)


def shares(maps: npt.NDArray[np.floating], quarter: int) -> npt.NDArray[np.float64]:
    """Return the share of each map's positive part that lies inside a quarter."""
    mass = np.maximum(enlarge(maps, (2 * SIDE, 2 * SIDE)), 0)
    row, column = divmod(quarter, 2)
    inside = mass[:, row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE]
    total = mass.sum(axis=(1, 2))
    return np.asarray(inside.sum(axis=(1, 2)) / np.where(total == 0, 1, total))


def trained(dataset: Dataset, epochs: int) -> keras.Model:
    """Train the demo's network on the crops."""
    model = network.build(dataset)
    model.fit(dataset.train_images, dataset.train_labels, 32, epochs, verbose=0)
    known = model.evaluate(dataset.validation_images, dataset.validation_labels, verbose=0)[1]
    print(f"{epochs} epochs; accuracy on validation crops {known:.2f}")
    return model


def explained(
    name: str, perturbed: PerturbedModel, output: Output, class_target: ClassTarget
) -> npt.NDArray[np.floating]:
    """Compute the maps of one method; scores of perturbed images are shared by all classes."""
    if name in CAMS:
        found = class_gradients(perturbed.inspector, [output], perturbed.inputs, class_target)
        return layer_maps(CAMS[name], output.key, found, perturbed)
    return ATTRIBUTIONS[name].attribute(perturbed, class_target).maps


def main() -> None:
    """Train, draw, explain, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--mosaics", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(arguments.seed)
    dataset = photographs.load()
    small = trained(dataset, arguments.epochs)
    drawn = mosaics(dataset, arguments.mosaics, np.random.default_rng(arguments.seed))
    model = network.build(dataset._replace(train_images=drawn.images))
    model.set_weights(small.get_weights())
    images = drawn.images.astype(np.float32)
    alone = small.predict(dataset.validation_images, verbose=0).argmax(axis=1)
    known = alone[drawn.crops] == drawn.classes
    print(f"{known.size} explanations, {known.sum()} of crops known alone; chance is 0.25")
    print(f"{'method':<22}{'all':>7}{'known':>7}{'empty':>7}{'seconds':>9}")
    inspector = inspector_for(model)
    perturbed, output = (
        PerturbedModel(inspector, images),
        cam_layer(inspector.model_outputs(images)),
    )
    for name in [*CAMS, *ATTRIBUTIONS]:
        start = time.perf_counter()
        found = np.stack(
            [
                shares(
                    explained(name, perturbed, output, ClassTarget(drawn.classes[:, quarter])),
                    quarter,
                )
                for quarter in range(4)
            ],
            axis=1,
        )
        seconds = time.perf_counter() - start
        empty = int((found == 0).sum())
        print(
            f"{name:<22}{found.mean():>7.3f}{found[known].mean():>7.3f}{empty:>7}{seconds:>9.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
