"""Log what a model learns while `fit` runs: the callbacks that a user imports."""
