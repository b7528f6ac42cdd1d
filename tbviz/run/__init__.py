"""Read one run as arrays and pictures, for `tbviz.open_run` and for the plugin's HTTP API."""
