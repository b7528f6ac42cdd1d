"""Class activation maps: the areas of a picture that a class score depends on; one file each."""
