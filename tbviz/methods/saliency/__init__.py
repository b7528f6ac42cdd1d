"""Saliency: which pixels of an image a class score comes from. A method is one file."""
