"""One run as arrays and pictures: what `tbviz.open_run` returns and the plugin serves over HTTP."""
