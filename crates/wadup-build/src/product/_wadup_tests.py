"""What `wadup test` runs: the entry module of an interpreter with pytest.

``wadup.local`` runs ``main()`` of a project, and takes the place of the package's native half
for that, as it does outside of the sandbox.
"""

import os
import sys
from importlib.machinery import PathFinder

import _wadup_console as console


class _StandIn:
    """Finds the native half's stand-in where else the native half itself would be found."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        return PathFinder.find_spec(name, path) if name == "wadup._native" else None


sys.meta_path.insert(0, _StandIn)

# After that, as it may import `wadup`.
import pytest  # noqa: E402

#: Nothing outlives the sandbox, a cache of results neither; and it needs `os.umask`.
_OPTIONS = ["-p", "no:cacheprovider"]


def main():
    asked = console.request()
    os.chdir(asked["folder"])
    sys.argv[:] = ["pytest", *asked["argv"]]
    code = pytest.main([*_OPTIONS, *asked["argv"]])
    console.answer(code=int(code))
