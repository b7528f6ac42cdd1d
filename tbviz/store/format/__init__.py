"""Define the format of a store: the records, their fields, and the names of its files."""
