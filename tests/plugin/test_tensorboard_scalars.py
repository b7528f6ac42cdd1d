from __future__ import annotations

from typing import NamedTuple

from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.summary import Writer as EventWriter

from tbviz.plugin.tensorboard_scalars import TensorboardScalars
from tbviz.store.write.writer import Writer


class Datum(NamedTuple):
    step: int
    value: float


class Provider:
    """Answers what it is given, and remembers what it was asked."""

    def __init__(self, found):
        self.found = found

    def read_scalars(self, ctx, *, experiment_id, plugin_name, downsample, run_tag_filter):
        self.asked = (experiment_id, plugin_name, run_tag_filter.runs, run_tag_filter.tags)
        return self.found

    def __getattr__(self, name):
        raise AttributeError(name)


FOUND = {
    "photographs/train": {
        "epoch_loss": [Datum(0, 2.0), Datum(1, 1.0), Datum(7, 0.5)],
        "batch_loss": [Datum(0, 9.0)],
        "keras": [Datum(0, 0.0)],
    },
    "photographs/validation": {"epoch_loss": [Datum(1, 1.5)]},
}


def pictures(log_dir, *segments):
    for epochs in segments:
        writer = Writer(log_dir)
        for epoch in epochs:
            writer.append({"kind": "cost", "epoch": epoch, "batch": 3 + epoch, "wait": 0.0})
            writer.append({"kind": "cost", "epoch": epoch, "wait": 0.0})
        writer.append({"kind": "cost", "epoch": epochs[-1], "final": True, "wait": 0.0})
        writer.close()


def test_scalars_are_aligned_by_epoch_with_the_newest_segment(board, tmp_path):
    pictures(tmp_path / "photographs", [0, 1], [1, 2])
    provider = Provider(FOUND)
    one = board(tmp_path, data_provider=provider)
    answer = one.ask("scalars", run="photographs", since=1)
    assert provider.asked == (
        "",
        "scalars",
        {"photographs/train", "photographs/validation"},
        None,
    )
    assert (answer["source"], answer["since"], answer["positions"]) == ("tensorboard", 1, [[1, 9]])
    # Positions from 1 on: epoch 0, its batch-wise ones and the end of fit 1 have none.
    assert answer["tags"] == {
        "loss": [2.0, None, None, None, None, 1.0, None, None, None],
        "val_loss": [None, None, None, None, None, 1.5, None, None, None],
    }
    assert answer["cost"]["wait"] == [0.0] * 9


def test_metrics_of_the_store_come_first(board, tmp_path):
    writer = Writer(tmp_path / "photographs")
    writer.append({"kind": "metrics", "epoch": 0, "values": {"loss": 3.0}})
    writer.close()
    answer = board(tmp_path, data_provider=Provider(FOUND)).ask("scalars", run="photographs")
    assert (answer["source"], answer["tags"]) == ("store", {"loss": [3.0]})


def test_without_either_there_are_none(board, tmp_path, caplog):
    pictures(tmp_path, [0])
    for provider in (None, Provider({}), object()):
        answer = board(tmp_path, data_provider=provider).ask("scalars", run=".")
        assert (answer["source"], answer["tags"]) == ("store", {})
    assert "could not be read" in caplog.text


def test_runs_below_are_named_as_tensorboard_names_them():
    for run, below in ((".", "train"), ("a/b", "a/b/train"), ("x/.", "x/train")):
        provider = Provider({below: {"epoch_loss": [Datum(0, 1.0)]}})
        assert TensorboardScalars(provider).read({}, run) == {"loss": {0: 1.0}}
        assert below in provider.asked[2]


def test_event_files_that_tensorboard_reads(board, tmp_path):
    pictures(tmp_path, [0, 1])
    writer = EventWriter(str(tmp_path / "train"))
    for epoch in range(2):
        writer.add_scalar("epoch_loss", 1.0 + epoch, epoch)
    writer.close()
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(tmp_path))
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(tmp_path))
    answer = board(tmp_path, data_provider=provider).ask("scalars", run=".")
    assert answer["source"] == "tensorboard"
    assert answer["tags"]["loss"] == [None, 1.0, None, 2.0, None]
