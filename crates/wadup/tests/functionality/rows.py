"""Runs a module's `main()` without a sandbox: `python rows.py FOLDER MODULE [INPUT]`.

Prints each row's values, as the tests show those of the database.
"""

import os
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path

sys.dont_write_bytecode = True
# Where packages are: hypothesis takes words from all modules that are elsewhere.
folder = tempfile.TemporaryDirectory()
packages = Path(folder.name, "site-packages")
shutil.copytree(Path(__file__).parents[4] / "guest/python/wadup", packages / "wadup")
sys.path[:0] = [sys.argv[1], str(packages)]

from wadup import local  # noqa: E402


def shown(value: object) -> object:
    if value is None:
        return "NULL"
    return f"{value:.15g}" if isinstance(value, float) else value


given = sys.argv[3] if len(sys.argv) > 3 else os.devnull
for _, row in local.run(import_module(sys.argv[2]).main, given):
    print(*map(shown, row.values()), sep="|")
