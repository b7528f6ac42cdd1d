"""Define the arguments that callbacks share: their types, their defaults, and one text for each."""

from __future__ import annotations

from typing import Final, TypedDict

import numpy as np

from tbviz.callbacks.limits.schedule import ScheduleLike
from tbviz.callbacks.run.probe import ClassNames
from tbviz.callbacks.run.submodel import Submodel
from tbviz.errors import TbvizError
from tbviz.taps.final_outputs import OutputName


class CallbackOptions(TypedDict, total=False):
    """The keywords that every callback takes. `ARGUMENTS` describes them."""

    schedule: ScheduleLike
    submodel: Submodel
    max_overhead: float | None
    max_disk: float | str | None
    strict: bool


class ImageOptions(CallbackOptions, total=False):
    """The keywords of callbacks that show images or classes. `ARGUMENTS` describes them."""

    class_names: ClassNames | None
    output: OutputName | None


DEFAULTS: Final[ImageOptions] = {
    "class_names": None,
    "output": None,
    "schedule": "epoch",
    "submodel": None,
    "max_overhead": None,
    "max_disk": None,
    "strict": False,
}

_IMAGES = (
    "Probe images as the model takes them: an array `(images, height, width, channels)`, a "
    "list of single images, a dict or tuple of arrays for a model of several inputs, a "
    "`tf.data.Dataset`, a `keras.utils.PyDataset`, a callable that returns a batch, {}. At most 16 "
    "images are used. From a dataset, 8 are taken, its classes in turn."
)

PROBE_ARGUMENTS: Final = {
    "images": _IMAGES.format("or paths of image files (read as 0 to 255)"),
}
"""The texts of the arguments that `tbviz.Probe` takes in another way than the callbacks."""

ARGUMENTS: Final = {
    "log_dir": (
        "Directory of the run, as `keras.callbacks.TensorBoard(log_dir=...)` takes it, or a URI "
        'that fsspec knows, such as `"s3://bucket/logs/run"`.'
    ),
    "images": _IMAGES.format("paths of image files (read as 0 to 255), or a `tbviz.Probe`"),
    "labels": (
        "Class of each image, for captions: whole numbers `(images,)` from 0, or one-hot rows "
        "`(images, classes)`; names of classes if `class_names` has them. For a model with several "
        "outputs, a list with an array per output, or a dict of arrays by name. Defaults to "
        "None: the labels of the dataset if `images` is one, otherwise none."
    ),
    "class_names": (
        "Name of each class: a sequence in the order of the class numbers, or a dict of names to "
        "class numbers. For a model with several outputs also a dict of these by output. Defaults "
        "to None: captions show the numbers."
    ),
    "layers": (
        'Layers to capture: a path (`"backbone/block_6_expand_relu"`), a name, a glob '
        '(`"block_*_add"`), a compiled regular expression, a layer class, a callable that takes '
        "a layer and returns whether it is captured, or a list of these."
    ),
    "targets": (
        'What is explained, one tile per target: `"predicted"`, `"true"`, a class by number or '
        "name, an integer array with one class per image, or a `tbviz.Target`, which can also "
        "take the difference of two classes or name an output. One of these, or a list. Defaults "
        "to None: the predicted class, and the true class if there are labels."
    ),
    "output": (
        "Output whose classes are shown and explained, if the model has several: its name or its "
        "index. Labels and class names belong to it unless they are given by output. Defaults to "
        "None: the first output."
    ),
    "filters": "How many filters of each layer, the first ones, or a list of their numbers.",
    "ascent": "Steps, rate, image, transforms and penalties of the gradient ascent.",
    "seed": "Seed of the start and of the transforms, the same at every snapshot.",
    "warm_start": (
        "Whether to start from the images of this `fit`'s last snapshot instead of a blank."
    ),
    "schedule": (
        'When to capture: `"epoch"`, a whole number `n` for every `n` epochs, '
        "`tbviz.every(batches=1000)`, `tbviz.every(minutes=10)`, `tbviz.geometric(2)`, "
        '`"first-and-last"`, or a callable that takes the epoch, from 0, and returns whether to '
        "capture at its end. The first and the last epoch are captured with any schedule, unless "
        "`tbviz control` has paused the run or the store is full."
    ),
    "submodel": (
        'Model to capture if it is not the fitted one, such as a GAN\'s `"discriminator"`: a '
        "path of attributes, or a function of the fitted model. Layer paths begin with it, so that "
        "several submodels can share a log directory. Defaults to None: the fitted model."
    ),
    "max_overhead": (
        "Share of training time, 0 to 1, that all callbacks of the `fit` together may take. To "
        "stay below it, they capture less often. The smallest limit of all callbacks counts. "
        "Defaults to None: no limit."
    ),
    "max_disk": (
        'Size that the store of the run may reach, in bytes or as a text such as `"5 GB"`. '
        "Defaults to None: no limit."
    ),
    "strict": "Whether to raise errors instead of reporting each one once and continuing.",
}
"""By argument, the text that `help()` prints for it in every callback. An argument has no other
text, except for what a callback's own docstring adds. `signature.py` puts them together."""

ORDER: Final = ("class_names", "layers", "method", "targets", "output")
"""The keywords that come first in a signature. A callback's own follow, then `CallbackOptions`."""


def check_switch(name: str, value: bool) -> bool:
    """Return the value of an argument that is True or False.

    Args:
        name: The argument.
        value: The user's value.

    Raises:
        TbvizError: If it is neither.
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise TbvizError(f"received {name}={value!r}; expected True or False")


RENAMED: Final = {
    "layer": "layers",
    "draws": "num_draws",
    "settings": "ascent",
    "methods": "method",
    "target": "targets",
    "model": "submodel",
    "of": "submodel",
    "names": "class_names",
    "every": "schedule",
}
"""Names that a user may try, and the argument that is meant."""
