"""The former name of `tbviz.methods.feature_maps`, which the function `activations` now has."""

from __future__ import annotations

from tbviz.methods.feature_maps import MOST_CHANNELS, channel_tiles, choose_channels

__all__ = ["MOST_CHANNELS", "channel_tiles", "choose_channels"]
