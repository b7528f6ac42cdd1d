"""The TensorBoard plugin: a thin HTTP API over the store (http_api.md), and the page's files.

Importing this loads nothing: TensorBoard does it at start, wherever tbviz is installed.
"""
