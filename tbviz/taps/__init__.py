"""Taps: read or nudge the output of any layer while the model runs once, and leave no trace."""
