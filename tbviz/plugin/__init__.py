"""Serve the store over HTTP (http_api.md), and the files of the page, as a TensorBoard plugin.

This module loads nothing, because TensorBoard imports it when it starts.
"""
