"""Build the layer tree of a synthetic run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from made_stores import Layer


def tree(layers: Sequence[Layer]) -> list[dict]:
    """Return the nodes of a layer tree: these layers, their parents, and two without pictures."""
    nodes: dict[str, dict] = {}
    for layer in layers:
        parts = layer.path.split("/")
        for depth in range(1, len(parts)):
            path = "/".join(parts[:depth])
            nodes.setdefault(path, _node(path, "Functional", None, [], {}))
        shape = [layer.height, layer.width, layer.channels]
        kinds, config = ["activations", "health"], {}
        if layer.type == "Conv2D":
            kinds.append("maximization")
            config = {"filters": layer.channels, "kernel_size": [3, 3], "activation": "relu"}
        if layer is layers[-1]:
            kinds.append("cam")
        nodes[layer.path] = _node(layer.path, layer.type, shape, kinds, config)
    prefix = "head/" if "head" in nodes else ""
    reason = "its output has no height and width"
    for name, type_ in (("memory", "LSTM"), ("scores", "Dense")):
        nodes[prefix + name] = _node(prefix + name, type_, [None, 5], [], {}, reason)
    return list(nodes.values())


def _node(path: str, type_: str, shape, kinds, config, reason: str | None = None) -> dict:
    parent, _, name = path.rpartition("/")
    return {
        "path": path, "name": name, "class": type_, "parent": parent or None, "shape": shape,
        "parameters": 1000 if type_ == "Conv2D" else 0, "trainable": True, "config": config,
        "kinds": kinds, "reason": reason,
    }  # fmt: skip
