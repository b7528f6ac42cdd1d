"""A plugin of pytest for Keras before 3.14: `set_random_seed` begins the global seeds anew, too.

There, the seeds that layers and functions without a seed of their own share go on where the last
fit has left them, so that two equal fits of one process differ, with tbviz or without.
"""

from __future__ import annotations

import keras
from keras.src.backend.common import global_state

_set_random_seed = keras.utils.set_random_seed


def set_random_seed(seed):
    _set_random_seed(seed)
    global_state.set_global_attribute("global_seed_generator", None)


keras.utils.set_random_seed = set_random_seed
