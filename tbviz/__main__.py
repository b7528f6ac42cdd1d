"""`python -m tbviz` is the command `tbviz`."""

from __future__ import annotations

import sys

from tbviz.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
