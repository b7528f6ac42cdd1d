"""Where a store lies: files, locks, and object stores."""
