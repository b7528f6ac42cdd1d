"""Prints docs/models.md: `python tests/models/print_table.py > docs/models.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.case import Case

_TOP = """\
# Models that tbviz inspects

Each row is a model, and each column is a kind of picture (or numbers). A cell says *drawn* if tbviz
drew it after a real `fit`. Otherwise, the cell has the reason that tbviz gives. The tests fit every
row on each backend and compare (`tests/models/`). `make test` runs one row of every kind, and
`make test-all` runs all of them. This page is printed from the same rows:
`python tests/models/print_table.py > docs/models.md`.

A row is the same on TensorFlow, JAX and torch unless it says otherwise. If a `fit` without tbviz
already fails, its message is in the last column. If that depends on the CPU, the tests accept both:
the message, or everything that the row says. The page's layer tree also names the reason if a layer
is not drawn. `MirroredStrategy` is tested separately, in its own process
(`tests/callbacks/test_strategy.py`).
"""

_NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "torch"}


def page(families: Mapping[str, Sequence[Case]], methods: Mapping[str, str]) -> str:
    """The whole page as Markdown."""
    return "\n".join([_TOP, *(_section(name, rows, methods) for name, rows in families.items())])


def _section(name: str, rows: Sequence[Case], methods: Mapping[str, str]) -> str:
    columns = ["model", *methods.values(), "remarks"]
    lines = [f"## {name}\n", _line(columns), _line(["---"] * len(columns))]
    for row in rows:
        drawn = _drawn(row)
        cells = [row.cells.get(method, drawn) for method in methods]
        cells = [
            "the same" if text != drawn and text == left else text
            for left, text in zip(["", *cells], cells, strict=False)
        ]
        lines.append(_line([row.name, *cells, "; ".join(_remarks(row, methods))]))
    return "\n".join([*lines, ""])


def _drawn(row: Case) -> str:
    """The word for it, and which backends do not fit the row at all, or not on every CPU."""
    sometimes = [name for backend, name in _NAMES.items() if backend in row.cpu_decides]
    fitting = {*row.backends} - {*row.refused} | {*row.cpu_decides}
    never = [name for backend, name in _NAMES.items() if backend not in fitting]
    exceptions = [f"not on {' or '.join(never)}"] if never else []
    exceptions += [f"on {' and '.join(sometimes)} not on every CPU"] if sometimes else []
    return f"drawn ({'; '.join(exceptions)})" if exceptions else "drawn"


def _remarks(row: Case, methods: Mapping[str, str]) -> Iterator[str]:
    """What a reader should know, and what is different on one backend."""
    if row.remark:
        yield row.remark
    for path, reason in row.reasons.items():
        yield f"`{path}`: {reason}"
    for backend, name in _NAMES.items():
        if backend in row.refused:
            where = ", on some CPUs" if backend in row.cpu_decides else ""
            yield f'{name}{where}: a plain `fit` says "{row.refused[backend]}"'
        for method, text in row.on.get(backend, {}).items():
            yield f"{name}, {methods[method]}: {text}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from models.case import METHODS
    from models.cases import FAMILIES

    print(page(FAMILIES, METHODS), end="")
