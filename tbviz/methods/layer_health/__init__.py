"""Compute numbers that show whether a layer is healthy, and give advice."""
