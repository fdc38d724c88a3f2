"""Compiling and importing, which each artifact does once, and some do with every input."""

import ast
import dis
import importlib
import inspect
import io
import sys
import tokenize

from . import classes
from ._times import times


def work_compiling() -> None:
    source = inspect.getsource(classes)
    for _ in range(2):
        code = compile(source, "<source>", "exec")
        ast.unparse(ast.parse(source))
    list(dis.get_instructions(code))
    list(tokenize.generate_tokens(io.StringIO(inspect.getsource(classes.Vector)).readline))


@times(4)
def work_importing() -> None:
    for _ in range(2):
        for name in ("string", "textwrap", "shlex", "fractions", "calendar", "argparse", "difflib"):
            sys.modules.pop(name, None)
            importlib.import_module(name)


@times(3)
def work_evaluating() -> None:
    for i in range(400):
        eval(f"{i} + (lambda x: x * 2)({i})", {})
