"""The table: every row."""

from __future__ import annotations

from models import heads, inputs, plain

FAMILIES = {
    "How a model is put together": plain.CASES,
    "What comes out": heads.CASES,
    "What goes in": inputs.CASES,
}
