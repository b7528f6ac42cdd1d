"""Callbacks: when, at what, and what if it fails. They join taps, methods, images and store."""
