"""``python -m tests.reliability NAME ...``: long tests, each in a module of its name."""

import importlib
import sys
from pathlib import Path

NAMES = sorted(
    path.stem
    for path in Path(__file__).parent.glob("*.py")
    if not path.stem.startswith("_") and "def main(" in path.read_text(encoding="utf-8")
)

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
        sys.exit(f"Say which: {', '.join(NAMES)}.")
    sys.exit(importlib.import_module(f"tests.reliability.{sys.argv[1]}").main(sys.argv[2:]))
