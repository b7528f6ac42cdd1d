from __future__ import annotations

import sys
from pathlib import Path

# For `import make_run`: pytest's importlib mode puts nothing on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import pytest
from damaged_store import Torn


@pytest.fixture
def torn(tmp_path):
    return Torn(tmp_path)
