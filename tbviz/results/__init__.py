"""Read one run as arrays and pictures, for `tbviz.open_run` and for HTTP."""
