"""Provide data and a small network to try tbviz on: ten photographs, or handwritten digits."""
