"""Feature maps, and pictures made of them."""
