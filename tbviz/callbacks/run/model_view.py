"""View the model at one position, for all callbacks of a `fit`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.finiteness import FinitenessLog
from tbviz.callbacks.run.pictures import ColorPicture, GrayPicture
from tbviz.callbacks.run.probe import ProbeArrays
from tbviz.callbacks.run.probe_batch import ProbeBatch
from tbviz.callbacks.run.probe_classes import report_classes
from tbviz.callbacks.run.probe_images import ProbeImageList
from tbviz.callbacks.run.submodel_naming import SubmodelNaming
from tbviz.errors import TbvizError
from tbviz.methods.conv_kernels.kernels import model_outputs_without_run
from tbviz.scores.recording import Recording, record
from tbviz.store.format.schema import FitPosition
from tbviz.taps.final_outputs import FinalOutput, OutputName
from tbviz.taps.input_finiteness import faulty_images
from tbviz.taps.inspector import ModelInspector, inspector_for
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output


class Viewer(Protocol):
    """What the view needs of a callback."""

    probe: ProbeArrays | None
    selected: list[Output]
    first_channels: Mapping[str, int]

    @property
    def output(self) -> OutputName | None:
        """The output of the model that is explained."""

    @property
    def runs_model(self) -> bool:
        """Whether it needs the model's outputs or inputs."""


