"""Runs a topic's checks without wadup: `python native.py TOPIC`."""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent / "src"))

from functionality import run  # noqa: E402

run(sys.argv[1])
