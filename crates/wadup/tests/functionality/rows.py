"""Runs a module's `main()` without a sandbox: `python rows.py FOLDER MODULE [INPUT]`.

A recorder stands in for the package `wadup`, which needs the sandbox; it prints each row.
"""

import sys
from importlib import import_module
from types import SimpleNamespace

sys.dont_write_bytecode = True


def insert_row(table: str, values: list[object]) -> None:
    print(*map(shown, values), sep="|")


def shown(value: object) -> object:
    """As the tests show a value of the database."""
    if value is None:
        return "NULL"
    return f"{value:.15g}" if isinstance(value, float) else value


sys.modules["wadup"] = SimpleNamespace(
    define_table=lambda name, columns: None,
    insert_row=insert_row,
    flush=lambda: None,
    input=SimpleNamespace(open=lambda: open(sys.argv[3], "rb")),
)
sys.path.insert(0, sys.argv[1])
import_module(sys.argv[2]).main()
