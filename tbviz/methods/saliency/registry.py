"""List the saliency methods by name."""

from __future__ import annotations

from typing import Any

from tbviz.errors import TbvizError
from tbviz.methods.saliency.attribution import Attribution
from tbviz.methods.saliency.gradients import Gradients, GradientsTimesInput
from tbviz.methods.saliency.guided_grad_cam import GuidedGradCam
from tbviz.methods.saliency.integrated_gradients import IntegratedGradients
from tbviz.methods.saliency.occlusion import Occlusion
from tbviz.methods.saliency.smoothgrad import SmoothGrad

ATTRIBUTIONS: dict[str, Attribution] = {
    attribution.name: attribution
    for attribution in (
        Gradients(),
        GradientsTimesInput(),
        SmoothGrad(),
        IntegratedGradients(),
        Occlusion(),
        GuidedGradCam(),
    )
}


def attribution_of(method: str | Attribution) -> Attribution:
    """Return a method by its name; a method with settings is returned unchanged.

    Raises:
        TbvizError: If there is no method of this name.
    """
    if isinstance(method, Attribution):
        return method
    name: Any = method
    if not isinstance(name, str) or name not in ATTRIBUTIONS:
        names = ", ".join(map(repr, ATTRIBUTIONS))
        raise TbvizError(f"received method={method!r}; expected one of {names}")
    return ATTRIBUTIONS[method]
