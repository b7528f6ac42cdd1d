"""The colors and captions of pictures, worked out by hand, and those of a real training."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import tbviz
from tbviz.images.colormaps import COLORMAPS
from tbviz.images.sheet import encode_gray, encode_rgb
from tbviz.results.captions import captions
from tbviz.results.families import _FAMILIES
from tbviz.store.write.writer import Writer

PAGE = Path(__file__).parents[2] / "plugin_frontend" / "src"
IMAGES = ("cat", "dog")


def write(log_dir, kind, sheets, media="gray8", layer="conv", texts=(None, None), **layout):
    """Write one series: `sheets[epoch][image]` are tiles."""
    writer = Writer(log_dir)
    if layout.get("images"):
        photographs = [np.full((1, 2, 2, 3), 100 * (image + 1), np.uint8) for image in range(2)]
        images = [{"name": name, "label": None, "class": None} for name in IMAGES]
        writer.append(
            {"kind": "probe", "media": "rgb8", "size": [2, 2], "range": [0, 1], "images": images},
            [encode_rgb(photograph).png for photograph in photographs],
        )
    height, width = np.shape(sheets[0][0])[1:3]
    identifier = writer.layout(
        {"picture": kind, "layer": layer, "media": media, "tile": [height, width],
         "tiles": len(sheets[0][0]), "columns": 2, "images": 0, **layout}
    )  # fmt: skip
    encode = encode_rgb if media == "rgb8" else encode_gray
    for epoch, images in enumerate(sheets):
        encoded = [
            encode(np.asarray(tiles), 2, text)
            for tiles, text in zip(images, texts[: len(images)], strict=True)
        ]
        meta = {"kind": kind, "epoch": epoch, "layer": layer, "media": media, "layout": identifier}
        summaries = [one.summary for one in encoded]
        writer.append(meta, [one.png for one in encoded], None if media == "rgb8" else summaries)
    writer.close()
    return tbviz.open_run(log_dir)


def color(name, share):
    return COLORMAPS[name][int(share * 255 + 0.5)].tolist()


def colors_of(image):
    return {tuple(pixel) for pixel in np.asarray(image).reshape(-1, 3).tolist()}


def corner(image, x=0, y=0):
    return list(image.getpixel((x, y)))


def test_colors_span_the_run_the_sheet_or_the_tile(tmp_path):
    # Tiles of one value: 0 and 1 at epoch 0, 1 and 4 at epoch 1.
    sheets = [[np.array([[[low]], [[high]]], np.float32)] for low, high in ((0, 1), (1, 4))]
    run = write(tmp_path, "activations", sheets)

    def drawn(**options):
        image = run.picture("activations", "conv", 0, size=1, **options)
        return [corner(image), corner(image, 3)]  # two pixels between tiles

    # The percentiles of a sheet of two values are 0.5 % off its ends.
    assert run.picture("activations", "conv", 0, size=1).size == (4, 1)
    assert drawn(bounds="extremes") == [color("viridis", 0), color("viridis", 1 / 4)]
    assert drawn() == [color("viridis", 0), color("viridis", (1 - 0.005) / (3.985 - 0.005))]
    assert drawn(bounds="layer") == [color("viridis", 0), color("viridis", 1)]
    assert drawn(bounds="tile") == [color("viridis", 0)] * 2
    assert drawn(bounds=(-1, 1), colormap="gray") == [[128] * 3, [255] * 3]
    assert drawn(bounds="layer", colormap="balance") == [color("balance", 0.5), color("balance", 1)]


def test_signed_values_have_zero_in_the_middle(tmp_path):
    run = write(tmp_path, "kernels", [[np.array([[[-1.0]], [[2.0]]])]], signed=True)
    image = run.picture("kernels", "conv", bounds="layer", size=1)
    assert corner(image) == color("balance", 0.25)
    assert corner(image, 3) == color("balance", 1)


def test_pictures_in_color_are_as_they_are(tmp_path):
    tiles = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    run = write(tmp_path, "classes", [[tiles]], "rgb8", "", titles=["cat", "dog"])
    np.testing.assert_array_equal(run.tiles("classes"), tiles)
    image = run.picture("classes", size=2, titles=False)
    np.testing.assert_array_equal(np.asarray(image)[:, :2], tiles[0])
    assert run.picture("classes", size=20).size == (42, 36)  # with a line for the captions
    assert run.sheet("classes").captions == ("cat", "dog")


def explained(*entries):
    return {"tiles": [{"role": role, "class": index, "name": name, "probability": share}
                      for role, index, name, share in entries]}  # fmt: skip


def test_a_map_lies_over_its_photograph(tmp_path):
    maps = [np.array([[[4.0, 0.0], [2.0, 1.0]], [[0.0, 1.0], [0.0, 0.0]]]), np.zeros((2, 2, 2))]
    texts = (
        explained(("predicted", 3, "fox", 0.753), ("true", 1, "cat", 0.1)),
        explained(("predicted", 1, "cat", 0.9), ("true", 1, "cat", 0.9)),
    )
    run = write(tmp_path, "cam", [maps], texts=texts, images=2, roles=["predicted", "true"])
    assert run.sheet("cam", "conv").captions == ("predicted: fox, 75%", "true: cat, 10%")
    image = run.picture("cam", "conv", size=2, titles=False)
    # Opacity 0.6 where it is hottest, 0.3 at half of that; the photograph is 100.
    hot, half = np.array(color("turbo", 1)), np.array(color("turbo", 0.5))
    assert corner(image) == np.floor(40 + 0.6 * hot + 0.5).tolist()
    assert corner(image, 0, 1) == np.floor(70 + 0.3 * half + 0.5).tolist()
    assert corner(image, 1, 0) == [100] * 3
    assert image.size == (6, 2)
    # The predicted class is the true one: one map, of zeros.
    other = run.picture("cam", "conv", image="dog", size=2, titles=False)
    assert (other.size, colors_of(other)) == ((2, 2), {(200, 200, 200)})
    faint = run.picture("cam", "conv", size=2, titles=False, opacity=0.0)
    assert colors_of(faint.crop((0, 0, 2, 2))) == {(100, 100, 100)}


def test_a_faint_map_is_not_stretched(tmp_path):
    # Its maximum is a hundredth of the other's: it is scaled by a twentieth of that.
    maps = [np.array([[[0.01]], [[0.0]]]), np.array([[[1.0]], [[0.0]]])]
    run = write(tmp_path, "cam", [maps], images=2)
    fifth = np.array(color("turbo", 0.2))
    assert corner(run.picture("cam", "conv", size=2, titles=False)) == np.floor(
        100 * (1 - 0.12) + 0.12 * fifth + 0.5
    ).tolist()  # fmt: skip


def test_a_fine_map_fades_its_photograph_and_is_scaled_by_a_percentile(tmp_path):
    # 200 pixels, of which two reach far beyond the others; the map is twice as fine.
    values = np.ones((1, 4, 50))
    values[0, 0, :2] = [100, -100]  # 1 is one level of their range
    values[0, 3] = -1
    sheets = [[values, values]]
    run = write(tmp_path, "saliency:occlusion", sheets, layer="", images=2, signed=True)
    image = run.picture("saliency:occlusion", size=1, titles=False)
    assert image.size == (50, 50)  # a photograph of 2 x 2, enlarged until no pixel is lost
    faded = 100 + (255 - 100) * 0.6
    opacity = np.sqrt(0.6)
    for y, share in ((25, 1.0), (49, 0.0)):
        mixed = int(faded) * (1 - opacity) + np.array(color("balance", share)) * opacity
        assert corner(image, 30, y) == np.floor(mixed + 0.5).tolist()


def test_a_map_without_a_photograph_is_drawn_on_gray(tmp_path):
    run = write(tmp_path, "cam", [[np.array([[[0.0, 0.0]]])]])
    image = run.picture("cam", "conv", size=1)
    assert (image.size, colors_of(image)) == ((16, 8), {(128, 128, 128)})


def test_what_is_not_finite_has_colors_of_its_own(tmp_path):
    values = np.array([[[np.nan, np.inf, -np.inf, 0.0]]])
    run = write(tmp_path, "activations", [[values]])
    np.testing.assert_array_equal(run.tiles("activations", "conv"), values)
    image = run.picture("activations", "conv", size=4)
    assert [corner(image, x) for x in range(3)] == [[255, 0, 255], [255, 150, 255], [0, 255, 255]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"colormap": "jet"}, "received colormap 'jet', expected 'gray', 'viridis', "),
        ({"bounds": "all"}, r"received bounds 'all', .*'extremes'; or two numbers, \(low, high\)"),
        ({"bounds": 3}, "received bounds 3, expected"),
        ({"bounds": (1, "x")}, "received bounds"),
        ({"opacity": 1.5}, "received opacity 1.5, expected a number from 0 to 1"),
        ({"columns": 0}, "received columns 0, expected a whole number above 0"),
        ({"size": -1}, "received size -1, expected a whole number above 0"),
        ({"size": 10**6}, "pixels, expected at most"),
    ],
)
def test_wrong_options(tmp_path, options, said):
    run = write(tmp_path, "activations", [[np.zeros((2, 2, 2))]])
    with pytest.raises(tbviz.TbvizError, match=said):
        run.picture("activations", "conv", **options)


LAYOUT = {"tiles": 2, "columns": 2}


@pytest.mark.parametrize(
    ("kind", "layout", "expected"),
    [
        ("activations", {"channels": [5, 9]}, ("channel 5", "channel 9")),
        ("activations", {}, ("channel 0", "channel 1")),
        ("activations", {"tiles": 1, "bars": [0, 1, 2]}, ("3 channels",)),
        ("activations:colors", {}, ("cat", "dog")),
        ("activations:colors", {"tiles": 3}, ("channel 0", "channel 1", "channel 2")),
        ("maximization", {"channels": [3, 4]}, ("channel 3", "channel 4")),
        ("kernels", {}, ("filter 0", "filter 1")),
        ("kernels", {"tiles": 1, "total": 64}, ("all 64 filters",)),
        ("kernels", {"tiles": 1, "total": 64, "channels": [7]}, ("filter 7",)),
        ("hypercolumns", {"titles": ["low", "high"]}, ("low", "high")),
        ("hypercolumns", {"titles": ["low"]}, ("low", "tile 1")),
        ("spectra", {}, ("tile 0", "tile 1")),
        ("overview", {"tiles": 3, "column_titles": ["a", "b"]}, ("a · row 1", "b · row 1",
                                                                 "a · row 2")),
        ("augmentation", {"row_titles": ["cat"], "column_titles": ["image", "draw 1"]},
         ("cat · image", "cat · draw 1")),
        ("cam", {"roles": ["predicted", "true"]}, ("predicted", "true")),
    ],
)  # fmt: skip
def test_captions_are_those_of_the_page(kind, layout, expected):
    assert captions(kind, {**LAYOUT, **layout}, IMAGES) == expected


def test_captions_of_maps_name_their_class():
    text = {"tiles": [{"class": 4, "probability": "NaN"}, {"name": "cat", "against_name": "dog"}]}
    layout = {**LAYOUT, "roles": ["predicted", "difference"]}
    expected = ("predicted: class 4", "difference: cat, not dog")
    assert captions("cam", layout, IMAGES, text) == expected


def test_the_families_are_those_of_the_page():
    [file] = [path for path in PAGE.rglob("families.ts") if path.parent.name != "tests"]
    table = file.read_text("utf-8").partition("FAMILIES: readonly Family[] = [")[2]
    page = {}
    for entry in re.split(r"\n  \{\n", table.partition("\n];")[0])[1:]:
        fields = dict(re.findall(r'^    (name|range|tile|scale): "([^"]*)"', entry, re.MULTILINE))
        page[fields.pop("name")] = fields
    ours = {family.name: family._asdict() for family in _FAMILIES}
    usual = {"range": "run", "tile": "", "scale": ""}
    for name, fields in page.items():
        mine = ours.pop(name, usual)
        assert {**usual, **fields} == {key: mine[key] for key in usual}, name
    assert ours == {}


@pytest.mark.slow
def test_a_real_training_is_read_as_it_was_computed(tmp_path):
    import keras

    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).random((8, 12, 12, 3), np.float32)
    y = np.arange(8) % 2
    model = keras.Sequential([
        keras.Input((12, 12, 3)),
        keras.layers.Conv2D(4, 3, activation="relu", name="conv"),
        keras.layers.GlobalAveragePooling2D(name="pool"),
        keras.layers.Dense(2, activation="softmax", name="scores"),
    ])  # fmt: skip
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    monitor = tbviz.Monitor(tmp_path, x[:2], y[:2], class_names=["left", "right"], strict=True)
    history = model.fit(x, y, 4, epochs=2, verbose=0, callbacks=[monitor]).history
    run = tbviz.open_run(tmp_path)
    assert [(one.status, one.epochs, one.steps) for one in run.segments] == [("finished", 2, 2)]
    for name, values in history.items():
        np.testing.assert_allclose(run.metrics()[name], values, rtol=1e-6)
    maps = tbviz.methods.activations(model, x[:2], layers="conv")["conv"]
    for image in range(2):
        tiles = run.tiles("activations", "conv", run.position(1), image)
        channels = np.moveaxis(np.asarray(maps)[image], -1, 0)
        step = np.ptp(channels, axis=(1, 2), keepdims=True) / 252
        assert (np.abs(tiles - channels) <= step + 1e-6).all()
    predictions = run.predictions()
    shares = model.predict(x[:2], verbose=0)
    np.testing.assert_allclose(predictions.values[-1, :, 0], shares.max(axis=1), atol=1e-4)
    assert predictions.labels.tolist() == [[0, 1]] * 2
    weights = np.concatenate([w.ravel() for w in model.get_layer("conv").get_weights()])
    assert run.health()["conv"]["weight_norm"][-1] == pytest.approx(
        np.linalg.norm(weights), rel=1e-4
    )
    for kind in run.kinds():
        for layer in run.layers(kind):
            assert run.picture(kind, layer).mode == "RGB"
