"""Looks for the state that other inputs have planted, then plants its own, then ends in one way or
another. The input is JSON: `{"plant": [names], "end": how}`."""

import asyncio
import atexit
import builtins
import codecs
import contextvars
import decimal
import functools
import gc
import json
import logging
import os
import random
import re
import signal
import socket
import sys
import tempfile
import types
import warnings

import wadup
from pydantic import BaseModel

wadup.define_table("looked", [("kinds", "Int64"), ("seen_again", "Int64")])
wadup.define_table("found", [("kind", "String")])
wadup.define_table("drawn", [("random", "Float64"), ("uuid", "String")])

GLOBAL = None
NUMBERS = []
VARIABLE = contextvars.ContextVar("variable", default=None)
KEPT = []
AT_EXIT = []
RANDOM_STATE = random.Random(20).getstate()
STDIN = os.fstat(0).st_ino
PRISTINE = {
    "path": list(sys.path),
    "modules": set(sys.modules),
    "threshold": gc.get_threshold(),
    "recursion": sys.getrecursionlimit(),
    "filters": list(warnings.filters),
    "handlers": list(logging.getLogger().handlers),
}


class User(BaseModel):
    name: str
    age: int


@functools.cache
def cached(argument):
    return [argument]


def default(argument=[]):
    return argument


def write(path):
    with open(path, "w") as file:
        file.write("planted")


def set_global():
    global GLOBAL
    GLOBAL = "planted"


def define():
    wadup.define_table("planted", [("n", "Int64")])


def is_defined():
    try:
        wadup.insert_row("planted", [1])
    except wadup.TableError:
        return False
    return True


def open_descriptors():
    found = []
    for number in range(4, 64):
        try:
            os.fstat(number)
            found.append(number)
        except OSError:
            pass
    return found


def reserved_memory():
    KEPT.append(bytearray(b"planted" * (1 << 20)))


def planted_module():
    sys.modules["planted_module"] = types.ModuleType("planted_module")


def search_codec(name):
    return codecs.lookup("utf-8") if name == "planted" else None


def knows_codec():
    try:
        return codecs.lookup("planted") is not None
    except LookupError:
        return False


def damaged_model():
    try:
        return User.model_validate_json('{"name": "a", "age": 1}').age != 1
    except Exception:
        return True


def damage_model():
    User.__pydantic_validator__ = None
    User.model_validate_json = classmethod(lambda cls, text: types.SimpleNamespace(age=5))


