"""Show that a change of names changed nothing but names.

`record` writes down what the tree that it lies in computes, stores, serves and draws. `compare`
translates an old recording by `renames.py` and expects the new one. The recorder knows the names
of its own tree, so that each tree has a copy; what it knows of them stands in `names.py`,
`training.py` and `functions.py`.
"""