class ModelView:
    """The model at the position that is being logged.

    Args:
        log: Takes notices.
        images: The probe images of all submodels of the `fit`.
        naming: Of the model's layers and images.

    Attributes:
        finiteness: The weights that are not finite, and since when.
        naming: See above.
    """

    def __init__(self, log: CallbackLog, images: ProbeImageList, naming: SubmodelNaming) -> None:
        self.finiteness = FinitenessLog(log)
        self.naming = naming
        self._log = log
        self._images = images
        self._probe_batch = ProbeBatch()
        self._runs_model = False
        self._inspector: ModelInspector | None = None
        # The structure that layers were selected for: another inspector is another model.
        self._selected_for: tuple[ModelInspector, int] | None = None
        self._changes = 0
        self._outputs: Sequence[Output] = ()
        self._first: dict[str, int] = {}
        self._recording: Recording | Exception | None = None
        self._of_other_outputs: dict[int, Recording] = {}
        self._output: OutputName | None = None
        self._probe_checked = False

    def join(self, callback: Viewer) -> None:
        """Add a callback's probe images.

        Raises:
            TbvizError: If they do not fit into one batch with those of the others.
        """
        self._runs_model |= callback.runs_model
        if self._output is None:
            self._output = callback.output
        if callback.probe is not None:
            self._probe_batch.add(callback, callback.probe, callback.output)

    def open(self, model: Any) -> bool:
        """Inspect the model as it is now.

        Returns:
            Whether its structure differs from the last snapshot's, or this is the first snapshot.
        """
        self._recording = None
        self._of_other_outputs.clear()
        self._inspector = inspector_for(model)
        if self._runs_model:
            self._probe_batch.blank_for(model)
            self._check_probe()
        self._inspector.check()
        changed = self._selected_for != (self._inspector, self._inspector.restarts)
        if changed and self._selected_for is not None:
            self._changes += 1
            self._log.notice(
                "the model's structure has changed; its layers are found and compiled again",
                level="info",
                event="structure_changed",
                detail=[self._changes],
            )
        return changed

    def check(self, position: FitPosition, step: int) -> None:
        """Check which weights are not finite at this position, after so many optimizer steps."""
        self.finiteness.update(self.inspector.faults, position, step)

    def caveat(self, picture: GrayPicture | ColorPicture) -> str | None:
        """Return a caveat for a picture that depends on non-finite weights, or None."""
        return (
            self.finiteness.caveat(picture, self.model_outputs) if self.finiteness.faults else None
        )

    def cause(self, output: int) -> str | None:
        """Return why an output of the model is not finite, if its weights are the reason."""
        if not self.finiteness.faults:
            return None
        return self.finiteness.cause(self.model_outputs.final_output(output).reads)

    def report_classes(self, callbacks: Iterable[Viewer]) -> None:
        """Report labels and class names of callbacks that do not fit the model.

        Raises:
            TbvizError: If they are given for an output that the model does not have.
        """
        given = [(one.probe, one.output) for one in callbacks if one.probe is not None]
        if given and self._runs_model:
            report_classes(given, self.model_outputs, self._log)

    def select_outputs(self, callbacks: Iterable[Viewer]) -> None:
        """Make `recording` hold the selected layers of these callbacks, from now on."""
        self._selected_for = self.inspector, self.inspector.restarts
        selected: dict[str, Output] = {}
        first: dict[str, int] = {}
        for callback in callbacks:
            for output in callback.selected:
                selected[output.key] = output
                enough = callback.first_channels.get(output.key, output.channels)
                first[output.key] = max(enough, first.get(output.key, 0))
        self._outputs = sorted(selected.values(), key=lambda output: output.order)
        self._first = {key: count for key, count in first.items() if count < selected[key].channels}

    @property
    def inspector(self) -> ModelInspector:
        """The inspector of the model."""
        if self._inspector is None:
            msg = "the view was not opened on a model; Session does it before each snapshot"
            raise TbvizError(msg)
        return self._inspector

    @property
    def model(self) -> Any:
        """The model."""
        return self.inspector.model

    @property
    def model_outputs(self) -> ModelOutputs:
        """The model's outputs on the probe images; if no callback runs it, its layers alone."""
        if not self._runs_model:
            return model_outputs_without_run(self.model)
        return self.inspector.model_outputs(self._probe_batch.inputs)

    @property
    def recording(self) -> Recording:
        """The recorded outputs at this position: one pass serves all callbacks."""
        if self._recording is None:
            try:
                self._recording = self._record()
            except Exception as error:  # cached: other callbacks need not repeat the failing pass
                self._recording = error
        if isinstance(self._recording, Exception):
            raise self._recording
        return self._recording

    def scores(self, output: int) -> Recording:
        """Return the class scores of an output of the model; of another one, by another pass."""
        if output == self.output.index:
            return self.recording
        if output not in self._of_other_outputs:
            inputs = self._probe_batch.inputs
            found = record(self.inspector, (), inputs, output=output)
            self._of_other_outputs[output] = found
        return self._of_other_outputs[output]

    @property
    def output(self) -> FinalOutput:
        """The output whose scores and predictions are recorded: `output=` of a callback."""
        try:
            return self.model_outputs.final_output(self._output)
        except TbvizError as error:
            text = f"{error}; the predictions are those of the first output"
            self._output = None
            self._log.notice(text, event="left_out", detail=["output"])
            return self.model_outputs.final_output()

    @property
    def probe(self) -> ProbeArrays | None:
        """The probe images of all callbacks together, with the labels of the recorded output."""
        return self.probe_for(self.output) if self._by_output else self._probe_batch.merged

    @property
    def image_count(self) -> int:
        """How many probe images all callbacks have together."""
        return self._probe_batch.count

    @property
    def image_names(self) -> list[str]:
        """The names of the probe images of all callbacks, as the store has them."""
        return self._images.names(self)

    @property
    def shown_probe(self) -> ProbeArrays | None:
        """The probe images of all callbacks, with labels as far as the model's output is known."""
        return self._probe_batch.merged if self._selected_for is None else self.probe

    def probe_for(self, final: FinalOutput) -> ProbeArrays | None:
        """Return the probe images of all callbacks, with the labels of an output of the model."""
        return (
            None
            if self._probe_batch.merged is None
            else self._probe_batch.for_output(final, len(self.model_outputs.final))
        )

    @property
    def _by_output(self) -> bool:
        """Whether labels and class names depend on the output of the model."""
        return self._output is not None or self._probe_batch.by_output

    def probe_of(
        self, callback: Viewer, output: int | None = None
    ) -> tuple[ProbeArrays, list[int]]:
        """Return a callback's probe, and the rows of its images among those of all callbacks.

        Args:
            callback: One of the callbacks of this `fit`.
            output: Index of the output whose labels and class names the probe shall have. Defaults
                to the output of the callback.
        """
        probe, rows = self._probe_batch.rows_for(callback)
        if output is None and not self._by_output:
            return probe, rows
        try:
            final = self.model_outputs.final_output(callback.output if output is None else output)
        except TbvizError:  # of `output=`, which is reported where it is used
            return probe.without_classes(), rows
        return probe.for_output(final, len(self.model_outputs.final)), rows

    def _check_probe(self) -> None:
        """Report once which probe images are not finite."""
        probe = self._probe_batch.merged
        if self._probe_checked or probe is None:
            return
        self._probe_checked = True
        faulty = faulty_images(probe.inputs)
        if not faulty.any():
            return
        names = [name for name, wrong in zip(self.image_names, faulty, strict=True) if wrong]
        several = len(names) > 1
        self._log.notice(
            f"{len(names)} of {len(faulty)} probe images {'contain' if several else 'contains'} "
            f"NaN or infinity, and so does everything computed from {'them' if several else 'it'}: "
            f"{', '.join(names)}",
            "pass finite images, and check how they are normalized",
            event="probe_not_finite",
        )

    def _record(self) -> Recording:
        inputs, output = self._probe_batch.inputs, self.output.index
        recording = record(self.inspector, self._outputs, inputs, self._first, output)
        probe = self.probe
        if probe is not None:
            self._images.predict(self, recording, probe)
        return recording
