"""Compute feature maps, and pictures that are made of them."""
