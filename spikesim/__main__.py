"""``python -m spikesim`` is the command ``spikesim``."""

import sys

from spikesim.cli import main

sys.exit(main())
