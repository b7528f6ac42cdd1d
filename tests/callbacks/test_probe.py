from __future__ import annotations

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from callbacks.nets import cached_model, data, metas, notices
from PIL import Image

import tbviz
from tbviz.callbacks.probe import source_of
from tbviz.callbacks.run import probe_batch as probe_batch_module
from tbviz.callbacks.run.probe import InputFormat, image_names, input_format, read_probe
from tbviz.callbacks.run.probe_batch import ProbeBatch
from tbviz.errors import TbvizError
from tbviz.images.sheet import decode
from tbviz.store.read.reader import open_reader


def images(count=3, channels=3):
    return np.random.default_rng(1).random((count, 8, 8, channels))


def test_an_array_is_copied_and_is_float32():
    given = images()
    probe = read_probe(given)
    assert (probe.count, probe.inputs.dtype, probe.labels) == (3, np.float32, None)
    given[:] = 0
    assert probe.inputs.any()
    assert read_probe(np.zeros((1, 4, 4, 1), np.uint8)).inputs.dtype == np.uint8


def test_a_list_of_images_is_a_batch():
    assert read_probe(list(images())).inputs.shape == (3, 8, 8, 3)
    with pytest.raises(TbvizError, match=r"list of images of shapes.*one size"):
        read_probe([np.zeros((4, 4, 3)), np.zeros((5, 4, 3))])


def test_several_inputs_keep_their_structure():
    vector = np.arange(6).reshape(3, 2)
    probe = read_probe({"picture": images(), "vector": vector})
    assert set(probe.inputs) == {"picture", "vector"}
    assert probe.pictures().shape == (3, 8, 8, 3)
    probe = read_probe((vector, images()))
    assert isinstance(probe.inputs, tuple)
    assert probe.pictures().shape == (3, 8, 8, 3)
    assert read_probe(vector).pictures() is None
    with pytest.raises(TbvizError, match=r"\(3, 8, 8, 3\).*\(2, 2\).*same first axis"):
        read_probe((images(), vector[:2]))


def test_tf_data_gives_a_few_images_and_labels():
    x, y = images(5), np.arange(5)
    probe = read_probe(tf.data.Dataset.from_tensor_slices((x, y)).batch(2))
    assert probe.labels == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(probe.inputs, x.astype("float32"))
    fixed = tf.data.Dataset.from_tensor_slices(x).shuffle(5, 1, reshuffle_each_iteration=False)
    assert read_probe(fixed.batch(4)).count == 5


@pytest.mark.parametrize("behind", [lambda ds: ds, lambda ds: ds.map(lambda v: v).prefetch(1)])
def test_a_reshuffling_dataset_is_refused_with_the_remedy(behind):
    dataset = behind(tf.data.Dataset.from_tensor_slices(images()).shuffle(3).batch(2))
    with pytest.raises(TbvizError, match="reshuffle_each_iteration=False"):
        read_probe(dataset)


def test_an_empty_dataset_is_refused():
    empty = tf.data.Dataset.from_tensor_slices(images()).batch(2).take(0)
    with pytest.raises(TbvizError, match="empty dataset"):
        read_probe(empty)


class Sequence(keras.utils.PyDataset):
    def __init__(self):
        super().__init__()
        self.own = np.random.default_rng(3)

    def __len__(self):
        return 2

    def __getitem__(self, index):
        drawn = random.random() + np.random.random() + self.own.random()
        return np.full((2, 8, 8, 3), drawn), np.array([index, 1])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.repeat([0, 1, 2], 40), [0, 40, 80, 1, 41, 81, 2, 42]),  # sorted by class
        (np.repeat(np.arange(100), 40), [0, 40, 80, 120, 160, 200, 240, 280]),
        (np.repeat([3, 5], [600, 9]), [0, 1, 2, 3, 4, 5, 6, 7]),  # only 512 images are read
        (np.zeros((30, 2)), [0, 1, 2, 3, 4, 5, 6, 7]),  # no classes
        (np.eye(2)[np.repeat([1, 0], 20)], [0, 20, 1, 21, 2, 22, 3, 23]),
    ],
)
def test_a_dataset_gives_its_classes_in_turn(labels, expected):
    x = np.arange(len(labels), dtype=np.float32).reshape(-1, 1, 1, 1)
    probe = read_probe(tf.data.Dataset.from_tensor_slices(({"a": x}, labels)).batch(32))
    assert probe.inputs["a"].ravel().tolist() == expected
    assert (probe.count, probe.left_out) == (8, 0)
    if labels.ndim == 1:
        assert probe.labels == labels[expected].tolist()
    given = read_probe(tf.data.Dataset.from_tensor_slices(x).batch(3), labels=list(range(len(x))))
    assert given.inputs.ravel().tolist() == given.labels == [*range(8)]  # labels in order


