"""Write into one log directory from several processes at once.

python parallel_writers.py LOGDIR COUNT EPOCHS
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import killed_writer

from tbviz.store.write.background import BackgroundWriter
from tbviz.store.write.writer import Writer

if __name__ == "__main__":
    log_dir, count, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for _ in range(count):
        if os.fork() == 0:
            background = BackgroundWriter(Writer(log_dir))
            for epoch in range(epochs):
                background.submit(lambda writer, epoch=epoch: killed_writer.write(writer, epoch))
            background.close()
            os._exit(0)
    codes = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(count)]
    sys.exit(max(codes, key=abs))
