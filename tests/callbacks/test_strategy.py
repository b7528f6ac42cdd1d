"""A model that trains on several devices of one process is one model, and is logged once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from callbacks.nets import ends, metas, notices, positions
from children.starting import run_program

from tbviz.store.read.reader import open_reader

ROOT = Path(__file__).parents[2]

# In a process of its own: devices can only be divided before TensorFlow has found them.
MIRRORED = """
import sys
sys.path.insert(0, "tests")
import tensorflow as tf
[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert strategy.num_replicas_in_sync == 2

import keras
from callbacks.nets import K, CLASSES, compiled, data, monitor
import tbviz

def trained(*callbacks):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        stack = [
            keras.Input((8, 8, 1)),
            K.Conv2D(3, 3, name="conv"),
            K.BatchNormalization(name="normal"),
            K.ReLU(name="relu"),
            K.GlobalAveragePooling2D(),
            K.Dropout(0.3),
            K.Dense(CLASSES, activation="softmax"),
        ]
        model = compiled(keras.Sequential(stack), metrics=["accuracy"])
    x, y = data(16)
    history = model.fit(x, y, 8, 2, verbose=0, callbacks=list(callbacks)).history
    values = [keras.ops.convert_to_numpy(variable).tobytes() for variable in model.variables]
    return history, values, keras.random.uniform(()).numpy()

x, y = data(2)
callback = monitor(sys.argv[1], x, y, maximized="conv", schedule=tbviz.every(batches=1))
assert trained(callback) == trained(), "training is another one beside Monitor"
"""


@pytest.mark.slow
def test_a_mirrored_fit_is_logged_once_and_trains_as_without_us(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run_program([sys.executable, "-c", MIRRORED, tmp_path], cwd=ROOT, env=environment, check=True)
    epochs = [
        [(1, epoch, batch, False) for batch in (2 * epoch + 1, 2 * epoch + 2, None)]
        for epoch in range(2)
    ]
    found = positions(tmp_path)
    assert found == [position for epoch in epochs for position in epoch]
    assert ends(tmp_path) == ["finished"]
    assert notices(tmp_path, "warning") == []
    kinds = {kind for kind, _ in open_reader(tmp_path).series()}
    assert kinds >= {"activations", "cam", "maximization", "overview"}
    # At each batch, and at the first and the last end of an epoch.
    assert len(metas(tmp_path, "health")) == 6
    assert len(metas(tmp_path, "fit")) == 2
