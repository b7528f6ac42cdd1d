"""Fine-tune a network inside another one: first the head alone, then the whole model.

Paths name the layers of the inner network (`backbone/block_6_expand_relu`), and `layers=` selects
them by these paths. Two calls of `fit` into one directory continue one run. The weights are random,
so that the example needs no download. Use `weights="imagenet"` for a pretrained network.
"""

from __future__ import annotations

import argparse

import keras

import tbviz
from tbviz.demo import photographs

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=5, help="per fit; there are two")
parser.add_argument("--log-dir", default="logs/finetuning")
options = parser.parse_args()

keras.utils.set_random_seed(1)
data = photographs.load(train=40, validation=20)
backbone = keras.applications.MobileNetV2(
    input_shape=(photographs.SIZE, photographs.SIZE, 3),
    include_top=False,
    weights=None,
    alpha=0.35,
    name="backbone",
)
model = keras.Sequential(
    [
        keras.Input(data.train_images.shape[1:]),
        keras.layers.Rescaling(1 / 127.5, offset=-1, name="rescaling"),
        backbone,
        keras.layers.GlobalAveragePooling2D(name="average"),
        keras.layers.Dense(len(data.class_names), activation="softmax", name="classes"),
    ],
    name="finetuned",
)

names = {"labels": data.probe_labels[:3], "class_names": data.class_names}
callbacks = [
    keras.callbacks.TensorBoard(options.log_dir),
    tbviz.ActivationGrid(
        options.log_dir, data.probe_images[:3], layers="backbone/block_*_expand_relu", **names
    ),
    tbviz.GradCAM(options.log_dir, data.probe_images[:3], **names),
]

for step, (trainable, rate) in enumerate([(False, 1e-2), (True, 1e-4)], start=1):
    print(f"fit {step}: {'the whole model' if trainable else 'the head alone'}")
    backbone.trainable = trainable
    model.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(
        data.train_images,
        data.train_labels,
        validation_data=(data.validation_images, data.validation_labels),
        epochs=options.epochs,
        callbacks=callbacks,
    )