def test_a_dataset_is_read_no_further_than_it_must():
    read = []

    class Counted(keras.utils.PyDataset):
        num_batches = None  # without an end

        def __getitem__(self, index):
            read.append(index)
            return np.zeros((4, 2, 2, 1)), np.arange(4) + 4 * index

    assert read_probe(Counted()).labels == list(range(8))
    assert read == [0, 1]


def test_a_pydataset_gives_its_items_and_all_random_states_are_put_back():
    dataset = Sequence()
    before = random.getstate(), np.random.get_state()[1].tolist(), dataset.own.bit_generator.state
    probe = read_probe(dataset)
    after = random.getstate(), np.random.get_state()[1].tolist(), dataset.own.bit_generator.state
    assert probe.labels == [0, 1, 1, 1]
    assert before == after


def test_a_callable_may_give_labels_or_be_a_generator_function():
    assert read_probe(images).count == 3
    assert read_probe(lambda: (images(), [0, 1, 2])).labels == [0, 1, 2]

    def batches():
        yield images(2), [1, 0]

    assert read_probe(batches).labels == [1, 0]


def test_a_generator_is_refused_with_the_remedy():
    for generator in ((images() for _ in range(2)), iter([images()])):
        with pytest.raises(TbvizError, match=r"away from training.*callable"):
            read_probe(generator)


def test_more_than_sixteen_images_are_cut():
    probe = read_probe(images(20), np.arange(20))
    assert (probe.count, probe.left_out, len(probe.labels)) == (16, 4, 16)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([2, 0, 1], [2, 0, 1]),
        (np.array([[2.0], [0.0], [1.0]]), [2, 0, 1]),
        (np.eye(3)[[2, 0, 1]], [2, 0, 1]),
        (np.array([[0.05, 0.05, 0.9], [0.9, 0.05, 0.05], [0.2, 0.8, 0]]), [2, 0, 1]),
        (np.array([True, False, True]), [1, 0, 1]),
        (tf.constant([2, 0, 1]), [2, 0, 1]),
        (np.array([0.5, 1.5, 2.0]), None),  # a regression
        (np.array([[1, 1, 0], [0, 0, 0], [1, 0, 1]]), None),  # several labels at once
        (np.zeros((3, 8, 8, 1)), None),  # masks
        (np.ones((3, 8, 8), int), None),  # a class a pixel
        ((np.array([2, 0, 1]), np.zeros((3, 5))), [2, 0, 1]),  # two outputs: the first counts
        ([np.array([2, 0, 1]), np.zeros(3)], [2, 0, 1]),
        ([np.array([0, 0, 1]), np.array([1, 0, 0]), np.array([0, 1, 0])], [2, 0, 1]),  # rows
        ({"kind": np.array([2, 0, 1])}, None),
        (["a", "b", "c"], None),
    ],
)
def test_labels(labels, expected):
    assert read_probe(images(), labels).labels == expected


def test_too_few_labels_are_refused():
    with pytest.raises(TbvizError, match="2 values for 3 images"):
        read_probe(images(), [0, 1])


def test_names_come_from_classes_and_are_numbered():
    probe = read_probe(images(4), [1, 0, 1, 5], ["cat", "dog"])
    assert image_names([probe]) == ["dog", "cat", "dog 2", "class 5"]
    assert image_names([read_probe(images(2))]) == ["image 0", "image 1"]
    twice = read_probe(images(2), [7, 7])
    assert image_names([twice]) == ["class 7", "class 7 (2)"]


def test_what_is_no_image_is_refused():
    with pytest.raises(TbvizError, match="type object"):
        read_probe(np.array([object()]))
    with pytest.raises(TbvizError, match="above 0"):
        read_probe(np.zeros((0, 8, 8, 3)))
    with pytest.raises(TbvizError, match="above 0"):
        read_probe(3.0)


