"""Run one `fit`: the session, its log, and its probe images."""
