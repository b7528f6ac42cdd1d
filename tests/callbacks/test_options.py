"""The arguments that callbacks share: signatures, `help()`, and the errors of wrong ones."""

from __future__ import annotations

import copy
import inspect
import re

import keras
import numpy as np
import pytest
from callbacks.nets import data

import tbviz
from tbviz.callbacks.base import Visual
from tbviz.callbacks.options import ARGUMENTS, DEFAULTS, ORDER, RENAMED, ImageOptions
from tbviz.callbacks.signature import SharedOptions

X = data(2)[0]
WITH_IMAGES = ["ActivationGrid", "GradCAM", "Saliency", "Hypercolumns", "LayerHealth"]
WITH_IMAGES += ["Augmentation"]
WITHOUT = ["FilterMaximization", "ClassMaximization", "Kernels"]


def callbacks():
    public = [getattr(tbviz, name) for name in tbviz.__all__]
    return [
        one for one in public if inspect.isclass(one) and issubclass(one, keras.callbacks.Callback)
    ]


@pytest.mark.parametrize("name", [*WITH_IMAGES, *WITHOUT, "Monitor"])
def test_every_argument_that_is_no_position_is_named(name):
    parameters = inspect.signature(getattr(tbviz, name)).parameters.values()
    expected = ["log_dir"] if name in WITHOUT else ["log_dir", "images", "labels"]
    named = {one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}
    assert [one.name for one in parameters if one.name not in named] == expected
    shared = set(DEFAULTS) - ({"class_names", "output"} if name in WITHOUT else set())
    assert named >= shared


def test_all_callbacks_are_listed_here():
    assert {one.__name__ for one in callbacks()} == {*WITH_IMAGES, *WITHOUT, "Monitor"}


@pytest.mark.parametrize("one", callbacks(), ids=lambda one: one.__name__)
def test_the_order_of_keywords_and_their_defaults_are_the_same_everywhere(one):
    parameters = inspect.signature(one).parameters
    first = [name for name in parameters if name in ORDER]
    assert first == [name for name in ORDER if name in parameters]
    assert list(parameters)[-5:] == list(DEFAULTS)[-5:]
    for name, value in DEFAULTS.items():
        if name in parameters and (one, name) != (tbviz.Augmentation, "schedule"):
            assert parameters[name].default == value


def test_the_table_holds_what_several_callbacks_take():
    taken = [name for one in callbacks() for name in inspect.signature(one).parameters]
    shared = {name for name in taken if taken.count(name) > 1} - {"method", "colors"}
    assert shared == set(ARGUMENTS)
    assert set(DEFAULTS) == set(ImageOptions.__annotations__) <= set(ARGUMENTS)
    assert set(RENAMED.values()) <= {*ARGUMENTS, "method", "num_draws"}


def test_help_has_one_style_of_defaults_and_says_when_ends_are_captured():
    for one in [*callbacks(), tbviz.Probe]:
        text = " ".join(inspect.getdoc(one).split())
        assert "Defaults to" in text
        assert "Defaults to `" not in text
        assert "always captured" not in text
    ends = "with any schedule, unless `tbviz control` has paused the run or the store is full."
    for one in [*callbacks(), tbviz.every]:
        assert f"The first and the last epoch are captured {ends}" in " ".join(
            inspect.getdoc(one).split()
        )


def test_only_a_probe_takes_no_probe():
    images = "(read as 0 to 255), or a `tbviz.Probe`. At most 16 images"
    for name in WITH_IMAGES:
        assert images in " ".join(inspect.getdoc(getattr(tbviz, name)).split())
    text = " ".join(inspect.getdoc(tbviz.Probe).split())
    assert "a callable that returns a batch, or paths of image files (read as 0 to 255). At" in text
    assert "`tbviz.Probe`" not in text


def test_the_annotations_print_as_in_the_source():
    text = str(inspect.signature(tbviz.GradCAM))
    assert text.startswith("(log_dir: str | os.PathLike[str], images: Any, labels: Any = None, *, ")
    assert "schedule: ScheduleLike = 'epoch', submodel: Submodel = None" in text
    assert "options" not in text