# name: (plant, look)
KINDS = {
    "global": (set_global, lambda: GLOBAL is not None),
    "mutable global": (lambda: NUMBERS.append(1), lambda: NUMBERS != []),
    "mutable default": (lambda: default().append(1), lambda: default() != []),
    "function attribute": (
        lambda: setattr(main, "planted", 1),
        lambda: hasattr(main, "planted"),
    ),
    "function cache": (lambda: cached(1).append(2), lambda: cached(1) != [1]),
    "module attribute": (
        lambda: setattr(json, "planted", 1),
        lambda: hasattr(json, "planted"),
    ),
    "class attribute": (
        lambda: setattr(User, "planted", 1),
        lambda: hasattr(User, "planted"),
    ),
    "model": (damage_model, damaged_model),
    "builtin": (
        lambda: setattr(builtins, "len", lambda sized: -1),
        lambda: len("abc") != 3,
    ),
    "new builtin": (
        lambda: setattr(builtins, "planted", 1),
        lambda: hasattr(builtins, "planted"),
    ),
    "patched function": (
        lambda: setattr(re, "compile", lambda *_: None),
        lambda: re.compile("a") is None,
    ),
    "module": (planted_module, lambda: "planted_module" in sys.modules),
    "removed module": (
        lambda: sys.modules.pop("tempfile"),
        lambda: not PRISTINE["modules"] <= set(sys.modules),
    ),
    "search path": (lambda: sys.path.append("/tmp"), lambda: sys.path != PRISTINE["path"]),
    "import hook": (lambda: sys.meta_path.insert(0, FINDER), lambda: FINDER in sys.meta_path),
    "environment": (
        lambda: os.environ.__setitem__("PLANTED", "1"),
        lambda: "PLANTED" in os.environ or os.getenv("PLANTED") is not None,
    ),
    "temporary file": (lambda: write("/tmp/planted"), lambda: os.listdir("/tmp") != []),
    "file in the root": (lambda: write("/planted"), lambda: os.path.exists("/planted")),
    "directory": (lambda: os.mkdir("/planted.d"), lambda: os.path.exists("/planted.d")),
    "file among the results": (
        lambda: write("/metadata/planted.txt"),
        lambda: os.listdir("/metadata") != [],
    ),
    "link": (
        lambda: os.symlink("/data.bin", "/tmp/link"),
        lambda: os.path.lexists("/tmp/link"),
    ),
    "working directory": (lambda: os.chdir("/tmp"), lambda: os.getcwd() != "/"),
    "open file": (
        lambda: KEPT.append(open("/tmp/open", "w")),
        lambda: open_descriptors() != [],
    ),
    "descriptor": (
        lambda: os.open("/dev/null", os.O_RDONLY),
        lambda: open_descriptors() != [],
    ),
    "pipe": (os.pipe, lambda: open_descriptors() != []),
    "pair of sockets": (
        lambda: [end.detach() for end in socket.socketpair()],
        lambda: open_descriptors() != [],
    ),
    "duplicate": (
        lambda: os.dup(1),
        lambda: open_descriptors() != [],
    ),
    "replaced stream": (
        lambda: os.dup2(os.open("/dev/null", os.O_RDONLY), 0),
        lambda: os.fstat(0).st_ino != STDIN,
    ),
    "random state": (
        lambda: random.setstate(RANDOM_STATE),
        lambda: random.getstate() == RANDOM_STATE,
    ),
    "warnings filter": (
        lambda: warnings.simplefilter("error"),
        lambda: list(warnings.filters) != PRISTINE["filters"],
    ),
    "collector": (gc.disable, lambda: not gc.isenabled()),
    "collector threshold": (
        lambda: gc.set_threshold(12345),
        lambda: gc.get_threshold() != PRISTINE["threshold"],
    ),
    "collector debugging": (
        lambda: gc.set_debug(gc.DEBUG_COLLECTABLE),
        lambda: gc.get_debug() != 0,
    ),
    "recursion limit": (
        lambda: sys.setrecursionlimit(567),
        lambda: sys.getrecursionlimit() != PRISTINE["recursion"],
    ),
    "exception hook": (
        lambda: setattr(sys, "excepthook", print),
        lambda: sys.excepthook is print,
    ),
    "trace function": (
        lambda: sys.setprofile(lambda *_: None),
        lambda: sys.getprofile() is not None,
    ),
    "standard output": (
        lambda: setattr(sys, "stdout", None),
        lambda: sys.stdout is None,
    ),
    "decimal context": (
        lambda: setattr(decimal.getcontext(), "prec", 5),
        lambda: decimal.getcontext().prec != 28,
    ),
    "context variable": (lambda: VARIABLE.set(1), lambda: VARIABLE.get() is not None),
    "codec": (lambda: codecs.register(search_codec), knows_codec),
    "logging": (
        lambda: logging.getLogger().addHandler(logging.NullHandler()),
        lambda: logging.getLogger().handlers != PRISTINE["handlers"],
    ),
    "signal handler": (
        lambda: signal.signal(signal.SIGINT, lambda *_: None),
        lambda: callable(signal.getsignal(signal.SIGINT))
        and signal.getsignal(signal.SIGINT) is not signal.default_int_handler,
    ),
    "event loop": (
        lambda: KEPT.append(asyncio.Queue()),
        lambda: any(isinstance(kept, asyncio.Queue) for kept in KEPT),
    ),
    "memory": (reserved_memory, lambda: any(isinstance(kept, bytearray) for kept in KEPT)),
    "exit function": (
        lambda: atexit.register(AT_EXIT.append, 1) and AT_EXIT.append(0),
        lambda: AT_EXIT != [],
    ),
    "temporary name": (
        lambda: setattr(tempfile, "tempdir", "/planted"),
        lambda: tempfile.tempdir is not None,
    ),
    "table": (define, is_defined),
}
FINDER = types.SimpleNamespace(find_spec=lambda *_: None)


def looks():
    """The kinds that are there. In a fixed order, and each on its own."""
    return [name for name, (_, look) in KINDS.items() if look()]


def end(how):
    if how == "raise":
        raise ValueError("on purpose")
    if how == "exit":
        sys.exit(7)
    if how == "stop":
        sys.exit(0)
    if how == "trap":
        os.abort()
    if how == "memory":
        KEPT.append(bytearray(1 << 30))
    if how == "eat memory":
        while True:
            KEPT.append(bytearray(1 << 22))
    if how == "time":
        while True:
            pass


# What is planted may break anything that comes after: nothing here uses more than it has to.
def main():
    job = json.loads(wadup.input.read_bytes())
    found = looks()
    for kind in found:
        wadup.insert_row("found", [kind])
    drawn = [random.random(), os.urandom(8).hex()]
    for kind in job["plant"]:
        KINDS[kind][0]()
    seen = set(looks()) & set(job["plant"])
    missing = set(job["plant"]) - seen
    assert not missing, f"planted, but not to be seen: {missing}"
    wadup.insert_row("looked", [sum(1 for _ in KINDS), sum(1 for _ in seen)])
    wadup.insert_row("drawn", drawn)
    wadup.flush()
    end(job["end"])
