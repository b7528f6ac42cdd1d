"""Arrays to pictures and back: ranges, sheets, colour maps, overlays; numpy and Pillow only."""
