"""Compute numbers that show whether a layer is healthy, and the advice that follows from them."""
