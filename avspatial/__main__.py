"""`python -m avspatial`, the same as the command `avspatial`."""

import sys

from avspatial.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
