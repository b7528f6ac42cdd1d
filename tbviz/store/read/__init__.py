"""Read a store, also while it is written, damaged or deleted."""
