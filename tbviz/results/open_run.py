"""`open_run`: read what was logged in a notebook or a script."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tbviz.errors import TbvizError
from tbviz.results.requests import listed
from tbviz.results.run import Run
from tbviz.results.runs_under import is_store, runs_under
from tbviz.store.disk.listing import is_directory
from tbviz.store.disk.locations import usable_location
from tbviz.store.errors import StoreError
from tbviz.store.format.foreign_format import clause
from tbviz.store.read.folder import folder_of
from tbviz.store.read.reader import Reader

if TYPE_CHECKING:
    from tbviz.store.disk.locations import Location

# Seconds: a position that is being written is not seen in part, as in the page.
_TIMEOUT = 1.0
# Directories that are searched for what an error may name.
_SEARCHED = 2000


def open_run(log_dir: str | os.PathLike[str]) -> Run:
    """Open what was logged, as arrays and pictures.

    It reads the files that the callbacks have written, needs neither Keras nor a backend, and never
    changes anything. A training that is still running can be opened; `refresh` reads what is new.

    Args:
        log_dir: The log directory that the callbacks got: a path, or a URI such as
            `"s3://bucket/logs/run"`. The store in it (`plugins/tbviz`) is accepted, too.

    Returns:
        The run.

    Raises:
        TbvizError: If nothing was logged there, if several runs are below it, or if everything
            there is in another format than this tbviz reads.

    Example:
        >>> run = tbviz.open_run("logs/run")
        >>> run.metrics()["val_loss"].min()
        >>> run.health()["conv1"]["dead"]
        >>> maps = run.tiles("activations", "conv1", position=-1, image=0)
        >>> run.picture("cam", "conv4", image="cat").save("cat.png")
    """
    store = _store(log_dir)
    reader = Reader(store, _TIMEOUT)
    if not reader.folder.reachable():
        raise StoreError(f"cannot list {store}; expected a readable directory")
    reader.refresh()
    if reader.segments and all(segment.refused for segment in reader.segments):
        raise StoreError(f"cannot read anything logged in {log_dir}{clause(reader.refused)}")
    return Run(str(log_dir), reader)


def _store(log_dir: str | os.PathLike[str]) -> Location:
    """Return the location of the store of exactly one run."""
    location = usable_location(log_dir)
    if is_store(location):
        return location
    store = location / "plugins" / "tbviz"
    exists = is_directory(store) if isinstance(store, Path) else bool(folder_of(store).packs())
    if exists:
        return store
    names = [found.name for found in runs_under(log_dir, _SEARCHED)]
    one = location / names[0]
    raise TbvizError(
        f"received {log_dir}, which is not a run; expected the log_dir of one of the runs below "
        f"it: {listed(names)}; for example, tbviz.open_run({str(one)!r})"
    )
