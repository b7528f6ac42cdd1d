"""Write and read packs and their indexes, and never lose a position (docs/format.md)."""
