"""Runs a program of `guest/tests` without the sandbox: `program.py PACKAGES PROGRAMS NAME`.

What is expected of it is in its comments, as for the sandbox.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

sys.dont_write_bytecode = True
packages, programs, name = sys.argv[1:]
sys.path[:0] = [packages, programs]

source = Path(programs, f"{name}.py").read_text()
expected = {
    key.removeprefix("# "): json.loads(value)
    for key, _, value in (line.partition(":") for line in source.splitlines())
    if key in ("# rows", "# subcontent")
}

main = import_module(name).main

from wadup import _native, local  # noqa: E402

for _ in range(2):
    found = local.run(main, Path(programs, "input.bin"))
    rows = [[table, list(row.values())] for table, row in found]
    # As text, for which 1 and 1.0 are different, and so are 0.0 and -0.0.
    assert json.dumps(rows) == json.dumps(expected.get("rows", [])), json.dumps(rows)
    emitted = [[path, content.decode()] for path, content in _native.state.subcontent]
    assert emitted == expected.get("subcontent", []), emitted
print("as expected:", len(rows), "rows")
