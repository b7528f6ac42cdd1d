"""List the class activation maps by name."""

from __future__ import annotations

from tbviz.errors import TbvizError
from tbviz.methods.cams.cam import Cam
from tbviz.methods.cams.eigen_cam import EigenCam
from tbviz.methods.cams.grad_cam import GradCam
from tbviz.methods.cams.grad_cam_plus_plus import GradCamPlusPlus
from tbviz.methods.cams.hires_cam import HiResCam
from tbviz.methods.cams.layer_cam import LayerCam
from tbviz.methods.cams.score_cam import ScoreCam

CAMS: dict[str, Cam] = {
    cam.name: cam
    for cam in (GradCam(), GradCamPlusPlus(), HiResCam(), LayerCam(), ScoreCam(), EigenCam())
}


def cam_of(method: str | Cam) -> Cam:
    """Return a method by its name, or one with settings of its own such as `ScoreCam(channels=16)`.

    Raises:
        TbvizError: If there is no method of this name.
    """
    if isinstance(method, Cam):
        return method
    if method not in CAMS:
        msg = f"received method={method!r}; expected one of {', '.join(map(repr, CAMS))}"
        raise TbvizError(msg)
    return CAMS[method]
