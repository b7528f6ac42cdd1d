"""Writer processes that are killed at random moments: python killed_writer.py DIRECTORY COUNT SEED.

One process imports what they need and makes each of them in turn. Prints a line a writer: the
last position that was handed over to the writer's thread, -1 for none. All before it are on disk.
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

from tbviz.store import BackgroundWriter, Position, Writer

LAYERS = ("conv1", "conv2", "head/conv3")
LAST = 8  # the last position after whose handing over one is killed
LONGEST = 0.02  # seconds from then on: some positions
LAYOUT = {**stores.LAYOUT, "tile": [64, 64], "images": 2}


def sheets(epoch: int, layer: str) -> list[bytes]:
    """What the sheets of a layer hold, some 20 KB each."""
    draw = random.Random(f"{epoch} {layer}")
    return [draw.randbytes(20_000 + epoch), draw.randbytes(20_000 - epoch)]


def write(writer: Writer, epoch: int) -> None:
    """One position of several records."""
    where = Position(epoch).fields()
    for layer in LAYERS:
        layout = writer.layout({**LAYOUT, "layer": layer})
        writer.append(
            {"kind": "activations", **where, "layer": layer, "layout": layout, "media": "gray8"},
            sheets(epoch, layer),
            [(0.0, 1.0, 0.25, 0.75)] * 2,
        )
    writer.append({"kind": "metrics", **where, "values": {"loss": epoch}})


def live(log_dir: Path, pipe: int) -> None:
    """Writes until it is killed; says each position that was handed over."""
    background = BackgroundWriter(Writer(log_dir))
    for epoch in range(10_000):
        background.submit(lambda writer, epoch=epoch: write(writer, epoch))
        os.write(pipe, struct.pack("<i", epoch))


def die(log_dir: Path, epoch: int, seconds: float) -> int:
    """Makes a writer and kills it so long after this position, -1 for its beginning.

    Returns:
        What it said last.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        live(log_dir, writing)
    os.close(writing)
    said = b""
    while _last(said) < epoch and (block := os.read(reading, 1 << 16)):
        said += block
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while block := os.read(reading, 1 << 16):
        said += block
    os.close(reading)
    return _last(said)


def _last(said: bytes) -> int:
    return struct.unpack("<i", said[-4:])[0] if said else -1


if __name__ == "__main__":
    directory, count, seed = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    moments = random.Random(seed)
    for number in range(count):
        # Counted, not timed alone: how far one gets in so long depends on the disk.
        epoch, seconds = moments.randint(-1, LAST), moments.uniform(0, LONGEST)
        print(die(directory / str(number), epoch, seconds), flush=True)