WRONG = [
    ("GradCAM", "layer", r"GradCAM received the unknown argument layer=; expected layers="),
    ("GradCAM", "of", r"expected submodel="),
    ("GradCAM", "target", r"expected targets="),
    ("Augmentation", "draws", r"expected num_draws="),
    ("FilterMaximization", "settings", r"expected ascent="),
    ("Monitor", "filters", r"which FilterMaximization and Kernels take: add such a callback"),
    ("Monitor", "targets", r"which GradCAM and Saliency take"),
    ("Kernels", "thresholds", r"which LayerHealth takes: add such a callback"),
    ("Monitor", "max_overheads", r"did you mean max_overhead=\?"),
    ("Kernels", "nonsense", r"it takes log_dir, layers, filters, schedule, submodel,"),
    ("Probe", "class_name", r"Probe received .* class_name=; did you mean class_names=\?"),
]


@pytest.mark.parametrize(("name", "keyword", "message"), WRONG)
def test_an_unknown_keyword_is_named_with_the_one_that_is_meant(tmp_path, name, keyword, message):
    for public in tbviz.__all__:  # the others are known once they are loaded
        getattr(tbviz, public)
    given = () if name == "Probe" else (tmp_path,)
    with pytest.raises(TypeError, match=message):
        getattr(tbviz, name)(*given, X, **{keyword: 1})


def test_positions_that_must_be_named_are_refused_with_an_example(tmp_path):
    with pytest.raises(
        TypeError, match=r"at most 3: log_dir, images, labels\. Name the others, .*="
    ):
        tbviz.GradCAM(tmp_path, X, None, "conv1")
    with pytest.raises(TypeError, match=r"Kernels received 2 .* at most 1: log_dir\. .* layers="):
        tbviz.Kernels(tmp_path, "conv1")
    with pytest.raises(TypeError, match="images"):
        tbviz.GradCAM(tmp_path)


class Own(Visual):
    """Draw something.

    Args:
        strength: How strong it is, 0 to 1.
        images: They are shown twice.
    """

    def __init__(self, log_dir, images, *, strength=0.5, **options):
        super().__init__(log_dir, images, **options)
        self.strength = strength


def test_a_callback_of_a_user_may_take_what_it_likes(tmp_path):
    own = Own(tmp_path, X, strength=1, schedule=3, class_names=["a"])
    assert (own.strength, own.probe.class_names) == (1, ["a"])
    assert list(inspect.signature(Own).parameters) == ["log_dir", "images", "strength", "options"]
    text = inspect.getdoc(Own)
    assert re.search(r"a `tbviz\.Probe`\..*They\s+are shown twice\.", text, re.DOTALL)
    assert "strength: How strong it is, 0 to 1. Defaults to 0.5." in text

    class Plain(tbviz.Kernels):
        pass

    assert inspect.signature(Plain) == inspect.signature(tbviz.Kernels)
    with pytest.raises(TypeError, match="Plain received the unknown argument layer="):
        Plain(tmp_path, layer="conv1")


def test_callbacks_can_be_copied(tmp_path):  # as tuners do
    grid = tbviz.ActivationGrid(tmp_path, X, channels=3)
    copied = copy.deepcopy(grid)
    assert copied.channels == 3
    assert np.array_equal(copied.probe.inputs, grid.probe.inputs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ('tbviz.GradCAM("logs", x, layers="conv", schedule=5, max_disk="5 GB")', None),
        ('tbviz.Monitor("logs", x, exclude=["GradCAM"], output="a")', None),
        ('tbviz.GradCAM("logs", x, layer="conv")', 'Unexpected keyword argument "layer"'),
        ('tbviz.Monitor("logs", x, strict="yes")', 'incompatible type "str"; expected "bool"'),
    ],
)
def test_type_checkers_know_the_shared_keywords(call, problem, tmp_path):
    from mypy import api

    code = f"from typing import Any\nimport tbviz\ndef made(x: Any) -> object:\n    return {call}\n"
    (tmp_path / "use.py").write_text(code)
    cache = f"--cache-dir={tmp_path.parent / 'mypy'}"
    output, _, status = api.run(["--strict", cache, str(tmp_path / "use.py")])
    if problem is None:
        assert status == 0, output
    else:
        assert problem in output


def test_every_own_class_has_a_signature_without_options():
    for one in [SharedOptions, *SharedOptions.__subclasses__()]:
        assert "Unpack" not in str(inspect.signature(one))
