"""Compute saliency: the pixels of an image that a class score depends on."""
