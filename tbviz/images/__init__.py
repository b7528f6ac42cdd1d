"""Turn arrays into pictures and back: ranges, sheets, color maps, overlays; numpy and Pillow."""
