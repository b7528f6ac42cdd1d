"""Run the command line, one file per subcommand; join the other packages, compute nothing."""
