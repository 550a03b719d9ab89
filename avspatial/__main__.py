"""Run the command line: `python -m avspatial` is the same as `avspatial`."""

import sys

from avspatial.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
