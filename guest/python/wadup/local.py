"""``main()`` over files in this process, without a sandbox: to debug a program, and to test it.

``python -m wadup PROJECT FILE…`` prints its rows as JSON Lines; ``PROJECT`` is a folder with a
pyproject.toml, or the name of the entry module. In a test::

    from wadup import local

    def test_users():
        assert local.run(main, "samples/users.jsonl") == [("users", {"name": "Ada", "age": 36})]

The rules for tables and rows are those of the sandbox. What a sandbox takes away is there: the
machine's files, its environment and its network; and what the program leaves in its modules
is there for the next file. None of a sandbox's limits applies.
"""

import asyncio
import inspect
import os
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

# Their stubs say what there is in the sandbox.
_input: Any = import_module("wadup._input")
_native: Any = import_module("wadup._native")

#: How deep sub-content may nest, as in `wadup run`.
MAX_DEPTH = 8

if not hasattr(_native, "state"):
    raise ImportError("wadup.local works outside of the sandbox only")

#: What there was before the first file: every file gets it.
_imported: tuple[list[tuple[str, list[Any]]], int] | None = None


def run(main: Callable[[], object], path: str | os.PathLike[str]) -> list[tuple[str, dict[str, Any]]]:
    """Calls `main` with the file as the input, and returns its rows: pairs of a table's name and
    the values by column. What `main` raises is raised; ``sys.exit(0)`` is no error.

    Sub-content is not processed: :func:`walk` does that."""
    rows, _ = _process(main, os.fspath(path), None)
    return rows


def walk(
    main: Callable[[], object], path: str | os.PathLike[str]
) -> Iterator[tuple[str, list[tuple[str, dict[str, Any]]] | BaseException]]:
    """:func:`run` on a file and then on its sub-content: pairs of a path, and rows or the
    exception that there are none for."""
    queue: list[tuple[str, bytes | None, int]] = [(os.fspath(path), None, 0)]
    while queue:
        name, content, depth = queue.pop(0)
        try:
            rows, children = _process(main, name, content)
        except (Exception, SystemExit) as error:
            yield name, error
            continue
        yield name, rows
        if children and depth == MAX_DEPTH:
            yield name, RecursionError(f"sub-content nests deeper than {MAX_DEPTH} levels")
        else:
            queue.extend((child, data, depth + 1) for child, data in children)


def _process(
    main: Callable[[], object], path: str, content: bytes | None
) -> tuple[list[tuple[str, dict[str, Any]]], list[tuple[str, bytes]]]:
    state = _native.state
    if state.processing:
        raise RuntimeError("there is an input already: main() has not returned")
    before = (_input._DATA, _input._PATH)
    hooks = _begin()
    try:
        with tempfile.TemporaryDirectory(prefix="wadup-") as folder:
            data = Path(path)
            if content is not None:
                data = Path(folder, "data.bin")
                data.write_bytes(content)
            name = Path(folder, "path")
            name.write_bytes(os.fsencode(path))
            _input._DATA, _input._PATH = os.fspath(data), os.fspath(name)
            state.processing = True
            _call(main)
    finally:
        state.processing = False
        _input._DATA, _input._PATH = before
        del state.hooks[hooks:]
    rows = [(table, _named(table, values)) for table, values in state.rows]
    return rows, state.subcontent


def _begin() -> int:
    global _imported
    state = _native.state
    if _imported is None:
        _imported = (state.rows, len(state.hooks))
    rows, hooks = _imported
    state.rows, state.subcontent = list(rows), []
    return hooks


def _call(main: Callable[[], object]) -> None:
    try:
        # Those that they register too.
        for hook in _native.state.hooks:
            hook()
        result = main()
        if inspect.iscoroutine(result):
            asyncio.run(result)
    except SystemExit as exit:
        if exit.code not in (None, 0):
            raise


def _named(table: str, values: list[Any]) -> dict[str, Any]:
    columns = _native.state.tables[table]
    return {name: value for (name, _), value in zip(columns, values)}
