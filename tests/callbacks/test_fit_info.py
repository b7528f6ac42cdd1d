from __future__ import annotations

from pathlib import Path

import pytest
from callbacks.nets import cached_model, data, notices

import tbviz
from tbviz.amounts import in_bytes
from tbviz.callbacks.run.fit_info import size_forecast


@pytest.mark.parametrize(
    ("size", "messages"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (9_960_000, "10 MB"),
        (999_600, "1.0 MB"),
        (5_200_000_000, "5.2 GB"),
        (1_200_000_000_000, "1.2 TB"),
    ],
)
def test_sizes_have_two_digits(size, messages):
    assert in_bytes(size) == messages


def test_the_forecast_of_a_run():
    run = Path("logs/run")
    messages = size_forecast(run, 12)(1_200_000, ())
    assert messages == "about 1.2 MB per epoch, 14 MB for 12 epochs, written to logs/run"
    assert size_forecast(run, 1)(900, ()) == (
        "about 900 B per epoch, 900 B for 1 epoch, written to logs/run"
    )
    assert size_forecast(run, 12, 10**7)(1_200_000, ()) == (
        "about 1.2 MB per snapshot, at most 10 MB for 12 epochs (some snapshots are skipped), "
        "written to logs/run"
    )
    assert "skipped" not in size_forecast(run, 12, 10**8)(1_200_000, ())
    assert size_forecast(run, 12, thinned=True)(1_200_000, ()) == (
        "about 1.2 MB per snapshot, at most about 14 MB for 12 epochs, written to logs/run"
    )
    assert size_forecast(run, None)(1500, ()) == "about 1.5 kB per snapshot, written to logs/run"
    assert size_forecast(run, None)(1500, ["Saliency", "GradCAM"]) == (
        "about 1.5 kB per snapshot, written to logs/run; Saliency, GradCAM not counted"
    )


def test_the_forecast_has_no_total_if_not_every_epoch_is_captured(tmp_path, messages):
    x, y = data(8)
    health = tbviz.LayerHealth(tmp_path, x[:2], schedule=tbviz.every(epochs=2))
    cached_model().fit(x, y, 8, 3, verbose=0, callbacks=[health])
    [notice] = notices(tmp_path)
    assert "per snapshot" in notice["text"]
    assert messages("INFO") == ["tbviz: " + notice["text"]]
