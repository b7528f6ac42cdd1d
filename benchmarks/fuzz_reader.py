"""Feed a reader with the inputs of a coverage-guided fuzzer: python benchmarks/fuzz_reader.py.

It needs atheris (`pip install atheris`), which `make test` does not. Options are libFuzzer's:
`-max_total_time=300` ends after five minutes, `-runs=100000` after that many runs. Its findings are
written to `crash-*` in the working directory; a reader must never raise, hang or use much memory.
"""

from __future__ import annotations

import sys
import tempfile
import zlib
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["tbviz"]):
    from tbviz.store.disk.locations import store_directory
    from tbviz.store.errors import StoreError
    from tbviz.store.format.schema import encode_json
    from tbviz.store.read import run_index
    from tbviz.store.read.reader import open_reader

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from forged_stores import HONEST, ForgedStore

KINDS = sorted(HONEST)
LOG_DIR = Path(tempfile.mkdtemp())


def texts(source: atheris.FuzzedDataProvider) -> str:
    """Return a valid meta with a part of it overwritten."""
    text = encode_json(HONEST[KINDS[source.ConsumeIntInRange(0, len(KINDS) - 1)]][0]).decode()
    at = source.ConsumeIntInRange(0, len(text))
    made_up = source.ConsumeUnicodeNoSurrogates(source.ConsumeIntInRange(0, 60))
    return text[:at] + made_up + text[at + source.ConsumeIntInRange(0, 30) :]


def one_input(data: bytes) -> None:
    """Read one store: valid records, made-up metas with right CRCs, then made-up bytes."""
    source = atheris.FuzzedDataProvider(data)
    forged = ForgedStore(LOG_DIR)
    for _ in range(source.ConsumeIntInRange(0, 4)):
        forged.add(texts(source), b"payload"[: source.ConsumeIntInRange(0, 7)])
    for file in (forged.pack, forged.index):
        at = source.ConsumeIntInRange(0, len(file))
        file[at : at + source.ConsumeIntInRange(0, 100)] = source.ConsumeBytes(100)
    forged.write(index=source.ConsumeBool())
    run = open_reader(LOG_DIR)
    run_index.since(run, run_index.run_index(run)["cursor"])
    for kind, layer in run.series():
        for position in range(min(len(run), 4)):
            try:
                picture = run.picture(kind, layer, position)
            except StoreError:
                continue
            found = run.find(kind, layer, position)
            assert zlib.crc32(picture) == found.crc
    run.refresh()
    for path in store_directory(LOG_DIR).iterdir():
        path.unlink()


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
