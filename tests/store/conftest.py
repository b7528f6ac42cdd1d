from __future__ import annotations

import sys
from pathlib import Path

# For the helper modules: pytest's importlib mode does not extend the path.
sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import pytest
from damaged_store import DamagedStore


@pytest.fixture
def damaged(tmp_path):
    return DamagedStore(tmp_path)
