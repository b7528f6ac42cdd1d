"""The command line, one file a subcommand; it joins the other packages and computes nothing."""
