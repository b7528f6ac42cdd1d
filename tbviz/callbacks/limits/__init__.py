"""Decide when callbacks capture, and limit the time and the bytes that they take."""
