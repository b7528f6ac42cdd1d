"""Becomes another program with the signals as a person's shell has them: python begin.py COMMAND...

What was started in the background of a script ignores Ctrl-C, what `nohup` started ignores that
the terminal is gone, and all that they start does the same.
"""

from __future__ import annotations

import os
import signal
import sys

if __name__ == "__main__":
    for number in signal.valid_signals():
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.execvp(sys.argv[1], sys.argv[1:])
