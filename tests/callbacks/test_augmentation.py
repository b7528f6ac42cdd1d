from __future__ import annotations

import keras
import numpy as np
import pytest
from callbacks.nets import compiled, data, drawing, metas, positions, sequential, tiles

from tbviz.callbacks.augmentation import Augmentation
from tbviz.errors import TbvizError
from tbviz.store.read.reader import open_reader

K = keras.layers


def flipping(*, nested=False):
    keras.utils.set_random_seed(0)
    front = [K.Rescaling(0.5), K.RandomFlip("horizontal", seed=4, name="flip")]
    if nested:
        front = [keras.Sequential(front, name="augmentation")]
    stack = [
        keras.Input((8, 8, 1)),
        *front,
        K.Conv2D(3, 3, name="conv"),
        K.GlobalAveragePooling2D(),
        K.Dense(3, activation="softmax"),
    ]
    return compiled(keras.Sequential(stack), run_eagerly=True)


@pytest.mark.parametrize("nested", [False, True])
def test_a_row_holds_an_image_and_what_training_sees_of_it(tmp_path, nested):
    x, y = data(8)
    callback = Augmentation(tmp_path, x[:2], num_draws=6, labels=y[:2], strict=True)
    flipping(nested=nested).fit(x, y, 4, 3, verbose=0, callbacks=[callback])
    [layout] = [meta for meta in metas(tmp_path, "layout") if meta["picture"] == "augmentation"]
    assert (layout["tiles"], layout["columns"], layout["images"]) == (14, 7, 0)
    assert layout["column_titles"] == ["image", *(f"draw {n}" for n in range(1, 7))]
    assert len(layout["row_titles"]) == 2
    assert layout["title"].endswith("augmentation" if nested else "flip")
    pixels, _ = tiles(tmp_path, "augmentation", "", 0)
    grid = pixels.reshape(2, 7, 8, 8, 3).astype(int)
    turned = 0
    for image, row in zip(x[:2, ..., 0] / 2, grid, strict=True):
        assert np.abs(row[0, :, :, 0] - image * 255).max() <= 1
        for draw in row[1:]:
            same, other = (
                np.abs(draw[..., 0] - v * 255).max() <= 1 for v in (image, image[:, ::-1])
            )
            assert same != other
            turned += other
    assert 0 < turned < 12
    # It does not learn: the first and the last epoch are enough.
    assert len(positions(tmp_path)) == 3
    assert len(metas(tmp_path, "augmentation")) == 2


def test_training_is_left_untouched(tmp_path):
    def trained(callbacks):
        model = compiled(drawing(), run_eagerly=True)
        x, y = data(8)
        model.fit(x, y, 4, 2, verbose=0, callbacks=callbacks)
        return [value.tobytes() for value in model.get_weights()]

    x, _ = data(2)
    callback = Augmentation(tmp_path, x, schedule="epoch", strict=True)
    assert trained([callback]) == trained([])
    assert len(metas(tmp_path, "augmentation")) == 2


def test_a_model_without_augmentation_gets_none(tmp_path, messages):
    x, y = data(8)
    callback = Augmentation(tmp_path, x[:2], strict=True)
    sequential(run_eagerly=True).fit(x, y, 8, 1, verbose=0, callbacks=[callback])
    assert open_reader(tmp_path).series() == []
    [text] = [text for text in messages("INFO") if "Augmentation" in text]
    assert "left out: this model has no augmentation layer" in text


def test_draws_are_at_least_one(tmp_path):
    with pytest.raises(TbvizError, match="num_draws=0; expected at least 1"):
        Augmentation(tmp_path, data(2)[0], num_draws=0)
