"""Read a store, even while it is being written, damaged or deleted."""
