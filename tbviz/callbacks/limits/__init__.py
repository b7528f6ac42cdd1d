"""When callbacks capture, and what they may cost."""