def test_files_are_read_as_the_model_takes_them(tmp_path):
    wide = Image.fromarray(np.full((4, 6, 3), 200, np.uint8))
    wide.save(tmp_path / "a.png")
    Image.fromarray(np.full((9, 9), 100, np.uint8)).save(tmp_path / "b.png")
    paths = [tmp_path / "a.png", str(tmp_path / "b.png")]
    batch = read_probe(paths, files=InputFormat((8, 8))).inputs
    assert (batch.shape, batch.dtype) == ((2, 8, 8, 3), np.float32)
    assert (batch[0].max(), batch[1].max()) == (200, 100)
    assert read_probe(paths).inputs.shape == (2, 4, 6, 3)
    assert read_probe(paths[0], files=InputFormat(None, 1)).inputs.shape == (1, 4, 6, 1)
    assert read_probe(paths, files=InputFormat((8, 5), 3, True)).inputs.shape == (2, 3, 8, 5)
    with pytest.raises(TbvizError, match=r"do not exist: .*c\.png"):
        read_probe([*paths, tmp_path / "c.png"])
    assert input_format(cached_model()) == InputFormat((8, 8), 1, False)


class Callback:
    def __init__(self, *given):
        self.probe = read_probe(*given)


def batch_of(*callbacks):
    probe_batch = ProbeBatch()
    for callback in callbacks:
        probe_batch.add(callback, callback.probe)
    return probe_batch


def test_equal_probes_are_stored_once_with_the_labels_and_names_of_all():
    x = images()
    one, other = Callback(x), Callback(x, [0, 1, 2], ["a", "b", "c"])
    probe_batch = batch_of(one, other)
    assert probe_batch.merged.count == 3
    assert probe_batch.merged.labels == [0, 1, 2]
    assert probe_batch.merged.class_names == ["a", "b", "c"]
    assert probe_batch.rows_for(one)[1] == probe_batch.rows_for(other)[1] == [0, 1, 2]


def test_pixels_are_compared_only_across_different_objects(monkeypatch):
    compared = []
    same = probe_batch_module._same
    monkeypatch.setattr(
        probe_batch_module, "_same", lambda *pair: compared.append(pair) or same(*pair)
    )
    one, other = Callback(images(), [0, 1, 2]), Callback(images())
    sharing = [Callback(images()) for _ in range(4)]
    for callback in sharing:
        callback.probe = one.probe
    probe_batch = batch_of(one, *sharing)
    assert compared == []
    again = Callback(images())
    again.probe = other.probe
    probe_batch.add(other, other.probe)
    probe_batch.add(again, again.probe)
    assert len(compared) == 1
    assert probe_batch.merged.count == 3
    assert all(probe_batch.rows_for(c)[1] == [0, 1, 2] for c in (one, *sharing, other, again))


def test_other_probes_stand_behind():
    one, other = Callback(images(2), [5, 6]), Callback(images(3) + 1)
    probe_batch = batch_of(one, other)
    assert probe_batch.merged.labels == [5, 6, None, None, None]
    names = ["class 5", "class 6", "image 2", "image 3", "image 4"]
    assert image_names([probe_batch.merged]) == names
    assert probe_batch.rows_for(other)[1] == [2, 3, 4]
    assert probe_batch.rows_for(other)[0] is other.probe


def test_probes_that_make_no_batch_are_refused_and_leave_the_others():
    one, other = Callback(images(2)), Callback(np.zeros((2, 9, 9, 3)))
    probe_batch = batch_of(one)
    with pytest.raises(TbvizError, match="one size"):
        probe_batch.add(other, other.probe)
    assert probe_batch.merged.count == 2


@pytest.mark.parametrize(
    ("low", "high", "dtype"), [(0, 255, "uint8"), (0, 1, "float32"), (-1, 1, "float32")]
)
def test_the_probe_record_shows_any_usual_range(tmp_path, low, high, dtype):
    steps = np.linspace(low, high, 64).astype(dtype)
    picture = np.broadcast_to(steps.reshape(1, 8, 8, 1), (1, 8, 8, 1))
    grid = tbviz.ActivationGrid(tmp_path, picture, labels=[1], class_names=["left", "right"])
    x, y = data(8)
    cached_model().fit(x, y, 8, 1, verbose=0, callbacks=[grid])
    [meta] = metas(tmp_path, "probe")
    assert meta["range"] == [low, high]
    assert meta["size"] == [8, 8]
    assert meta["images"] == [{"name": "right", "label": 1, "class": "right"}]
    run = open_reader(tmp_path)
    shown = decode(run.read(run.segments[0].probes[0].sheets[0])).pixels
    expected = np.round((steps.astype(float) - low) / (high - low) * 255).reshape(8, 8)
    assert np.abs(shown[..., 0] - expected).max() <= 1


