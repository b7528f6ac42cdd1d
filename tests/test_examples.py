"""What examples/ shows runs as it stands there."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.slow
def test_every_method_draws_a_saved_model(tmp_path, monkeypatch, capsys):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Rescaling(1 / 255),
            layers.RandomFlip("horizontal", name="flip"),
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.save(tmp_path / "model.keras")
    photograph = np.random.default_rng(0).integers(0, 256, (20, 24, 3)).astype(np.uint8)
    Image.fromarray(photograph).save(tmp_path / "photograph.png")
    given = ["--model", tmp_path / "model.keras", "--images", tmp_path / "photograph.png"]
    monkeypatch.setattr(
        sys, "argv", ["inspect", *map(str, given), "--out", str(tmp_path / "pictures")]
    )
    runpy.run_path(str(EXAMPLES / "inspect_saved_model.py"), run_name="__main__")
    drawn = {path.stem for path in (tmp_path / "pictures").glob("*.png")}
    assert drawn >= {"activations conv", "colors conv", "overview", "hypercolumns", "grad-cam"}
    assert drawn >= {"layercam", "gradients", "integrated-gradients", "maximization conv"}
    assert drawn >= {"classes", "kernels conv", "augmented"}
    for path in (tmp_path / "pictures").glob("*.png"):
        with Image.open(path) as picture:
            assert max(high - low for low, high in picture.getextrema()) > 0, path.stem
    assert re.search(r"conv: \d dead channels, similarity 0\.\d+", capsys.readouterr().out)
