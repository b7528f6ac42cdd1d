"""Find out whether Keras and its backend are installed, without importing them."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

from tbviz.errors import MissingBackendError

# What `pip install 'tbviz[...]'` offers; Keras' other backends (numpy, openvino) cannot train.
_EXTRAS = ("tensorflow", "jax", "torch")


def chosen_backend() -> str:
    """Return the name of the backend that Keras uses or will use, such as `"tensorflow"`.

    The order is the one of Keras: an imported Keras, `KERAS_BACKEND`, `keras.json` in
    `KERAS_HOME` or `~/.keras`, and `"tensorflow"`.
    """
    keras = sys.modules.get("keras")
    if keras is not None and hasattr(keras, "config"):
        return str(keras.config.backend())
    if name := os.environ.get("KERAS_BACKEND"):
        return name
    home = os.environ.get("KERAS_HOME")
    settings = (Path(home) if home else Path("~/.keras").expanduser()) / "keras.json"
    try:
        return str(json.loads(settings.read_text(encoding="utf-8"))["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


def require_backend(needed_by: str) -> None:
    """Check that Keras and its chosen backend are installed.

    Only their presence is checked. An error that they raise while they are imported reaches the
    user unchanged.

    Args:
        needed_by: The public name that needs them, for the message.

    Raises:
        MissingBackendError: If one of them is missing; the message has the command to type.
    """
    backend = chosen_backend()
    missing = [name for name in ("keras", backend) if not _installed(name)]
    if not missing:
        return
    raise MissingBackendError(
        f"{needed_by} needs Keras 3 and its backend {backend!r}, but no module named "
        f"{' and '.join(missing)} was found. {_remedy(backend)}"
    )


def _remedy(backend: str) -> str:
    """Name the nearest remedy first: a backend that is installed and only needs to be selected."""
    others = [name for name in _EXTRAS if name != backend]
    install = f"pip install 'tbviz[{backend}]'"
    if here := [name for name in others if _installed(name)]:
        found = here[0]
        remedy = (
            f"{found} is installed: set KERAS_BACKEND={found} before Keras is imported "
            f"(KERAS_BACKEND={found} python train.py)."
        )
        return f"{remedy} Or type: {install}." if backend in _EXTRAS else remedy
    if backend in _EXTRAS:
        return (
            f"Type: {install}. For another backend: pip install 'tbviz[{others[0]}]' or "
            f"'tbviz[{others[1]}]', and set KERAS_BACKEND={others[0]} or {others[1]} before Keras "
            "is imported."
        )
    return (
        f"Expected one of {', '.join(_EXTRAS)}, which can train. Type, for example: "
        "pip install 'tbviz[jax]', and set KERAS_BACKEND=jax before Keras is imported."
    )


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:  # it was put into sys.modules by hand, without a spec
        return True
    except ModuleNotFoundError:
        return False
