"""Kill writer processes at random moments: python killed_writer.py DIRECTORY COUNT SEED.

One process imports everything and forks the writers in turn. It prints one line per writer: the
last position that was submitted to the writer's thread, -1 for none. All before it are on disk.
"""

from __future__ import annotations

import os
import random
import signal
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import stores

from tbviz.store.format.schema import FitPosition
from tbviz.store.write.background import BackgroundWriter
from tbviz.store.write.writer import Writer

LAYERS = ("conv1", "conv2", "head/conv3")
LAST = 8  # the last position after which a writer is killed
MAX_SECONDS = 0.02  # seconds from then on: some positions
LAYOUT = {**stores.LAYOUT, "tile": [64, 64], "images": 2}


def sheets(epoch: int, layer: str) -> list[bytes]:
    """Return the sheets of a layer, some 20 KB each."""
    draw = random.Random(f"{epoch} {layer}")
    return [draw.randbytes(20_000 + epoch), draw.randbytes(20_000 - epoch)]


def write(writer: Writer, epoch: int) -> None:
    """Append one position of several records."""
    where = FitPosition(epoch).fields()
    for layer in LAYERS:
        layout = writer.layout({**LAYOUT, "layer": layer})
        writer.append(
            {"kind": "activations", **where, "layer": layer, "layout": layout, "media": "gray8"},
            sheets(epoch, layer),
            [(0.0, 1.0, 0.25, 0.75)] * 2,
        )
    writer.append({"kind": "metrics", **where, "values": {"loss": epoch}})


def live(log_dir: Path, pipe: int) -> None:
    """Write until the process is killed; report each position that was submitted."""
    background = BackgroundWriter(Writer(log_dir))
    for epoch in range(10_000):
        background.submit(lambda writer, epoch=epoch: write(writer, epoch))
        os.write(pipe, struct.pack("<i", epoch))


def die(log_dir: Path, epoch: int, seconds: float) -> int:
    """Fork a writer and kill it this many seconds after a position, -1 for its beginning.

    Returns:
        The last position that it reported.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        live(log_dir, writing)
    os.close(writing)
    reported = b""
    while _last_epoch(reported) < epoch and (block := os.read(reading, 1 << 16)):
        reported += block
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while block := os.read(reading, 1 << 16):
        reported += block
    os.close(reading)
    return _last_epoch(reported)


def _last_epoch(reported: bytes) -> int:
    return struct.unpack("<i", reported[-4:])[0] if reported else -1


if __name__ == "__main__":
    directory, count, seed = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    moments = random.Random(seed)
    for number in range(count):
        # Counted, not only timed: how far a writer gets in a time depends on the disk.
        epoch, seconds = moments.randint(-1, LAST), moments.uniform(0, MAX_SECONDS)
        print(die(directory / str(number), epoch, seconds), flush=True)
