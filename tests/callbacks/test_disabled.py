"""A callback that does nothing in a fit is named in the store of those that do something."""

from __future__ import annotations

import numpy as np
import pytest
from callbacks.nets import cached_model, data, ends, metas, positions, sequential

import tbviz


def disabled(log_dir):
    return [one for one in metas(log_dir, "notice") if one["event"] == "disabled"]


def fit(callbacks, epochs=2, model=None):
    x, y = data(8)
    (model or cached_model()).fit(x, y, 4, epochs, verbose=0, callbacks=callbacks)


def working(log_dir):
    return tbviz.LayerHealth(log_dir, data(2)[0], strict=True)


def of_another_size(log_dir, side=5):
    return tbviz.GradCAM(log_dir, np.zeros((2, side, side, 1)))


def without_files(log_dir):
    return tbviz.ActivationGrid(log_dir, ["/nowhere/at/all.png"])


CASES = [
    (of_another_size, "GradCAM", "the probe images of this fit's callbacks have"),
    (without_files, "ActivationGrid", "do not exist"),
]


@pytest.mark.parametrize(("other", "method", "why"), CASES, ids=[case[1] for case in CASES])
def test_the_store_of_the_others_says_it(tmp_path, messages, other, method, why):
    fit([working(tmp_path), other(tmp_path)])
    [notice] = disabled(tmp_path)
    assert (notice["method"], notice["level"], notice["layer"]) == (method, "warning", None)
    assert why in notice["text"]
    assert notice["text"].startswith("disabled for this fit: ")
    assert len(positions(tmp_path)) == len(metas(tmp_path, "health")) == 2
    assert ends(tmp_path) == ["finished"]
    [message] = messages()
    assert message == f"tbviz {method}: {notice['text']}"


def test_it_is_said_if_the_other_comes_later(tmp_path):
    fit([without_files(tmp_path), working(tmp_path)])
    [notice] = disabled(tmp_path)
    assert notice["method"] == "ActivationGrid"


def test_each_of_several_is_named(tmp_path):
    others = [without_files(tmp_path), of_another_size(tmp_path), of_another_size(tmp_path, 6)]
    fit([others[0], working(tmp_path), *others[1:]])
    assert [one["method"] for one in disabled(tmp_path)] == [
        "ActivationGrid", "GradCAM", "GradCAM",
    ]  # fmt: skip


def test_another_log_directory_or_fit_does_not_say_it(tmp_path):
    model = sequential()
    fit([without_files(tmp_path / "a"), working(tmp_path / "b")], model=model)
    assert not (tmp_path / "a").exists()
    fit(
        [working(tmp_path / "a"), tbviz.Kernels(tmp_path / "b", submodel=lambda model: model)],
        model=model,
    )
    assert disabled(tmp_path / "a") == disabled(tmp_path / "b") == []


def test_a_strict_one_raises(tmp_path):
    with pytest.raises(tbviz.TbvizError, match="submodel='nothing' leads to nothing"):
        fit([working(tmp_path), tbviz.Kernels(tmp_path, submodel="nothing", strict=True)])


def test_a_mistake_in_monitor_is_reported_once_in_each_fit(tmp_path, messages):
    monitor = tbviz.Monitor(tmp_path, ["/nowhere/at/all.png"])
    for fits in (1, 2):
        fit([monitor], epochs=1)
        assert [
            text.startswith("tbviz Monitor: disabled for this fit: ") for text in messages()
        ] == [True] * fits
    # Kernels and filter maximization need no images: their store has the notice.
    assert [one["method"] for one in disabled(tmp_path)] == ["Monitor"] * 2
