"""Access the location of a store: files, locks, and object stores."""
