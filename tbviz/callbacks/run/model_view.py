"""The model as all callbacks of one `fit` see it at one position."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tbviz.callbacks.run.finiteness import FinitenessLog
from tbviz.callbacks.run.pictures import ColorPicture, GrayPicture
from tbviz.callbacks.run.probe import ProbeArrays
from tbviz.callbacks.run.probe_batch import ProbeBatch
from tbviz.callbacks.run.records import predictions_record, probe_record
from tbviz.callbacks.run.run_log import RunLog
from tbviz.errors import TbvizError
from tbviz.methods.conv_kernels.kernels import model_outputs_without_run
from tbviz.scores.recording import Recording
from tbviz.store.format.schema import Position
from tbviz.taps.input_finiteness import faulty_images
from tbviz.taps.inspector import ModelInspector, inspector_for
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output

if TYPE_CHECKING:
    from tbviz.callbacks.base import Visual


class ModelView:
    """The model at the position that is being logged.

    Args:
        run_log: gets the probe images once, and the predictions at each position.

    Attributes:
        finiteness: which of the weights are not finite, and since when.
    """

    def __init__(self, run_log: RunLog) -> None:
        self.finiteness = FinitenessLog(run_log)
        self._run_log = run_log
        self._probe_batch = ProbeBatch()
        self._runs_model = False
        self._inspector: ModelInspector | None = None
        # The structure that layers were selected for: another inspector is another model.
        self._selected_for: tuple[ModelInspector, int] | None = None
        self._changes = 0
        self._outputs: Sequence[Output] = ()
        self._first: dict[str, int] = {}
        self._recording: Recording | Exception | None = None
        self._probe_written = False
        self._probe_checked = False

    def join(self, callback: Visual) -> None:
        """Add a callback's probe images.

        Raises:
            TbvizError: it does not fit into one batch with those of the others.
        """
        self._runs_model |= callback.runs_model
        if callback.probe is not None:
            self._probe_batch.add(callback, callback.probe)

    def open(self, model: Any) -> bool:
        """Inspect the model as it is now.

        Returns:
            Whether its structure differs from the last snapshot's, or this is the first snapshot.
        """
        self._recording = None
        self._inspector = inspector_for(model)
        if self._runs_model:
            self._probe_batch.blank_for(model)
            self._check_probe()
        self._inspector.check()
        changed = self._selected_for != (self._inspector, self._inspector.restarts)
        if changed and self._selected_for is not None:
            self._changes += 1
            self._run_log.notice(
                "tbviz",
                "the model's structure has changed; its layers are found and compiled again",
                level="info",
                event="structure_changed",
                detail=[self._changes],
            )
        return changed

    def check(self, position: Position, step: int) -> None:
        """Check which weights are not finite at this position, after so many optimizer steps."""
        self.finiteness.update(self.inspector.faults, position, step)

    def caveat(self, picture: GrayPicture | ColorPicture) -> str | None:
        """Return a caveat for a picture that depends on non-finite weights, or `None`."""
        return (
            self.finiteness.caveat(picture, self.model_outputs) if self.finiteness.faults else None
        )

    @property
    def cause(self) -> str | None:
        """The reason why the model's output is not finite, if its weights are the reason."""
        return (
            self.finiteness.cause(self.model_outputs.output_reads)
            if self.finiteness.faults
            else None
        )

    def select_outputs(self, callbacks: Iterable[Visual]) -> None:
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

    @property
    def probe(self) -> ProbeArrays | None:
        """The probe images of all callbacks together."""
        return self._probe_batch.merged

    def probe_of(self, callback: Visual) -> tuple[ProbeArrays, list[int]]:
        """Return a callback's probe, and the rows of its images among those of all callbacks."""
        return self._probe_batch.rows_for(callback)

    def _check_probe(self) -> None:
        """Report once which probe images are not finite."""
        if self._probe_checked or self.probe is None:
            return
        self._probe_checked = True
        faulty = faulty_images(self.probe.inputs)
        if not faulty.any():
            return
        names = [name for name, wrong in zip(self.probe.names(), faulty, strict=True) if wrong]
        several = len(names) > 1
        self._run_log.notice(
            "tbviz",
            f"{len(names)} of {len(faulty)} probe images {'hold' if several else 'holds'} NaN or "
            f"infinity, and so does whatever is computed of {'them' if several else 'it'}: "
            f"{', '.join(names)}",
            "give finite images, and check how they are normalized",
            event="probe_not_finite",
        )

    def _record(self) -> Recording:
        recording = self.inspector.record(self._outputs, self._probe_batch.inputs, self._first)
        probe = self.probe
        if probe is not None:
            if not self._probe_written:
                self._probe_written = True
                record = probe_record(probe)
                if record is not None:
                    self._run_log.add(record)
            self._run_log.add(predictions_record(recording, probe.labels))
        return recording
