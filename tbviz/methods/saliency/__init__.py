"""Saliency: the pixels of an image that a class score depends on. A method is one file."""
