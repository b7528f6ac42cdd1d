"""Make the layer tree that the page shows: the layers, and why a layer has no picture."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tbviz.callbacks.run.pictures import MetaRecord
from tbviz.callbacks.run.submodel_naming import SubmodelNaming
from tbviz.store.format.schema import encode_json
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output
from tbviz.taps.paths import Node

# The settings that the page shows; the rest of a configuration is initializers and the like.
_SETTINGS = (
    "filters",
    "units",
    "kernel_size",
    "strides",
    "padding",
    "dilation_rate",
    "groups",
    "depth_multiplier",
    "pool_size",
    "activation",
    "rate",
    "scale",
    "offset",
    "axis",
    "momentum",
    "epsilon",
    "factor",
    "size",
    "num_heads",
    "key_dim",
    "dtype",
)


def model_record(model: Any, nodes: Iterable[dict[str, Any]]) -> MetaRecord:
    """Return the `model` record.

    Args:
        model: The Keras model.
        nodes: The layer tree. The first node of a path counts.
    """
    meta = {
        "kind": "model",
        "media": "json",
        "name": model.name,
        "class": type(model).__name__,
        "parameters": _count(model.weights),
        "trainable": _count(model.trainable_variables),
    }
    by_path: dict[str, dict[str, Any]] = {}
    for node in nodes:
        by_path.setdefault(node["path"], node)
    return MetaRecord(meta, [encode_json({"nodes": [*by_path.values()]})], positioned=False)


def model_nodes(
    model: Any,
    model_outputs: ModelOutputs,
    logged_kinds: Mapping[str, list[str]],
    naming: SubmodelNaming | None = None,
) -> list[dict[str, Any]]:
    """Return the nodes of the layer tree; a submodel is the root of its layers.

    Args:
        model: The Keras model.
        model_outputs: Its outputs.
        logged_kinds: By path of a layer in the store, the kinds of its pictures and numbers.
        naming: Of the model's layers. Defaults to None: the fitted model.
    """
    tree = _Tree(model_outputs, logged_kinds, naming or SubmodelNaming())
    layers = [entry for node in model_outputs.nodes for entry in tree.entries(node)]
    return [*tree.root(model), *layers]


@dataclass(frozen=True)
class _Tree:
    model_outputs: ModelOutputs
    logged_kinds: Mapping[str, list[str]]
    naming: SubmodelNaming

    def root(self, model: Any) -> list[dict[str, Any]]:
        path = self.naming.path("")
        if not path:
            return []
        entry: dict[str, Any] = {
            "path": path,
            "name": path,
            "class": type(model).__name__,
            "parent": None,
            "shape": None,
            "parameters": _count(model.weights),
            "trainable": bool(model.trainable_variables),
            "config": {},
            "kinds": self.logged_kinds.get(path, []),
            "reason": None,
        }
        return [entry]

    def entries(self, node: Node) -> list[dict[str, Any]]:
        """Return one entry, or one per call if the layer is called more than once."""
        outputs = self.model_outputs.outputs_at(node.path)
        if not outputs:
            reason = self.model_outputs.unreachable.get(node.path)
            return [self._entry(node, node.path, None, [], reason)]
        entries = []
        for output in outputs:
            kinds = self.logged_kinds.get(self.naming.path(output.key), [])
            single = output.whole or isinstance(node.layer, keras.layers.Wrapper)
            # Layers without maps may have kernels.
            output_kinds = [kind for kind in kinds if not kind.startswith("kernels")]
            reason = _reason(output) if single and not output_kinds else None
            entries.append(self._entry(node, output.key, output, kinds, reason))
        return entries

    def _entry(
        self, node: Node, key: str, output: Output | None, kinds: list[str], reason: str | None
    ) -> dict[str, Any]:
        return {
            "path": self.naming.path(key),
            "name": key.rsplit("/", 1)[-1],
            "class": node.kind,
            "parent": self.naming.path(node.parent or "") or None,
            "shape": list(output.shape[1:]) if output is not None else None,
            "parameters": _count(getattr(node.layer, "variables", ())),
            "trainable": bool(getattr(node.layer, "trainable_variables", ())),
            "config": {**_config(node.layer), **_frame(output)},
            "kinds": kinds,
            "reason": reason,
        }


def _reason(output: Output) -> str:
    if output.spatial:
        return (
            "left out by default: a few layers spread over the depth are shown; "
            f"pass layers=[..., {output.key!r}] for this one"
        )
    if output.reason is not None:
        return output.reason
    return "its maps are one pixel high or wide: one number per channel, and nothing to draw"


def _frame(output: Output | None) -> dict[str, str]:
    """Return, beside a layer's settings, which of several frames is captured."""
    if output is None or output.frames is None:
        return {}
    return {"frame": f"0 of {output.frames}"}


def _config(layer: Any) -> dict[str, Any]:
    try:
        config = layer.get_config()
    except Exception:  # a custom layer's own code: without settings it is still shown
        return {}
    if isinstance(layer, keras.Model):
        return {}
    return {name: _to_json(config[name]) for name in _SETTINGS if config.get(name) is not None}


def _to_json(value: Any) -> Any:
    """Convert a setting to JSON values; objects become their names."""
    if isinstance(value, dict):
        inner = value.get("config")
        named = inner.get("name") if isinstance(inner, dict) else inner
        return named if isinstance(named, str) else value.get("class_name", str(value))
    try:
        json.dumps(value)
    except TypeError:
        return str(value)
    return value


def _count(variables: Any) -> int:
    return int(sum(int(np.prod(variable.shape)) for variable in variables))
