"""Decide when callbacks capture, and keep what they cost below the limits."""
