"""``python -m wadup PROJECT FILE…``: see :mod:`wadup.local`."""

import argparse
import importlib
import json
import sys
import tomllib
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import cast

from . import local

#: As `wadup run` ends when an input has failed.
_INPUT_FAILED = 3


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m wadup",
        description="Run a project's main() over files without a sandbox, to debug it. "
        "Rows go to stdout as JSON Lines.",
    )
    parser.add_argument("project", metavar="PROJECT", help="a folder, or its entry module's name")
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path)
    arguments = parser.parse_args()
    for file in arguments.files:
        if not file.is_file():
            parser.error(f"{file} is no file")
    entry = _entry(parser, arguments.project)
    failed = False
    # What a program prints is not to be among its rows.
    rows, sys.stdout = sys.stdout, sys.stderr
    for file in arguments.files:
        for path, result in local.walk(entry, file):
            if isinstance(result, BaseException):
                failed = True
                print(f"{path}:", file=sys.stderr)
                traceback.print_exception(result)
                continue
            for table, row in result:
                json.dump({"input": path, "table": table, "row": row}, rows)
                rows.write("\n")
    rows.flush()
    return _INPUT_FAILED if failed else 0


def _entry(parser: argparse.ArgumentParser, project: str) -> Callable[[], object]:
    manifest = Path(project, "pyproject.toml")
    if manifest.is_file():
        with manifest.open("rb") as file:
            document = tomllib.load(file)
        project = document.get("tool", {}).get("wadup", {}).get("entry-point", "")
        if not project:
            parser.error(f"{manifest} has no [tool.wadup] entry-point")
        source = manifest.parent / "src"
        sys.path.insert(0, str(source if source.is_dir() else manifest.parent))
    entry = getattr(importlib.import_module(project), "main", None)
    if not callable(entry):
        parser.error(f"the entry module `{project}` needs a function `main()`")
    return cast(Callable[[], object], entry)


if __name__ == "__main__":
    sys.exit(main())
