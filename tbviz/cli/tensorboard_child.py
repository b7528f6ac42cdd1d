"""Run TensorBoard as a child that ends with its parent, even if the parent is killed.

The parent holds the other end of the standard input; if it is gone, reading ends. TensorBoard ends
its own data server in the same way (`--die-after-stdin`).
"""

from __future__ import annotations

import os
import runpy
import sys
import threading


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    runpy.run_module("tensorboard.main", run_name="__main__", alter_sys=True)