def test_two_callbacks_with_different_images_say_whose_each_sheet_is(tmp_path):
    x, y = data(16)
    layers = {"layers": "conv2"}
    callbacks = [
        tbviz.ActivationGrid(tmp_path, x[:2], labels=y[:2], **layers),
        tbviz.GradCAM(tmp_path, x[4:7]),
        tbviz.LayerHealth(tmp_path, x[:2], **layers),
    ]
    cached_model().fit(x, y, 8, 1, verbose=0, callbacks=callbacks)
    [probe] = metas(tmp_path, "probe")
    assert [image["label"] for image in probe["images"]] == [*y[:2].tolist(), None, None, None]
    layouts = {meta["picture"]: meta for meta in metas(tmp_path, "layout")}
    assert "probes" not in layouts["activations"]
    assert layouts["activations"]["images"] == 2
    assert layouts["cam"]["probes"] == [2, 3, 4]
    [predictions] = metas(tmp_path, "predictions")
    assert len(predictions["images"]) == 5


def test_seventeen_images_are_reported_once(tmp_path, messages):
    x, y = data(24)
    monitor = tbviz.Monitor(tmp_path, x, y)
    monitor.callbacks = monitor.callbacks[:2]
    cached_model().fit(x, y, 8, 1, verbose=0, callbacks=[monitor])
    [notice] = [n for n in notices(tmp_path, "info") if "probe images" in n["text"]]
    assert notice["text"] == "the first 16 of 24 probe images are used"
    assert len([text for text in messages("INFO") if "probe images" in text]) == 1


def test_image_files_in_a_real_fit(tmp_path):
    x, y = data(8)
    path = tmp_path / "one.png"
    Image.fromarray((x[0, ..., 0] * 255).astype("uint8")).save(path)
    monitor = tbviz.Monitor(tmp_path / "run", [path], labels=[1], strict=True)
    monitor.callbacks = monitor.callbacks[:3]
    cached_model().fit(x, y, 8, 1, verbose=0, callbacks=[monitor])
    [probe] = metas(tmp_path / "run", "probe")
    assert probe["size"] == [8, 8]
    assert len(probe["images"]) == 1


def test_a_probe_is_read_once_for_all_callbacks(tmp_path):
    calls = []

    def batch():
        calls.append(None)
        return images(2) + len(calls), [1, 0]

    probe = tbviz.Probe(batch, class_names=["a", "b"])
    one, other = tbviz.GradCAM(tmp_path, probe), tbviz.Saliency(tmp_path, images=probe)
    assert one.probe is other.probe
    assert len(calls) == 1
    assert image_names([one.probe]) == ["b", "a"]


@pytest.mark.parametrize("named", [{"labels": [1, 0, 1]}, {"class_names": ["a", "b"]}])
@pytest.mark.parametrize("made", [tbviz.GradCAM, tbviz.Monitor])
def test_labels_and_names_beside_a_probe_are_refused(tmp_path, named, made):
    [name] = named
    expected = rf"{made.__name__} received {name}= beside a tbviz\.Probe.*Pass tbviz\.Probe"
    with pytest.raises(TbvizError, match=expected):
        made(tmp_path, tbviz.Probe(images()), **named)


def test_labels_without_images_are_refused(tmp_path):
    with pytest.raises(TbvizError, match="Monitor received labels= without images="):
        tbviz.Monitor(tmp_path, labels=[1])


def test_a_probe_of_files_takes_the_size_of_the_model(tmp_path):
    path = tmp_path / "one.png"
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(path)
    probe = source_of(tbviz.Probe(path, [1]))
    assert probe.read(InputFormat((8, 6), 1)).inputs.shape == (1, 8, 6, 1)
    assert probe.read(InputFormat((8, 6), 1)) is probe.read(InputFormat((8, 6), 1))
    assert probe.read(InputFormat((4, 4))).labels == [1]
