from __future__ import annotations

import json

import keras
import numpy as np
from keras import layers

from tbviz.callbacks.run.layer_tree import model_nodes, model_record
from tbviz.taps.model_outputs import find_model_outputs

PICTURES = np.random.default_rng(0).normal(size=(2, 8, 12, 3)).astype(np.float32)


def tree_of(model, values):
    record = model_record(model, model_nodes(model, find_model_outputs(model, values), {}))
    return {node["path"]: node for node in json.loads(record.payload[0])["nodes"]}


def test_the_tree_says_why_a_layer_has_no_picture():
    inputs = keras.Input((8, 12, 3))
    tokens = layers.Reshape((6, 4))(layers.Conv2D(4, 4, strides=4)(inputs))
    mixed = layers.MultiHeadAttention(2, 2, name="attention")(tokens, tokens)
    classes = layers.Dense(3, name="classes")(layers.Flatten()(mixed))
    nodes = tree_of(keras.Model(inputs, classes), PICTURES)
    assert "left out by default" in nodes["attention"]["reason"]
    assert "part of the attention layer" in nodes["attention/query"]["reason"]
    assert "3 values" in nodes["classes"]["reason"]


def test_the_tree_says_which_frame_is_captured():
    inputs = keras.Input((3, 4, 4, 1))
    values = layers.TimeDistributed(layers.Conv2D(2, 2, name="conv"), name="frames")(inputs)
    nodes = tree_of(keras.Model(inputs, values), np.zeros((1, 3, 4, 4, 1), np.float32))
    assert nodes["frames/conv"]["config"]["frame"] == "0 of 3"
    assert "choose 'frames/conv' inside it" in nodes["frames"]["reason"]
    assert "frame" not in nodes["frames"]["config"]


def test_the_tree_says_that_a_single_pixel_is_nothing_to_draw():
    inputs = keras.Input((8, 12, 3))
    pooled = layers.GlobalAveragePooling2D(keepdims=True, name="pooled")(inputs)
    assert "one pixel" in tree_of(keras.Model(inputs, pooled), PICTURES)["pooled"]["reason"]
