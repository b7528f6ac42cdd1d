"""A network of NaN logs the same with oneDNN on and off: on some processors it turns NaN into 0."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from children.starting import run_program

TESTS = Path(__file__).parents[1]

CODE = """
import json, sys
import keras, numpy as np
import tbviz
from callbacks.nets import data, metas, notices, sequential, tiles

log_dir = sys.argv[1]
x, y = data(16)
model = sequential()

class Explodes(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 1e30 if epoch == 1 else 0.01

ours = [
    tbviz.LayerHealth(log_dir, x[:2], layers=["conv1", "pool", "conv2", "relu"], strict=True),
    tbviz.ActivationGrid(log_dir, x[:2], layers=["conv1", "relu"], strict=True),
    tbviz.GradCAM(log_dir, x[:2], strict=True),
]
model.fit(x, y, 4, 3, verbose=0, callbacks=[Explodes(), *ours])
found = tbviz.methods.health(model, x, layers=["conv1", "relu"])
maps = [tiles(log_dir, kind, layer, 1)[0] for kind, layer in
        [("activations", "conv1"), ("activations", "relu"), ("cam", "relu")]]
records = metas(log_dir, "health")
print(json.dumps({
    "warnings": [n["text"] for n in notices(log_dir, "warning")],
    "advice": [(a["layer"], a["rule"]) for a in records[1]["advice"]],
    "numbers": {path: [[record["layers"][path][name] for record in records]
                       for name in ("nonfinite", "nan", "weight_fault")]
                for path in ("conv1", "pool", "relu")},
    "dead": [[record["layers"][path]["dead"] for path in record["layers"]]
             for record in records[1:]],
    "maps": [bool(np.isnan(one).all()) for one in maps],
    "saved": [found[path].numbers["nan"] for path in found],
    "predictions": metas(log_dir, "predictions")[1]["images"][0][0][1],
}))
"""


@pytest.mark.parametrize("onednn", ["0", "1"])
def test_a_learning_rate_that_explodes(tmp_path, onednn):
    environment = {
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        "TF_ENABLE_ONEDNN_OPTS": onednn,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
    }
    done = run_program([sys.executable, "-c", CODE, str(tmp_path)], env=environment)
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "warnings": [
            "loss became NaN at epoch 1",
            "Weights of conv1 and 2 more layers became NaN at epoch 1",
        ],
        "advice": [["conv1", "weights-nonfinite"]],
        "numbers": {
            "conv1": [[0, 1, 1], [0, 1, 1], [0, 2, 2]],
            "pool": [[0, 1, 1], [0, 1, 1], ["NaN", "NaN", "NaN"]],
            "relu": [[0, 1, 1], [0, 1, 1], ["NaN", "NaN", "NaN"]],
        },
        "dead": [[0, 0, 0, 0]] * 2,
        "maps": [True] * 3,
        "saved": [1, 1],
        "predictions": "NaN",
    }
