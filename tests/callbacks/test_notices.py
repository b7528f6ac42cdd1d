"""Notices say what happened in words for programs too; their sentences may change at any time."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import keras
import pytest
from callbacks.limited_runs import SlowCallback, SlowTraining, fit
from callbacks.nets import cached_model, data, notices, wait_for_writer
from callbacks.test_remote_control import GivesOrders

import tbviz
from tbviz.callbacks.grad_cam import GradCAM
from tbviz.callbacks.limits.training_clock import TrainingClock
from tbviz.callbacks.run.pictures import GrayPicture
from tbviz.callbacks.run.run_log import RunLog
from tbviz.store.control import Orders, write_orders
from tbviz.store.disk.locations import store_directory
from tbviz.store.format.events import EVENTS, key_of
from tbviz.store.format.schema import FitPosition
from tbviz.store.read.reader import open_reader

ROOT = Path(__file__).parents[2]
FILES = {path: ast.parse(path.read_text("utf-8")) for path in (ROOT / "tbviz").rglob("*.py")}


def calls():
    """Yield the file and the event of each call that reports a notice."""
    for path, tree in FILES.items():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            of_notices = ast.unparse(node.func.value).endswith("notices")
            named = node.func.attr in {"notice", "_notify"}
            if named or (node.func.attr == "report" and of_notices):
                yield path, {keyword.arg: keyword.value for keyword in node.keywords}.get("event")


def test_every_notice_has_an_event_of_the_list():
    found = list(calls())
    assert len(found) > 15
    for path, event in found:
        assert event is not None, path
        if isinstance(event, ast.Constant):
            assert event.value in EVENTS, path
        else:  # of the type `Event`, as mypy knows
            assert ast.unparse(event) in {"event", "limit.event"}, path


def test_every_event_of_the_list_is_reported_somewhere():
    messages = {
        node.value
        for path, tree in FILES.items()
        if "callbacks" in path.parts
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
    }
    assert set(EVENTS) <= messages


def test_the_documents_and_the_page_list_the_same_events():
    assert sorted(set(EVENTS)) == list(EVENTS)
    page = (ROOT / "docs" / "format.md").read_text("utf-8")
    table = page[page.index("| event | what") :].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(EVENTS)
    api = (ROOT / "plugin_frontend" / "src" / "model" / "records.ts").read_text("utf-8")
    [union] = re.findall(r"export type NoticeEvent =(.*?);", api, re.DOTALL)
    assert re.findall(r'"(\w+)"', union) == list(EVENTS)


# A sentence, or what somebody wrote for a person.
_SENTENCE = re.compile(r"\b(text|said|remedy|message|reason|why|left|wrong)\b|str\(error\)")
_CUTS = {"startswith", "endswith", "partition", "split", "removeprefix", "find", "index"}
_OURS = {  # these read what a user typed, or names in a language of ours
    "arguments", "control", "locations", "query", "prune", "remote_walk", "select", "schema",
}  # fmt: skip


def test_nobody_parses_sentences():
    wrong = []
    for path, tree in FILES.items():
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in _CUTS:
                    parsed = value
                case ast.Subscript(value=value, slice=ast.Slice()):
                    parsed = value
                case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[value]):
                    parsed = value
                case _:
                    continue
            name = ast.unparse(parsed)
            if path.stem not in _OURS and _SENTENCE.fullmatch(name.rpartition(".")[2]):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}")
    # Shortening and beginning with a capital letter read nothing out of a text.
    shown = ("text[:397]", "text[:1]", "text[1:]")
    assert [one for one in wrong if not one.endswith(shown)] == []


def test_the_page_parses_no_sentences():
    wrong = [
        f"{path.name}: {match[0]}"
        for path in (ROOT / "plugin_frontend" / "src").rglob("*.ts*")
        for match in re.finditer(
            r"\b(\w+\.)(text|remedy|reason|note|title)\??\.(startsWith|endsWith|includes|match|"
            r"split|indexOf|search|replace)\(|\.(test|exec)\(\w*\.?(text|remedy|reason)\)",
            path.read_text("utf-8"),
        )
    ]
    typed = {"positions.ts: .exec(text)", "url.ts: .test(text)"}
    assert [one for one in wrong if one not in typed] == []


def test_keys_tell_apart_what_is_not_the_same():
    assert (
        key_of("error", "GradCAM", "a/b", None, ["ValueError"]) == "error/GradCAM/a%2Fb//ValueError"
    )
    different = [
        key_of("error", "GradCAM", "a", "b"),
        key_of("error", "GradCAM", "a/b", None),
        key_of("error", "GradCAM", "a%2Fb", None),
        key_of("error", "GradCAM", None, "a/b"),
        key_of("error", "GradCAM", None, "a", ["b"]),
        key_of("error", "GradCAM", None, None, ["a", "b"]),
        key_of("error", "GradCAM", None, None, ["a/b"]),
    ]
    assert len(set(different)) == len(different)


def test_notices_are_the_same_by_their_key_whatever_they_say(tmp_path):
    run_log = RunLog(tmp_path, TrainingClock())
    run_log.begin({}, lambda size, missing: "")
    run_log.open(FitPosition(0))
    run_log.notices.report("GradCAM", "no map", event="left_out")
    run_log.notices.report("GradCAM", "there is no map, in better words", event="left_out")
    run_log.notices.report("Saliency", "no map", event="left_out")
    run_log.notices.report("GradCAM", "no map", event="left_out", layer="conv")
    run_log.notices.report("GradCAM", "no map", event="left_out", rule="r")
    run_log.notices.report("GradCAM", "no map", event="left_out", detail=["overview"])
    run_log.notices.report("GradCAM", "no map", event="error")
    run_log.end("finished")
    found = notices(tmp_path)
    assert [(n["event"], n["method"], n["layer"], n["rule"]) for n in found] == [
        ("left_out", "GradCAM", None, None),
        ("left_out", "Saliency", None, None),
        ("left_out", "GradCAM", "conv", None),
        ("left_out", "GradCAM", None, "r"),
        ("left_out", "GradCAM", None, None),
        ("error", "GradCAM", None, None),
    ]
    assert len({n["key"] for n in found}) == len(found)
    with pytest.raises(TypeError, match="event"):
        run_log.notices.report("GradCAM", "nobody knows what this is about")


def test_orders_are_events_that_repeat(tmp_path, clock):
    orders = {
        1: Orders(paused=True),
        2: Orders(every=2),
        3: Orders(paused=True, every=3),
        4: Orders(),
        5: Orders(now="please"),
    }
    fit(GivesOrders(tmp_path, orders), SlowCallback(tmp_path, clock, 0.1), epochs=7)
    found = [n for n in notices(tmp_path) if n["method"] == "control"]
    assert [(n["epoch"], n["event"]) for n in found] == [
        (1, "paused"),
        (2, "resumed"),
        (2, "schedule_overridden"),
        (3, "paused"),
        (3, "schedule_overridden"),
        (4, "resumed"),
        (4, "schedule_restored"),
        (5, "capture_requested"),
    ]
    assert len({n["key"] for n in found}) == len(found)


def test_each_limit_that_is_reached_is_an_event_of_its_own(tmp_path, clock):
    expensive = SlowCallback(tmp_path, clock, 2.0, max_overhead=0.05)
    fit(SlowTraining(clock, lambda _: 10.0), expensive, epochs=40)
    messages = [(n["event"], n["rule"], n["method"]) for n in notices(tmp_path, "info")]
    assert messages.count(("skipped", "max_overhead", "tbviz")) == 1
    assert messages[-1] == ("limit_summary", None, "tbviz")
    images, labels = data(8)
    grid = tbviz.ActivationGrid(tmp_path / "full", images[:2], max_disk=2_000)
    settles = keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: wait_for_writer())
    cached_model().fit(images, labels, 8, 4, verbose=0, callbacks=[settles, grid])
    messages = {(n["event"], n["rule"]) for n in notices(tmp_path / "full")}
    assert ("limit_reached", "max_disk") in messages


def test_each_layer_whose_picture_cannot_be_encoded_is_named(tmp_path, monkeypatch):
    """By layer and error, however often and in whatever words it fails."""
    write, words = GrayPicture.write, iter(range(1000))

    def broken(self, writer, position):
        if self.kind == "activations" and self.layer != "relu":
            raise ValueError(f"attempt {next(words)}")
        write(self, writer, position)

    monkeypatch.setattr(GrayPicture, "write", broken)
    images, labels = data(8)
    grid = tbviz.ActivationGrid(tmp_path, images[:2], layers=["conv1", "conv2", "relu"])
    cached_model().fit(images, labels, 8, 3, verbose=0, callbacks=[grid])
    found = [n for n in notices(tmp_path) if n["event"] == "encode_failed"]
    assert [(n["layer"], n["method"]) for n in found] == [("conv1", "store"), ("conv2", "store")]
    assert ("activations", "relu") in open_reader(tmp_path).series()


def test_a_callback_that_fails_is_an_error_at_its_layer(tmp_path, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("no map today")

    monkeypatch.setattr("tbviz.callbacks.grad_cam.layer_maps", fails)
    images, labels = data(8)
    odd = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: logs.update(name="x"))
    cached_model().fit(
        images, labels, 8, 2, verbose=0, callbacks=[odd, GradCAM(tmp_path, images[:2])]
    )
    found = {n["event"]: n for n in notices(tmp_path)}
    assert found.keys() == {"error", "not_scalar", "size_forecast"}
    assert found["error"]["layer"] == "relu"
    assert found["error"]["key"] == "error/GradCAM/relu//RuntimeError"
    assert found["not_scalar"]["key"] == "not_scalar/tbviz///name"


def nothing(log_dir, **kwargs):
    """The notice of a fit that captured nothing, None if there is none."""
    images, labels = data(8)
    maps = tbviz.ActivationGrid(log_dir, images[:2], **kwargs)
    cached_model().fit(images, labels, 8, 2, verbose=0, callbacks=[maps])
    found = [n for n in notices(log_dir) if n["event"] == "nothing_captured"]
    assert len(found) < 2
    return next(iter(found), None)


def test_a_fit_that_captures_nothing_since_the_store_is_full_says_so(tmp_path):
    found = nothing(tmp_path, max_disk=5)
    assert found["level"] == "warning"
    assert found["text"].startswith("nothing was captured in this fit: the store is full (")
    assert "max_disk" in found["remedy"]


def test_a_paused_fit_that_captures_nothing_says_so(tmp_path):
    store = store_directory(tmp_path)
    store.mkdir(parents=True)
    write_orders(store, Orders(paused=True))
    found = nothing(tmp_path)
    assert found["text"] == "nothing was captured in this fit: the run is paused"
    assert "resume" in found["remedy"]


def test_a_fit_that_captures_something_does_not_say_so(tmp_path):
    assert nothing(tmp_path, schedule="first-and-last") is None


def test_the_log_has_one_sentence_for_one_mistake_at_several_layers(tmp_path, caplog):
    nothing(tmp_path, channels=[99], layers=["conv2", "relu"])
    assert sum("received channels [99]" in one for one in caplog.messages) == 1
    layers = {n["layer"] for n in notices(tmp_path) if n["event"] == "error"}
    assert layers == {"conv2", "relu"}
