"""Compute class activation maps: the areas of an image that a class score depends on."""
