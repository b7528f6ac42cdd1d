from __future__ import annotations

import keras
import numpy as np
import pytest
from backends.nets import Looping
from keras import layers
from one_layer import class_gradients

from tbviz.errors import TbvizError
from tbviz.scores.class_target import PREDICTED
from tbviz.scores.recording import record
from tbviz.taps.inspector import ModelInspector, inspector_for

X = np.random.default_rng(0).normal(size=(3, 6, 6, 2)).astype(np.float32)
ANY = np.full(3, PREDICTED)


def build(**kwargs):
    model = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(4, 3, activation="relu", name="conv", **kwargs),
            layers.BatchNormalization(name="norm"),
            layers.GlobalAveragePooling2D(name="average"),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def test_a_recording_has_the_outputs_of_the_layers():
    model = build()
    inspector = inspector_for(model)
    assert inspector_for(model) is inspector
    recording = record(inspector, list(inspector.model_outputs(X).outputs.values()), X)
    assert list(recording.maps) == ["conv", "norm", "average", "classes"]
    np.testing.assert_allclose(recording.maps["conv"], model.layers[0](X), atol=1e-6)
    np.testing.assert_allclose(recording.output, model(X), atol=1e-6)
    np.testing.assert_allclose(recording.probabilities, model(X), atol=1e-6)
    softmax = np.exp(recording.scores) / np.exp(recording.scores).sum(1, keepdims=True)
    np.testing.assert_allclose(recording.probabilities, softmax, atol=1e-6)


def test_passes_are_compiled_once_over_freezing_training_and_recompiling():
    model = build()
    inspector = ModelInspector(model)
    conv = inspector.model_outputs(X).outputs["conv"]

    def recorded():
        class_gradients(inspector, conv, X, ANY)
        return record(inspector, [conv], X).maps["conv"]

    recorded()
    assert inspector.traces == 2
    for trainable in (False, True):
        model.layers[0].trainable = trainable
        model.compile("adam", "sparse_categorical_crossentropy", jit_compile=trainable)
        model.fit(X, np.array([0, 1, 2]), verbose=0)
        np.testing.assert_allclose(recorded(), model.layers[0](X), atol=1e-6)
    model.set_weights([weight * 2 for weight in model.get_weights()])
    np.testing.assert_allclose(recorded(), model.layers[0](X), atol=1e-6)
    assert (inspector.traces, inspector.restarts) == (2, 0)


def change_activation(model):
    model.layers[0].activation = keras.activations.tanh


def enable_lora(model):
    model.layers[0].enable_lora(2, a_initializer="ones", b_initializer="ones")


def add_a_layer(model):
    model.add(layers.Rescaling(2.0))


def change_the_loss(model):
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))


def quantize(model):
    model.layers[-1].quantize("int8")


@pytest.mark.parametrize(
    "change", [change_activation, enable_lora, add_a_layer, change_the_loss, quantize]
)
def test_a_changed_structure_is_compiled_anew(change):
    model = build()
    inspector = ModelInspector(model)
    record(inspector, list(inspector.model_outputs(X).outputs.values()), X)
    change(model)
    inspector.check()
    assert inspector.restarts == 1
    recording = record(inspector, list(inspector.model_outputs(X).outputs.values()), X)
    np.testing.assert_allclose(recording.maps["conv"], model.layers[0](X), atol=1e-6)
    np.testing.assert_allclose(recording.output, model(X), atol=1e-6)
    assert inspector.traces == 2


def test_a_failed_pass_is_not_cached():
    inspector = ModelInspector(build())

    def failing(model, values):
        raise ValueError("broken")

    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            inspector.run("key", failing, X)
    assert inspector.run("key", lambda model, values: values + 1, X).shape == X.shape


def test_a_model_that_is_not_built_is_an_error():
    with pytest.raises(TbvizError, match="is not built"):
        ModelInspector(keras.Sequential([layers.Dense(1)])).model_outputs(X)


def test_a_deleted_model_is_an_error():
    inspector = ModelInspector(keras.Sequential([keras.Input((2,))]))
    keras.backend.clear_session()
    import gc

    gc.collect()
    with pytest.raises(TbvizError, match="was deleted"):
        inspector.model_outputs(X)


def test_a_class_that_does_not_exist_is_an_error():
    inspector = ModelInspector(build())
    conv = inspector.model_outputs(X).outputs["conv"]
    with pytest.raises(TbvizError, match=r"received classes \[0, 1, 3\]; the model has 3"):
        class_gradients(inspector, conv, X, np.array([0, 1, 3]))


def test_a_layer_that_cannot_be_tapped_is_an_error():
    # With one turn: only a compiled pass shows that it is a loop.
    model = keras.Sequential(
        [keras.Input((6, 6, 2)), Looping(turns=1), layers.Flatten(), layers.Dense(2)]
    )
    inspector = ModelInspector(model)
    outputs = inspector.model_outputs(X).outputs
    recording = record(inspector, list(outputs.values()), X)
    np.testing.assert_allclose(recording.maps["looping"], model.layers[0](X), atol=1e-6)
    with pytest.raises(TbvizError, match="'looping/inner' cannot be recorded"):
        recording.maps["looping/inner"]
    with pytest.raises(TbvizError, match="'looping/inner' cannot be recorded"):
        class_gradients(inspector, outputs["looping/inner"], X, ANY)


def test_half_precision_gradients_do_not_vanish():
    keras.utils.set_random_seed(0)
    full, half = build(), build(dtype="mixed_float16")
    half.set_weights(full.get_weights())
    scale = 2.0**-24  # the gradient is below the smallest float16
    for model in (full, half):
        model.layers[-1].set_weights([w * scale for w in full.layers[-1].get_weights()])
        if model is full:
            weights = model.get_weights()
    half.set_weights(weights)
    found = [
        class_gradients(
            inspector, inspector.model_outputs(X).outputs["conv"], X, np.zeros(3)
        ).gradients
        for inspector in (ModelInspector(full), ModelInspector(half))
    ]
    assert np.abs(found[0]).max() < 6e-8
    assert np.abs(found[0]).max() > 0
    np.testing.assert_allclose(found[1], found[0], atol=0.05 * np.abs(found[0]).max())


def test_inputs_of_any_dtype_and_structure_are_taken():
    left, right = keras.Input((6, 6, 2), name="left"), keras.Input((3,), name="right")
    values = layers.Conv2D(2, 3, name="conv")(left)
    values = layers.Concatenate()([layers.Flatten()(values), right])
    model = keras.Model({"left": left, "right": right}, layers.Dense(2)(values))
    inputs = {"left": X.astype(np.float64), "right": np.ones((3, 3), np.int32)}
    inspector = ModelInspector(model)
    conv = inspector.model_outputs(inputs).outputs["conv"]
    recording = record(inspector, [conv], inputs)
    assert recording.maps["conv"].dtype == np.float32
    assert class_gradients(inspector, conv, inputs, ANY).gradients.shape == (3, 4, 4, 2)


def test_only_the_first_channels_of_a_layer_are_recorded_on_request():
    model = keras.Sequential([keras.Input((6, 6, 2)), layers.Conv2D(5, 1, name="conv")])
    inspector = ModelInspector(model)
    conv = inspector.model_outputs(X).outputs["conv"]
    whole, two = record(inspector, [conv], X), record(inspector, [conv], X, {"conv": 2})
    assert whole.maps["conv"].shape == (3, 6, 6, 5)
    np.testing.assert_array_equal(two.maps["conv"], whole.maps["conv"][..., :2])
    assert record(inspector, [conv], X).maps["conv"].shape == (3, 6, 6, 5)
