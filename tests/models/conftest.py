from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "every_row: a row of the table that not every run has")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the rows of `make test-all`, unless they are asked for: `-m every_row`."""
    if "every_row" in config.option.markexpr:
        return
    left_out = [item for item in items if "every_row" in item.keywords]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if "every_row" not in item.keywords]
