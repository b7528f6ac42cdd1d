"""On JAX and torch tbviz trains and its logs are shown where TensorFlow is not installed."""

from __future__ import annotations

import pytest

from tbviz.backend import chosen_backend
from tbviz.store.read.reader import open_reader

pytestmark = pytest.mark.skipif(chosen_backend() == "tensorflow", reason="TensorFlow is used here")

# Keras and torch ask for TensorFlow here and there and go on without; tbviz must not even ask.
TRAINING_AND_VIEWING = """
import sys

asking = []

class Hiding:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] != "tensorflow":
            return self.finder.find_spec(name, path, target)
        frame = sys._getframe(1)
        while "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        asking.append(frame.f_globals["__name__"])

sys.meta_path[:] = [Hiding(finder) for finder in sys.meta_path]
import keras, numpy, tbviz

images = numpy.random.default_rng(0).random((8, 6, 6, 1), dtype="float32")
labels = numpy.arange(8) % 2
layers = keras.layers
stack = [
    keras.Input((6, 6, 1)),
    layers.Conv2D(2, 3, activation="relu", name="conv"),
    layers.GlobalAveragePooling2D(),
    layers.Dense(2, activation="softmax"),
]
model = keras.Sequential(stack)
model.compile("sgd", "sparse_categorical_crossentropy")
monitor = tbviz.Monitor(LOG_DIR, images[:2], labels[:2], strict=True)
model.fit(images, labels, epochs=2, verbose=0, callbacks=[monitor])
del monitor

sys.path.insert(0, "tests")
from plugin.conftest import Board

board = Board(logdir=LOG_DIR)
[run] = board.ask("runs")["runs"]
index = board.ask("index", run=run["run"])
assert index["positions"] == [[1, 0, 2]], index["positions"]
series = board.ask("series", run=run["run"], kind="activations", layer="conv")
location = {name: series[name][0] for name in ("offset", "length", "crc")}
sheet = board.get("sheet", run=run["run"], writer=series["writers"][0][0], **location)
assert sheet.status_code == 200 and sheet.get_data().startswith(b"\\x89PNG"), sheet.get_data()
board.plugin.close()
assert "tensorflow" not in sys.modules
print(keras.backend.backend(), *(name for name in asking if name.startswith("tbviz")))
"""


def test_monitor_trains_and_its_pictures_are_shown(fresh_python, tmp_path):
    printed = fresh_python(f"LOG_DIR = {str(tmp_path)!r}\n{TRAINING_AND_VIEWING}")
    assert printed.split() == [chosen_backend()]
    run = open_reader(tmp_path)
    assert [position.epoch for _, position in run.positions] == [0, 1]
    kinds = {kind for kind, layer in run.series() if layer == "conv"}
    assert kinds >= {"activations", "cam", "maximization"}
