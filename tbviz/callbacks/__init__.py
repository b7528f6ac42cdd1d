"""Log what a model learns. Callbacks join `taps`, `methods`, `images` and `store`."""
