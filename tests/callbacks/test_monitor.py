"""`Monitor`: what it logs, what it leaves out, and what takes the place of its own callbacks."""

from __future__ import annotations

import keras
import pytest
from callbacks.nets import cached_model, data, metas, monitor, notices

import tbviz
from tbviz.errors import TbvizError
from tbviz.store.read.reader import open_reader

ALL = ["ActivationGrid", "LayerHealth", "GradCAM", "Hypercolumns", "Kernels", "Augmentation"]
ALL += ["FilterMaximization"]


def names(one):
    return [type(callback).__name__ for callback in one.callbacks]


def fit(callbacks, epochs=2):
    x, y = data(16)
    cached_model().fit(x, y, 8, epochs, verbose=0, callbacks=callbacks)


def kinds(log_dir):
    return {kind for kind, _ in open_reader(log_dir).series()}


def test_without_images_it_logs_what_needs_none(tmp_path):
    ours = monitor(tmp_path, None)
    assert names(ours) == ["Kernels", "FilterMaximization"]
    fit([ours])
    assert kinds(tmp_path) == {"kernels", "kernels:colors", "maximization"}
    assert metas(tmp_path, "predictions") == []


@pytest.mark.parametrize(
    "exclude", [["GradCAM", tbviz.Kernels], (tbviz.GradCAM, "Kernels"), ["Kernels", "GradCAM"]]
)
def test_exclude_takes_classes_and_names(tmp_path, exclude):
    ours = tbviz.Monitor(tmp_path, data(2)[0], exclude=exclude)
    assert names(ours) == [name for name in ALL if name not in {"GradCAM", "Kernels"}]
    assert names(tbviz.Monitor(tmp_path, data(2)[0], exclude="GradCAM")) == [
        name for name in ALL if name != "GradCAM"
    ]


@pytest.mark.parametrize(
    ("exclude", "message"),
    [
        (["GradCam"], "exclude='GradCam'; did you mean GradCAM"),
        (["Health"], "expected one of ActivationGrid, LayerHealth"),
        ([tbviz.Saliency], "expected one of ActivationGrid, LayerHealth"),
        ([keras.layers.Dense], "expected one of ActivationGrid"),
    ],
)
def test_what_monitor_does_not_have_cannot_be_excluded(tmp_path, exclude, message):
    with pytest.raises(TbvizError, match=message):
        tbviz.Monitor(tmp_path, data(2)[0], exclude=exclude)


def test_output_and_limits_are_handed_on(tmp_path):
    ours = tbviz.Monitor(tmp_path, data(2)[0], output="classes", max_overhead=0.1, schedule=2)
    assert {one.output for one in ours.callbacks if one.probe is not None} == {"classes"}
    assert {one.max_overhead for one in ours.callbacks} == {0.1}
    rare = [type(one).__name__ for one in ours.callbacks if one.schedule.every_epoch]
    assert rare == []


class Mine(tbviz.GradCAM):
    """A callback of the user, of a class that Monitor has."""


@pytest.mark.parametrize("first", [True, False], ids=["before", "behind"])
@pytest.mark.parametrize("made", [tbviz.GradCAM, Mine])
def test_a_callback_beside_monitor_replaces_its_own_of_that_class(tmp_path, first, made):
    x, _ = data(2)
    own = [
        made(tmp_path, x, layers="conv1", method="layercam"),
        tbviz.ActivationGrid(tmp_path, x, layers="conv1", overview=False),
    ]
    rest = [monitor(tmp_path, x)]
    fit([*own, *rest] if first else [*rest, *own], 3)
    assert ("cam", "relu") not in open_reader(tmp_path).series()  # of other layers and methods too
    cams = [series for series in open_reader(tmp_path).series() if series[0].startswith("cam")]
    assert cams == [("cam:layercam", "conv1")]
    assert "overview" not in kinds(tmp_path)
    methods = open_reader(tmp_path).segments[0].costs.methods
    assert (
        methods[f"{made.__name__} layercam"].snapshots == methods["ActivationGrid"].snapshots == 3
    )
    assert not {"GradCAM", "ActivationGrid 2", "GradCAM 2"} & set(methods)
    replaced = [one["method"] for one in notices(tmp_path) if one["event"] == "replaced"]
    assert sorted(replaced) == ["ActivationGrid", "GradCAM"]
    assert notices(tmp_path, "warning") == []


def test_another_log_directory_replaces_nothing(tmp_path):
    x, _ = data(2)
    fit([monitor(tmp_path / "one", x), tbviz.GradCAM(tmp_path / "other", x)])
    assert "cam" in kinds(tmp_path / "one")
    assert kinds(tmp_path / "other") == {"cam"}


def test_the_replaced_callback_works_again_in_a_fit_of_its_own(tmp_path):
    x, _ = data(2)
    ours = monitor(tmp_path / "one", x)
    other = tbviz.GradCAM(tmp_path / "one", x, method="layercam")
    fit([ours, other])
    assert "cam" not in kinds(tmp_path / "one")
    fit([ours])
    assert "cam" in kinds(tmp_path / "one")


@pytest.mark.parametrize("kind", [tbviz.Monitor, tbviz.ActivationGrid])
def test_swapped_arguments_are_named(kind, tmp_path):
    x, _ = data()
    with pytest.raises(TbvizError, match=rf"{kind.__name__} received log_dir of type ndarray; exp"):
        kind(x, str(tmp_path))
