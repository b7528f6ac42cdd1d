"""The former name of `tbviz.methods.layer_health`, since `health` is a function."""

from __future__ import annotations

from tbviz.methods.layer_health import COLUMNS, gray, layer_numbers

__all__ = ["COLUMNS", "gray", "layer_numbers"]
