"""Check, repair and prune stores."""
