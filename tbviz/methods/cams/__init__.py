"""Class activation maps: where in a picture a class score comes from. A variant is one file."""
