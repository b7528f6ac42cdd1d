"""Train with `Monitor`: one more callback, with the same directory as TensorBoard's.

Run it, then run `tensorboard --logdir logs` and open the TBVIZ tab.
"""

from __future__ import annotations

import argparse

import keras

import tbviz
from tbviz.demo import network, photographs

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--log-dir", default="logs/photographs")
options = parser.parse_args()

keras.utils.set_random_seed(1)
data = photographs.load()
model = network.build(data)
model.fit(
    data.train_images,
    data.train_labels,
    validation_data=(data.validation_images, data.validation_labels),
    epochs=options.epochs,
    callbacks=[
        keras.callbacks.TensorBoard(options.log_dir),
        tbviz.Monitor(
            options.log_dir, data.probe_images, data.probe_labels, class_names=data.class_names
        ),
    ],
)
