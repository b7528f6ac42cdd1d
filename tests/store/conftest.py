from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

# For `import fabricate`: pytest's importlib mode puts nothing on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def bucket(request):
    """A URI under which there is nothing."""
    import fsspec

    uri = "memory://" + re.sub(r"\W", "_", request.node.name)
    yield uri
    fs = fsspec.filesystem("memory")
    if fs.exists(uri):
        fs.rm(uri, recursive=True)
