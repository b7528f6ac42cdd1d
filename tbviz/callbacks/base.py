"""Define the base of all callbacks: its arguments, and what a subclass implements."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from typing import Any, ClassVar, Unpack

from tbviz.amounts import bytes_of, share_of
from tbviz.callbacks.limits.schedule import schedule_of
from tbviz.callbacks.options import DEFAULTS, ImageOptions, check_switch
from tbviz.callbacks.probe import as_probe, check_log_dir, source_of
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.submodel import check_submodel
from tbviz.callbacks.session_member import SessionMember
from tbviz.callbacks.signature import SharedOptions
from tbviz.errors import TbvizError
from tbviz.scores.target import may_name_output
from tbviz.store.disk.locations import usable_location
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output
from tbviz.taps.select import check_filter


class Visual(SharedOptions, SessionMember):
    """A callback that captures the model while it trains; a callback of your own can extend it.

    A subclass implements `capture`, and `select_layers` if it draws layers. Its constructor passes
    the shared arguments on as `**options`. It may also

    * implement `reset`, `prepare` and `title`;
    * set `wants_recording`, `runs_model`, `rare`, `needs` and `option_defaults` of the class, and
      `first_channels` in `select_layers`;
    * read `selected`, `probe`, and the arguments: `log_dir`, `layers`, `output`, `submodel`,
      `schedule`, `max_overhead`, `max_disk` and `strict`.

    The other members are those of `SessionMember`, for Keras and tbviz alone.

    Attributes:
        selected: The layers that `select_layers` returned for the current model.
        first_channels: By key of a selected layer, how many channels are enough. Other layers are
            recorded with all channels.
        probe: The probe images with their labels, None without images, or before the `fit` if they
            are files.
    """

    wants_recording: ClassVar[bool] = True
    """Whether `capture` needs the outputs of the selected layers on the probe images."""

    runs_model: ClassVar[bool] = True
    """Whether `capture` needs the model's outputs or inputs. Weights can be read without them."""

    rare: ClassVar[bool] = False
    """Whether it usually captures too rarely to count in the forecast of a run's size."""

    needs: ClassVar[str] = "layer with feature maps"
    """What a model must have so that this callback can draw something."""

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any = None,
        labels: Any = None,
        *,
        layers: Any = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__()
        given: ImageOptions = {**DEFAULTS, **self.option_defaults, **options}
        self.log_dir = usable_location(check_log_dir(log_dir, type(self).__name__))
        self.layers = None if layers is None else self.check_layers(layers)
        self.output = given["output"]
        if not may_name_output(self.output):
            msg = f"received output={self.output!r}; expected the name or the index of an output"
            raise TbvizError(f"{type(self).__name__} {msg}")
        self.submodel = check_submodel(given["submodel"])
        self.strict = check_switch("strict", given["strict"])
        self.schedule = schedule_of(given["schedule"])
        self.max_overhead = share_of(given["max_overhead"])
        self.max_disk = bytes_of(given["max_disk"])
        self.selected: list[Output] = []
        self.first_channels: Mapping[str, int] = {}
        given_probe = as_probe(images, labels, given["class_names"], type(self).__name__)
        if given_probe is None and _needs_images(type(self)):
            raise TbvizError(f"{type(self).__name__} received images=None; expected probe images")
        self._source = None if given_probe is None else source_of(given_probe)
        if self._source is not None and not self._source.is_files:
            self.probe = self._source.read()

    @property
    def title(self) -> str:
        """Return the name of the class, and of the method if the arguments select one."""
        return type(self).__name__

    def check_layers(self, layers: Any) -> Any:
        """Return the user's `layers=`, if this callback can use it.

        Raises:
            TbvizError: If it is no filter of layers.
        """
        return check_filter(layers)

    def select_layers(self, model_outputs: ModelOutputs) -> list[Output]:
        """Return the layers that this callback draws.

        Raises:
            LayerNotFoundError: If the user's filter matches no layer.
        """
        raise NotImplementedError

    def capture(self, view: ModelView, log: CallbackLog) -> None:
        """Compute the pictures and numbers of this position.

        Args:
            view: The model, and its outputs on the probe images.
            log: Takes the pictures and numbers, and the notices. If what is inside `log.guard`
                fails, the rest is still drawn.
        """
        raise NotImplementedError

    def reset(self) -> None:
        """Drop what earlier snapshots left: a `fit` begins, or the model has changed."""

    def prepare(self, model_outputs: ModelOutputs, log: CallbackLog) -> None:
        """Select the layers of a model that was not captured before.

        Args:
            model_outputs: Of the model.
            log: Takes notices.
        """
        self.reset()
        self.selected = []
        self.selected = self.select_layers(model_outputs)
        if not self.selected:
            log.notice(f"left out: this model has no {self.needs}", level="info", event="left_out")


def _needs_images(kind: type[Visual]) -> bool:
    """Return whether the constructor takes probe images without a default."""
    images = inspect.signature(kind).parameters.get("images")
    return images is not None and images.default is inspect.Parameter.empty
