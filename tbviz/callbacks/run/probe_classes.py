"""Report labels and class names of probe images that do not fit the outputs of the model."""

from __future__ import annotations

from collections.abc import Iterable

from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.probe import ProbeArrays
from tbviz.errors import TbvizError
from tbviz.scores.output_head import OutputHead, head_of
from tbviz.taps.final_outputs import FinalOutput, OutputName
from tbviz.taps.model_outputs import ModelOutputs


def report_classes(
    probes: Iterable[tuple[ProbeArrays, OutputName | None]],
    model_outputs: ModelOutputs,
    log: CallbackLog,
) -> None:
    """Report labels that are no classes, and class names that are not as many as the classes.

    Args:
        probes: The probe images of each callback, and the output that it explains.
        model_outputs: Of the model.
        log: Takes the notices.

    Raises:
        TbvizError: If labels or class names are given for an output that the model does not have.
    """
    errors: dict[str, None] = {}
    for probe, output in probes:
        try:
            probe.given.check(model_outputs.final)
        except TbvizError as error:
            errors[str(error)] = None
            continue
        try:
            final = model_outputs.final_output(output)
        except TbvizError:  # of `output=`, which is reported where it is used
            continue
        _report_labels(probe, final, model_outputs, log)
        if output is None:
            _report_choice(probe, final, model_outputs, log)
        for key, names in probe.given.names.items():
            if names is not None:
                head = head_of(model_outputs, final.index if key is None else key)
                report_names(names, head, model_outputs, log)
    if errors:
        raise TbvizError("; ".join(errors))


def report_names(
    names: list[str], head: OutputHead, model_outputs: ModelOutputs, log: CallbackLog
) -> None:
    """Report class names that are not as many as the classes of an output."""
    named, count = len(names), head.classes
    if named == count or count < 2:  # the names of a model without classes are those of the labels
        return
    where = _where(model_outputs.final_output(head.output), model_outputs)
    classes = f"{count} class{'es' if count != 1 else ''}"
    text = f"class_names received {named} name{'s' if named != 1 else ''}; the model has {classes}"
    rest = "the other classes are shown by their number"
    if named > count:
        extra = named - count
        rest = f"the last {extra} names are ignored" if extra > 1 else "the last name is ignored"
    log.notice(
        f"{text}{where}, so {rest}",
        "pass one name per class, in the order of the model's classes",
        event="left_out",
        detail=["class_names", head.output, named, count],
    )


def _report_labels(
    probe: ProbeArrays, final: FinalOutput, model_outputs: ModelOutputs, log: CallbackLog
) -> None:
    outputs = len(model_outputs.final)
    missing = probe.for_output(final, outputs, final.index).missing
    if missing is None:
        return
    others = [
        repr(one.label or one.index)
        for one in model_outputs.final
        if probe.for_output(one, outputs, final.index).labels is not None
    ]
    remedy = f"pass output={' or output='.join(others)} to show its classes" if others else None
    # Those of a regression or of a segmentation are just what such a model is trained with.
    expected = not _has_one_class(head_of(model_outputs, final.index), final)
    log.notice(
        f"the labels{_where(final, model_outputs)} are not shown as classes: {missing.why}",
        remedy or missing.remedy,
        level="info" if not others and (probe.given.found or expected) else "warning",
        event="left_out",
        detail=["labels", final.index],
    )


def _report_choice(
    probe: ProbeArrays, final: FinalOutput, model_outputs: ModelOutputs, log: CallbackLog
) -> None:
    """Report whose labels and class names are taken, if the model has several outputs."""
    given = {"labels": probe.given.labels, "class_names": probe.given.names}
    plain = [name for name, values in given.items() if values.get(None) is not None]
    if not plain or len(model_outputs.final) < 2:
        return
    names = " and ".join(plain)
    log.notice(
        f"{names} are taken as those{_where(final, model_outputs)}, the first one of the model's "
        f"{len(model_outputs.final)}, which is explained",
        f"pass output= for another one, or {names} as dicts by output",
        level="info",
        event="left_out",
        detail=["output", *plain],
    )


def _has_one_class(head: OutputHead, final: FinalOutput) -> bool:
    """Return whether an output gives one class per image."""
    return head.kind in ("softmax", "distribution", "binary") and len(final.shape) <= 2


def _where(final: FinalOutput, model_outputs: ModelOutputs) -> str:
    return f" of output {final.label or final.index!r}" if len(model_outputs.final) > 1 else ""
