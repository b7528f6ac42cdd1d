"""`Run`: everything that was logged in one run, by the names of the glossary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tbviz.docstrings import sharing
from tbviz.errors import TbvizError
from tbviz.results import records
from tbviz.results.along import along, metric_names
from tbviz.results.health import Health, channels, health
from tbviz.results.picture import Bounds, Colors, colored, laid_out
from tbviz.results.positions import Position, Positions
from tbviz.results.predictions import Predictions, predictions
from tbviz.results.probe_images import ProbeImages, probe_images
from tbviz.results.segments import Segment, segments
from tbviz.results.sheet import Sheet, read_sheet

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from tbviz.store.read.reader import Reader


_ARGUMENTS: Final = {
    "kind": "The kind of the picture, one of `kinds()`.",
    "layer": 'Path of the layer, one of `layers(kind)`. Defaults to "": the whole model.',
    "position": (
        "One of `positions`, or an index of it, negative from the end. Defaults to None: the last "
        "position at which this picture was captured."
    ),
    "image": (
        "Index or name of the probe image. Defaults to None: the first one of a kind that has a "
        "sheet per image."
    ),
    "earlier": (
        "Whether the last picture before the position counts if there is none at the position "
        "itself. Defaults to False."
    ),
}
"""By argument, the text that `help()` prints for it in every method that takes one picture."""


class Run:
    """What was logged in one run. `tbviz.open_run` returns it.

    Arrays, layers and kinds are those that the page shows and that HTTP serves. A position is given
    as one of `positions` or as an index of it: -1 is the last one. Nothing is shown in place of
    something else: a position without a picture is an error, which names the positions that have
    one, unless `earlier=True` is given.

    A run that is still being written stays as it was when it was opened, until `refresh` is called.
    It is not safe to use from several threads.

    Args:
        log_dir: The log directory, as it was given to `open_run`.
        reader: The reader of its store.

    Example:
        >>> run = tbviz.open_run("logs/run")
        >>> run
        <run 'logs/run': 12 positions, 4 kinds of pictures of 7 layers, finished>
        >>> run.layers("activations")
        ['conv1', 'pool1', 'conv2']
        >>> maps = run.tiles("activations", "conv1", position=-1, image=0)
        >>> maps.shape  # (channels, height, width)
        (16, 32, 32)
        >>> run.picture("activations", "conv1", run.position(epoch=3))
    """

    def __init__(self, log_dir: str, reader: Reader) -> None:
        self.log_dir = log_dir
        self._reader = reader
        self._positions: Positions | None = None

    def __repr__(self) -> str:
        kinds, layers = len(self.kinds()), len(self.layers())
        status = f", {self.segments[-1].status}" if self.segments else ""
        return (
            f"<run {self.log_dir!r}: {len(self.positions)} positions, {kinds} kinds of pictures of "
            f"{layers} layers{status}>"
        )

    def refresh(self) -> bool:
        """Read what was written since the run was opened, or since the last call.

        Returns:
            Whether anything is new. What was returned before stays as it is.
        """
        changed = self._reader.refresh()
        self._positions = None
        return changed

    @property
    def positions(self) -> Positions:
        """Return all positions in the order of writing, as a sequence of `Position`.

        Every epoch has one. `position.captured` tells whether it is a snapshot.
        """
        if self._positions is None:
            self._positions = Positions(self._reader)
        return self._positions

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Return each `fit` of the run, oldest first, with its current status."""
        return segments(self._reader)

    def position(
        self,
        epoch: int,
        batch: int | None = None,
        *,
        segment: int | None = None,
        final: bool = False,
    ) -> Position:
        """Find a position by its epoch.

        Args:
            epoch: The epoch, counted from 0 as in Keras' logs.
            batch: Optimizer steps since the start of the `fit`. Defaults to None: the end of the
                epoch.
            segment: The number of the segment. Defaults to None: the newest one that has it.
            final: Whether it is the state that `fit` left behind. Defaults to False.

        Raises:
            TbvizError: If there is no such position.

        Example:
            >>> run.tiles("kernels", "conv1", run.position(epoch=3))
        """
        return records.position_of(self._reader, self.positions, epoch, batch, segment, final)

    def kinds(self, layer: str | None = None) -> list[str]:
        """Return the kinds of pictures, such as `"activations"` and `"cam:score-cam"`.

        Args:
            layer: A layer that has them; `""` for the whole model. Defaults to None: any.

        Raises:
            TbvizError: If the layer has no pictures.
        """
        return records.kinds(self._reader, layer)

    def layers(self, kind: str | None = None) -> list[str]:
        """Return the paths of the layers that have pictures; `""` is the whole model.

        Args:
            kind: A kind that they have. Defaults to None: any.

        Raises:
            TbvizError: If there are no pictures of this kind.
        """
        return records.layers(self._reader, kind)

    def snapshots(self, kind: str, layer: str = "") -> tuple[Position, ...]:
        """Return the positions at which a picture of a layer was captured.

        Args:
            kind: The kind of the picture.
            layer: Path of the layer. Defaults to "": the whole model.

        Raises:
            TbvizError: If there is no such picture.
        """
        series = records.series(self._reader, kind, layer)
        return self.positions.select(records.snapshots(series))

    def metrics(self) -> dict[str, NDArray[np.float64]]:
        """Return the metrics that `fit` reported, such as `"loss"` and `"val_accuracy"`.

        They are those that the callbacks of tbviz have logged. TensorBoard's own files, from which
        the tab takes the metrics of a run without any, are not read.

        Returns:
            Name to float64 `(positions,)`: one value per entry of `positions`, NaN if there is
            none.
        """
        return {name: self._metric(name) for name in metric_names(self._reader)}

    def health(self) -> Health:
        """Return the health numbers of every layer, such as dead channels and weight norms.

        Returns:
            A mapping: `health["conv1"]["dead"]` is float64 with one value per entry of
            `health.positions`, the positions at which health was captured. `health.advice` and
            `health.not_finite` tell what tbviz has to say about them.
        """
        return health(self._reader, self.positions)

    def channels(
        self, layer: str, position: Position | int | None = None, *, earlier: bool = False
    ) -> dict[str, NDArray[np.float64]]:
        """Return health numbers of each channel of a layer.

        Args:
            layer: Path of the layer.
            position: Where. Defaults to None: the last position at which health was captured.
            earlier: Whether the last record before the position counts if it has none itself.
                Defaults to False.

        Returns:
            Number to float64 `(channels,)`.

        Raises:
            TbvizError: If there is no health of the layer, or none at the position.
            StoreError: If the table is damaged.
        """
        return channels(self._reader, self.positions, layer, position, earlier=earlier)

    def predictions(self) -> Predictions:
        """Return the strongest classes of each probe image over time.

        Returns:
            `classes` and `values` are arrays `(positions, images, ranks)`; the first axis is
            `predictions.positions`, the positions at which predictions were captured.
        """
        return predictions(self._reader, self.positions)

    def probe(self, segment: int = -1) -> ProbeImages:
        """Return the probe images: photographs, labels and names.

        Args:
            segment: The number of the segment, counted from 1. Defaults to -1: the last one.

        Raises:
            TbvizError: If there is no such segment, or if no probe images were logged.
            StoreError: If a photograph is damaged.
        """
        count = len(self._reader.segments)
        number = count if segment == -1 else segment
        if not 1 <= number <= count:
            raise TbvizError(f"received segment {segment}, expected one from 1 to {count}, or -1")
        return probe_images(self._reader, number)

    @sharing(_ARGUMENTS)
    def sheet(
        self,
        kind: str,
        layer: str = "",
        position: Position | int | None = None,
        image: int | str | None = None,
        *,
        earlier: bool = False,
    ) -> Sheet:
        """Return the tiles of a layer with all that is known of them.

        Returns:
            `tiles` are the values, `captions` a name for each tile, `layout` and `text` what the
            writer says of them, `position` where they were captured.

        Raises:
            TbvizError: If there is no such picture.
            StoreError: If the sheet is damaged.
        """
        found = records.record(self._reader, self.positions, kind, layer, position, earlier=earlier)
        return read_sheet(self._reader, self.positions, found, image)

    @sharing(_ARGUMENTS)
    def tiles(
        self,
        kind: str,
        layer: str = "",
        position: Position | int | None = None,
        image: int | str | None = None,
        *,
        earlier: bool = False,
    ) -> NDArray[np.float32] | NDArray[np.uint8]:
        """Return the tiles of a layer, such as one feature map per channel, in real units.

        `sheet` returns the same with captions, layout and position.

        Returns:
            float32 `(tiles, height, width)`, or uint8 `(tiles, height, width, 3)` for pictures in
            color. A float tile was stored in 253 levels between its own minimum and maximum.

        Raises:
            TbvizError: If there is no such picture.
            StoreError: If the sheet is damaged.

        Example:
            >>> maps = run.tiles("activations", "conv1", position=-1, image=0)
            >>> plt.imshow(maps[3])
        """
        return self.sheet(kind, layer, position, image, earlier=earlier).tiles

    @sharing(_ARGUMENTS)
    def picture(  # noqa: D417  `sharing` adds the others
        self,
        kind: str,
        layer: str = "",
        position: Position | int | None = None,
        image: int | str | None = None,
        *,
        earlier: bool = False,
        colormap: str | None = None,
        bounds: Bounds | None = None,
        opacity: float = 0.6,
        columns: int | None = None,
        size: int | None = None,
        titles: bool | None = None,
    ) -> Image.Image:
        """Draw the tiles of a layer as the page draws them; maps of classes over the photograph.

        Args:
            colormap: One of `"gray"`, `"viridis"`, `"turbo"` and `"balance"`, which has zero in the
                middle. Defaults to None: `"balance"` for signed values, `"turbo"` over
                photographs, else `"viridis"`.
            bounds: What the colors span: `"run"` (the percentiles 0.5 to 99.5 of the whole run),
                `"extremes"` (all values of the run), `"layer"` (this sheet), `"tile"` (each tile),
                or `(low, high)`. Defaults to None: `"tile"` for overviews and hypercolumns, else
                `"run"`. Maps over photographs are always scaled by their own maximum.
            opacity: Opacity of a map over its photograph where it is hottest, 0 to 1. Defaults to
                0.6.
            columns: Tiles per row. Defaults to None: as many as are stored in a row.
            size: Least side of a tile in pixels; small tiles are enlarged by whole factors.
                Defaults to None: 64, or 220 for photographs.
            titles: Whether a caption is drawn over each tile. Defaults to None: captions that are
                more than a number are drawn.

        Returns:
            A Pillow image, which a notebook shows.

        Raises:
            TbvizError: If there is no such picture, color map or range.
            StoreError: If the sheet or the photograph is damaged.

        Example:
            >>> run.picture("cam", "conv4", image="cat").save("cat.png")
        """
        found = records.record(self._reader, self.positions, kind, layer, position, earlier=earlier)
        sheet = read_sheet(self._reader, self.positions, found, image)
        colors = Colors(colormap, bounds, opacity)
        return laid_out(sheet, colored(self._reader, sheet, colors), columns, size, titles)

    def _metric(self, name: str) -> NDArray[np.float64]:
        values = along(self._reader, lambda segment: segment.metrics.get(name))
        return np.array([np.nan if value is None else value for value in values], np.float64)
