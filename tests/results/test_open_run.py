"""What is a run, what is not, and how one is requested of it."""

from __future__ import annotations

import inspect
import pickle
import re
import shutil
from pathlib import Path

import fsspec
import numpy as np
import pytest
from made_stores import LAYERS, Run, make_run

import tbviz
from tbviz.images.sheet import encode_gray, encode_rgb
from tbviz.results.run import Run as Opened
from tbviz.store.disk.locations import store_directory
from tbviz.store.errors import DamagedError, StoreError
from tbviz.store.format.schema import FitPosition
from tbviz.store.write.writer import Writer

GOLDEN = Path(__file__).parents[1] / "golden"
FEW = LAYERS[5:]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two fits, the first of three epochs; the second repeats the last one and adds a batch."""
    log_dir = tmp_path_factory.mktemp("made") / "run"
    options = {"images": 2, "segments": 2, "batches": True, "final": True}
    make_run(log_dir, 6, FEW, **options)
    return log_dir


@pytest.fixture(scope="module")
def run(made):
    return tbviz.open_run(made)


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    """Four epochs, of which the second and the third have a picture, and the first has health."""
    log_dir = tmp_path_factory.mktemp("sparse")
    writer = Writer(log_dir)
    layout = writer.layout({"picture": "spectra", "layer": "conv", "media": "rgb8", "tile": [1, 1],
                            "tiles": 1, "columns": 1, "images": 0})  # fmt: skip
    for epoch in range(4):
        where = FitPosition(epoch).fields()
        writer.append({"kind": "metrics", **where, "values": {"loss": epoch, f"of_{epoch}": 1}})
        if epoch == 0:
            layers = {"conv": {"channels": 1, "mean": 0.5}, "pool": {"channels": 2}}
            writer.append({"kind": "health", **where, "layers": layers})
        if epoch in {1, 2}:
            png = encode_rgb(np.full((1, 1, 1, 3), epoch, np.uint8)).png
            meta = {"kind": "spectra", **where, "layer": "conv", "media": "rgb8"}
            writer.append({**meta, "layout": layout}, [png])
    writer.close()
    return tbviz.open_run(log_dir)


# Locations


def test_a_path_a_text_a_store_and_a_uri_are_the_same_run(made, bucket, monkeypatch):
    monkeypatch.chdir(made.parent)
    make_run(f"{bucket}/logs/run", 2, FEW, images=1)
    for log_dir in (made, str(made), "run", f"file://{made}", store_directory(made)):
        assert len(tbviz.open_run(log_dir).positions) == 6
    for log_dir in (f"{bucket}/logs/run", f"{bucket}/logs/run/plugins/tbviz/"):
        remote = tbviz.open_run(log_dir)
        assert remote.tiles("activations", "head/conv4").shape == (64, 7, 7)


def test_the_same_from_an_object_store(bucket):
    source = GOLDEN / "format-2-parts" / "plugins"
    fsspec.filesystem("memory").put(str(source), f"{bucket}/plugins", recursive=True)
    local, remote = (tbviz.open_run(one) for one in (GOLDEN / "format-2-parts", bucket))
    assert local.kinds() == remote.kinds()
    for kind in local.kinds():
        for layer in local.layers(kind):
            np.testing.assert_array_equal(local.tiles(kind, layer), remote.tiles(kind, layer))


def test_several_runs_below_are_named(made, bucket, tmp_path):
    for name in ("first", "second/inner"):
        shutil.copytree(made, tmp_path / name)
        make_run(f"{bucket}/{name}", 1, FEW, images=1)
    for log_dir in (tmp_path, bucket):
        with pytest.raises(tbviz.TbvizError) as caught:
            tbviz.open_run(log_dir)
        assert str(caught.value) == (
            f"received {log_dir}, which is not a run; expected the log_dir of one of the runs "
            f"below it: 'first', 'second/inner'; for example, tbviz.open_run('{log_dir}/first')"
        )


def test_a_single_run_below_is_named_too(made):
    with pytest.raises(tbviz.TbvizError, match=r"the runs below it: 'run'; .*/run'\)$"):
        tbviz.open_run(made.parent)


def test_a_run_with_runs_below_it_is_that_run(made, tmp_path):
    shutil.copytree(made, tmp_path / "outer")
    make_run(tmp_path / "outer" / "inner", 1, FEW, images=1)
    assert len(tbviz.open_run(tmp_path / "outer").positions) == 6


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", "which does not exist; expected the log_dir that the callbacks got"),
        ("empty", "which has no run; expected the log_dir"),
        ("file", "which is a file"),
    ],
)
def test_nothing_there_says_what_is_there(tmp_path, name, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(tbviz.TbvizError, match=said):
        tbviz.open_run(tmp_path / name)


def test_wrong_arguments():
    with pytest.raises(tbviz.TbvizError, match="a value of type int; expected a path"):
        tbviz.open_run(5)
    with pytest.raises(StoreError, match="fsspec"):
        tbviz.open_run("nosuchstore://bucket/logs")


def test_other_formats_are_refused(made, tmp_path):
    with pytest.raises(
        StoreError, match=r"cannot read anything logged in .*; segment 1 was written in format 1"
    ):
        tbviz.open_run(GOLDEN / "format-1")
    shutil.copytree(made, tmp_path / "run")
    for file in (GOLDEN / "format-1" / "plugins" / "tbviz").iterdir():
        shutil.copy(file, store_directory(tmp_path / "run") / file.name.replace("000001", "000009"))
    run = tbviz.open_run(tmp_path / "run")
    assert [one.status for one in run.segments] == ["finished", "stopped", "unreadable"]
    assert run.segments[2].refused.startswith("segment 3 was written in format 1")
    assert len(run.positions) == 6
    with pytest.raises(tbviz.TbvizError, match="; segment 3 was written in format 1"):
        run.layers("classes")


def test_neither_keras_nor_tensorboard_is_needed(made, fresh_python):
    loaded = fresh_python(
        f"import sys, tbviz; run = tbviz.open_run({str(made)!r}); run.metrics(); run.health(); "
        "run.predictions(); run.picture('cam', 'head/conv4'); print(*sys.modules)"
    ).split()
    assert "tbviz.results.picture" in loaded
    assert {"keras", "tensorflow", "jax", "torch", "tensorboard"}.isdisjoint(loaded)


# A run in progress


def test_a_run_that_grows_is_read_again_by_refresh(tmp_path):
    store_directory(tmp_path).mkdir(parents=True)
    run = tbviz.open_run(tmp_path)
    assert "0 positions" in repr(run)
    assert (len(run.positions), run.kinds(), run.metrics(), len(run.health())) == (0, [], {}, 0)
    assert run.predictions().classes.shape == (0, 0, 0)
    with pytest.raises(tbviz.TbvizError, match="expected one, but there is none"):
        run.tiles("activations", "conv1")
    with pytest.raises(tbviz.TbvizError, match="a position of the run; there is <no positions>"):
        run.position(0)

    training = Run(tmp_path, FEW, images=1)
    training.add()
    assert len(run.positions) == 0
    assert run.refresh()
    assert not run.refresh()
    assert (len(run.positions), run.segments[0].status) == (1, "live")
    first, positions = run.tiles("activations", "head/conv4"), run.positions
    training.add()
    assert len(run.positions) == 1
    assert run.refresh()
    assert (len(positions), len(run.positions)) == (1, 2)
    assert list(positions) == run.positions[:1]
    assert not np.array_equal(first, run.tiles("activations", "head/conv4"))
    np.testing.assert_array_equal(first, run.tiles("activations", "head/conv4", positions[-1]))
    training.finish()
    training.writer.close()
    assert run.refresh()
    assert run.segments[0].status == "finished"


def test_a_run_that_vanishes(made, tmp_path):
    shutil.copytree(made, tmp_path / "run")
    run = tbviz.open_run(tmp_path / "run")
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(DamagedError, match="cannot be read"):
        run.tiles("activations", "head/conv4")
    run.refresh()
    assert len(run.positions) == 0


# Positions


def test_positions_are_a_sequence(run):
    positions = run.positions
    texts = [str(position) for position in positions]
    assert texts == [
        "epoch 0 of segment 1",
        "epoch 1, batch 45 of segment 1",
        "epoch 1 of segment 1",
        "epoch 1 of segment 2",
        "epoch 2, batch 45 of segment 2",
        "epoch 2, end of fit of segment 2",
    ]
    assert positions[-1] == positions[5] == positions[4:][1]
    assert positions.index(positions[3]) == 3
    assert positions[2] in positions
    assert repr(positions).startswith("<6 positions: epoch 0 of segment 1 to epoch 2, end of fit")
    assert pickle.loads(pickle.dumps(positions[4])) == positions[4]
    with pytest.raises(IndexError, match="expected one of 6"):
        positions[6]
    with pytest.raises(AttributeError):
        positions[0].epoch = 3


def test_a_position_is_found_by_its_epoch(run):
    assert run.position(1) == run.positions[3]  # the newest segment that has it
    assert run.position(1, segment=1) == run.positions[2]
    assert run.position(0) == run.positions[0]
    assert run.position(1, 45) == run.positions[1]
    assert run.position(2, final=True) == run.positions[-1]
    with pytest.raises(tbviz.TbvizError) as caught:
        run.position(2)
    assert str(caught.value) == (
        "received epoch 2 of segment 2, expected a position of the run; there is epoch 2, batch 45 "
        "of segment 2, epoch 2, end of fit of segment 2"
    )
    with pytest.raises(tbviz.TbvizError, match=r"received epoch 9 of segment 7, .* <6 positions"):
        run.position(9, segment=7)


def test_a_position_is_given_as_itself_or_by_its_index(run):
    pictures = [
        run.tiles("activations", "head/conv4", position)
        for position in (run.position(1), 3, -3, np.int64(3))
    ]
    for picture in pictures[1:]:
        np.testing.assert_array_equal(picture, pictures[0])
    for position, said in (
        (6, "received position 6, expected an index from -6 to 5; `run.position"),
        (-7, "received position -7"),
        (2.5, "received position 2.5, expected an index or one of `run.positions`"),
        (True, "received position True"),
        ("last", "received position 'last'"),
    ):
        with pytest.raises(tbviz.TbvizError, match=said):
            run.tiles("activations", "head/conv4", position)


def test_a_position_of_another_run_is_an_error(run, sparse):
    with pytest.raises(tbviz.TbvizError, match="received epoch 3 of segment 1, expected one of"):
        run.tiles("activations", "head/conv4", sparse.positions[3])


def test_no_picture_stands_for_another_unless_that_is_requested(sparse):
    assert [position.captured for position in sparse.positions] == [True, True, True, False]
    assert sparse.snapshots("spectra", "conv") == tuple(sparse.positions[1:3])
    assert sparse.sheet("spectra", "conv").position == sparse.positions[2]
    with pytest.raises(tbviz.TbvizError) as caught:
        sparse.tiles("spectra", "conv", -1)
    assert str(caught.value) == (
        "received epoch 3 of segment 1, at which there is no 'spectra' of layer 'conv'; expected "
        "one of epoch 1 of segment 1, epoch 2 of segment 1; earlier=True takes that of epoch 2 of "
        "segment 1"
    )
    sheet = sparse.sheet("spectra", "conv", -1, earlier=True)
    assert (sheet.position, sheet.tiles.ravel().tolist()) == (sparse.positions[2], [2, 2, 2])
    with pytest.raises(tbviz.TbvizError, match=r"epoch 0 .* expected one of epoch 1[^;]*$"):
        sparse.tiles("spectra", "conv", 0, earlier=True)


def test_numbers_have_their_positions(sparse):
    metrics = sparse.metrics()
    np.testing.assert_array_equal(metrics["loss"], [0, 1, 2, 3])
    np.testing.assert_array_equal(metrics["of_2"], [np.nan, np.nan, 1, np.nan])
    health = sparse.health()
    assert health.positions == (sparse.positions[0],)
    assert health["conv"]["mean"].tolist() == [0.5]
    assert np.isnan(health["pool"]["mean"]).all()
    assert (health.get("dense"), "conv" in health) == (None, True)
    with pytest.raises(tbviz.TbvizError, match="there are no numbers per channel of 'conv'"):
        sparse.channels("conv")
    assert sparse.predictions().positions == ()
    with pytest.raises(tbviz.TbvizError, match="without probe images"):
        sparse.probe()


# Names


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda run: run.tiles("activation", "head/conv4"), "did you mean 'activations'"),
        (lambda run: run.tiles("activations", "conv4"), r"did you mean 'head/conv4'\?"),
        (lambda run: run.tiles("cam"), "expected 'head/conv4'"),
        (lambda run: run.layers("kernel"), "received kind 'kernel', expected 'activations', "),
        (lambda run: run.kinds("head/conv5"), r"did you mean 'head/conv4'"),
        (lambda run: run.channels("conv3"), r"did you mean 'backbone/block2/conv3'\?"),
        (lambda run: run.health()["conv3"], r"did you mean 'backbone/block2/conv3'\?"),
        (lambda run: run.probe(3), "received segment 3, expected one from 1 to 2, or -1"),
    ],
)
def test_an_unknown_name_is_an_error_that_names_those_that_are_near(run, call, said):
    with pytest.raises(tbviz.TbvizError, match=said):
        call(run)


def test_an_image_is_given_by_its_index_or_its_name(run):
    probe = run.probe()
    assert probe.names == ("astronaut", "cat")
    assert probe.photographs.shape == (2, 64, 64, 3)
    sheets = [run.sheet("activations", "head/conv4", -1, image) for image in (1, "cat", "cat 1")]
    assert [sheet.image for sheet in sheets] == [1, 1, 1]
    for sheet in sheets[1:]:
        np.testing.assert_array_equal(sheet.tiles, sheets[0].tiles)
    assert run.sheet("activations", "head/conv4").image == 0
    assert run.sheet("maximization", "head/conv4").image is None
    for kind, image, said in (
        ("activations", 2, "received image 2, expected one of 0, 1, or its name: 'astronaut', "),
        ("activations", -1, "received image -1, expected one of 0, 1"),
        ("activations", "cats", r"received image 'cats', .* did you mean 'cat'\?"),
        ("maximization", 0, "'maximization' belongs to no single image"),
    ):
        with pytest.raises(tbviz.TbvizError, match=said):
            run.tiles(kind, "head/conv4", -1, image)


def test_images_with_one_name_and_a_series_of_some_images(tmp_path):
    writer = Writer(tmp_path)
    photographs = [encode_rgb(np.full((1, 2, 2, 3), index, np.uint8)).png for index in range(3)]
    images = [{"name": f"{index}.png", "label": 4, "class": "cat"} for index in range(3)]
    writer.append({"kind": "probe", "media": "rgb8", "size": [2, 2], "range": [0, 1],
                   "images": images, "class_names": None}, photographs)  # fmt: skip
    layout = writer.layout({"picture": "cam", "layer": "", "media": "gray8", "tile": [1, 1],
                            "tiles": 1, "columns": 1, "images": 2, "probes": [2, 0]})  # fmt: skip
    sheets = [encode_gray(np.full((1, 1, 1), value)) for value in (20, 0)]
    meta = {"kind": "cam", "epoch": 0, "layer": "", "media": "gray8", "layout": layout}
    writer.append(meta, [one.png for one in sheets], [one.summary for one in sheets])
    writer.close()
    run = tbviz.open_run(tmp_path)
    assert [run.tiles("cam", image=image).item() for image in (0, 2, "2.png", None)] == [
        0, 20, 20, 20
    ]  # fmt: skip
    with pytest.raises(tbviz.TbvizError, match="'cat', the name of images 2, 0; expected an index"):
        run.tiles("cam", image="cat")
    with pytest.raises(tbviz.TbvizError, match="received image 1, expected one of 2, 0"):
        run.tiles("cam", image=1)
    assert run.probe().class_names is None


# Help


def test_help_explains_every_method_with_its_arguments():
    assert "Example:" in inspect.getdoc(tbviz.open_run)
    assert "Example:" in inspect.getdoc(Opened)
    names = {name for name in vars(Opened) if not name.startswith("_")}
    assert names == {
        "channels", "health", "kinds", "layers", "metrics", "picture", "position", "positions",
        "predictions", "probe", "refresh", "segments", "sheet", "snapshots", "tiles",
    }  # fmt: skip
    for name in names - {"positions", "segments"}:
        method = getattr(Opened, name)
        documented = set(re.findall(r"^    (\w+): [A-Z]", inspect.getdoc(method), re.MULTILINE))
        parameters = set(inspect.signature(method).parameters) - {"self"}
        assert parameters <= documented, name
        for parameter in inspect.signature(method).parameters.values():
            if parameter.default is not inspect.Parameter.empty:
                text = inspect.getdoc(method).partition(f"    {parameter.name}: ")[2]
                assert "Defaults to" in text.partition("\n    \n")[0], (name, parameter.name)
