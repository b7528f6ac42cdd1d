"""What a callback logs is in its name, whoever else is at work."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from callbacks.nets import metas, notices

from tbviz.callbacks.limits.cost_meter import CallbackId
from tbviz.callbacks.limits.training_clock import TrainingClock
from tbviz.callbacks.run.callback_log import AllCallbacks
from tbviz.callbacks.run.pictures import ColorPicture, GrayPicture, MetaRecord
from tbviz.callbacks.run.run_log import RunLog
from tbviz.errors import TbvizError
from tbviz.images.sheet import decode
from tbviz.store.format.schema import FitPosition
from tbviz.store.read.reader import open_reader


def author(method, *, strict=False):
    return SimpleNamespace(method=method, strict=strict, callback_id=CallbackId(id(method), method))


def picture(kind="cam", layer="conv"):
    return GrayPicture(kind, layer, np.zeros((1, 1, 4, 4), np.float32), {"method": kind})


@pytest.fixture
def run_log(tmp_path):
    made = RunLog(tmp_path, TrainingClock())
    made.begin({}, lambda size, missing: "")
    made.open(FitPosition(0))
    yield made
    made.end("finished")


def test_notices_and_failures_are_in_the_name_of_the_callback(tmp_path, run_log):
    one, other = run_log.bind(author("One")), run_log.bind(author("Other"))
    with one.guard("conv"):
        other.notice("no map", layer="relu", event="left_out")
        raise ValueError("no such layer")
    with other.guard(part="occlusion"):
        raise TbvizError("no image; give one")
    with run_log.bind(AllCallbacks()).guard():
        raise ValueError
    run_log.end("finished")
    assert [(n["method"], n["layer"], n["event"]) for n in notices(tmp_path)] == [
        ("Other", "relu", "left_out"),
        ("One", "conv", "error"),
        ("Other occlusion", None, "error"),
        ("tbviz", None, "error"),
    ]
    texts = [n["text"] for n in notices(tmp_path)[1:3]]
    assert texts == ["ValueError: no such layer", "no image; give one"]


def test_the_errors_of_a_strict_callback_alone_are_raised(run_log):
    lenient, strict = run_log.bind(author("One")), run_log.bind(author("Two", strict=True))
    with lenient.guard():
        raise ValueError("reported")
    with pytest.raises(ValueError, match="raised"), strict.guard():
        raise ValueError("raised")


def test_bytes_and_cpu_seconds_are_those_of_the_callback(run_log):
    authors = [author("One"), author("Two")]
    logs = [run_log.bind(one) for one in authors]
    logs[1].add(picture("cam"))
    logs[0].add(picture("activations"))
    run_log.bind(AllCallbacks()).add(MetaRecord({"kind": "metrics", "values": {"loss": 1.0}}))
    run_log.hand_over()
    run_log.end("finished")
    costs = {cost.callback_id: cost.size for cost in run_log.costs._written}
    assert costs.keys() == {None, *(one.callback_id for one in authors)}
    assert all(size > 0 for size in costs.values())


def test_another_callback_logs_what_one_has_logged_first(run_log):
    one, other = run_log.bind(author("One")), run_log.bind(author("Other"))
    assert not one.others_log("overview")
    one.add(picture("overview", ""))
    assert not one.others_log("overview")
    assert other.others_log("overview")
    assert not other.others_log("overview", "conv")
    assert run_log.position == one.position == FitPosition(0)


def test_the_second_picture_of_a_layer_at_a_position_is_left_out(tmp_path, run_log):
    one, other = run_log.bind(author("One")), run_log.bind(author("Other"))
    for log in (one, other):
        log.add(picture())
    run_log.hand_over()
    run_log.open(FitPosition(1))
    other.add(picture())
    run_log.hand_over()
    run_log.end("finished")
    assert [meta["epoch"] for meta in metas(tmp_path, "cam")] == [0, 1]
    [notice] = notices(tmp_path, "warning")
    assert (notice["event"], notice["layer"]) == ("duplicate_pictures", "conv")


def test_a_caveat_is_added_to_pictures(tmp_path, run_log):
    seen = []

    def caveat(picture):
        seen.append(picture.kind)
        return "the weights are NaN" if picture.layer == "conv" else None

    log = run_log.bind(author("One"), caveat)
    log.add(picture("activations"))
    log.add(picture("activations", "relu"))
    tiles = np.zeros((1, 4, 4, 3), np.float32)
    log.add(ColorPicture("activations:colors", "conv", tiles, text={"note": "dark"}))
    log.add(MetaRecord({"kind": "health", "layers": {}}))
    run_log.hand_over()
    run_log.end("finished")
    run = open_reader(tmp_path)
    assert seen == ["activations", "activations", "activations:colors"]
    assert decode(run.picture("activations", "conv", 0, 0)).text == {"note": "the weights are NaN"}
    assert decode(run.picture("activations", "relu", 0, 0)).text is None
    text = decode(run.picture("activations:colors", "conv", 0, 0)).text
    assert text == {"note": "dark; the weights are NaN"}
