"""``python -m patina`` is the command ``patina``."""

import sys

from patina.cli import main

if __name__ == "__main__":
    sys.exit(main())
