"""The table: every row."""

from __future__ import annotations

from models import applications, heads, inputs, plain, precision, shapes, training

FAMILIES = {
    "How a model is put together": plain.CASES,
    "What comes out": heads.CASES,
    "What goes in": inputs.CASES,
    "Other layers than convolutions over images": shapes.CASES,
    "How it is trained": training.CASES,
    "What it computes in": precision.CASES,
    "`keras.applications`": applications.CASES,
}
