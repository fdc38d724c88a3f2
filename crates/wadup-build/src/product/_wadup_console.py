"""What `wadup python` runs: the entry module of an interpreter.

Each call of ``main()`` is a request of the host's, a JSON object with the member ``kind``:

- ``code`` (``source``, ``name``), ``file`` (``path``, ``name``) and ``module`` (``name``) run a program, with
  ``argv``, as ``python -c``, ``python FILE`` and ``python -m`` would.
- ``statement`` (``source``, ``number``) goes on with a session. The answer says whether it needs
  ``more`` lines, or the code that the program wants to ``exit`` with.
- ``end`` ends the session.
"""

import atexit
import builtins
import codeop
import json
import linecache
import os
import runpy
import sys
import traceback
import types

_FOLDER = "/console/"
_ME = __file__

# Of the session.
_compile = codeop.CommandCompiler()
_exit_functions = []


def request():
    """What the host wants, now that it does. Also where the project's modules are."""
    with open(_FOLDER + "request.json", encoding="utf-8") as file:
        asked = json.load(file)
    for stream in (sys.stdout, sys.stderr):
        # Somebody is watching.
        stream.reconfigure(line_buffering=True)
    for path in reversed(asked.get("path", ())):
        if path not in sys.path:
            sys.path.insert(0, path)
    return asked


def answer(**members):
    with open(_FOLDER + "answer.json", "w", encoding="utf-8") as file:
        json.dump(members, file)


def main():
    asked = request()
    match asked["kind"]:
        case "statement":
            answer(**_statement(asked["source"], asked["number"]))
        case "end":
            _end()
        case _:
            _run(asked)


def _run(asked):
    sys.argv[:] = asked["argv"]
    name = asked["name"]
    try:
        if asked["kind"] == "module":
            sys.path.insert(0, os.getcwd())
            _check_module(name)
            runpy._run_module_as_main(name)
            return
        module = _new_main()
        if asked["kind"] == "file":
            path = asked["path_of_file"]
            with open(path, "rb") as file:
                source = file.read()
            module.__file__ = path
            sys.path.insert(0, os.path.dirname(path))
        else:
            source = asked["source"]
            sys.path.insert(0, "")
        _remember(name, source)
        exec(compile(source, name, "exec"), module.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        _report(error)
        sys.exit(1)


def _check_module(name):
    # What runs it would name the program `sys.executable`, and there is none.
    try:
        runpy._get_module_details(name, runpy._Error)
    except runpy._Error as error:
        print(f"python: {error}", file=sys.stderr)
        sys.exit(1)


def _new_main():
    module = types.ModuleType("__main__")
    module.__builtins__ = builtins
    sys.modules["__main__"] = module
    return module


def _remember(name, source):
    """Has tracebacks show the lines of a source that is no file here."""
    if isinstance(source, bytes):
        source = source.decode("utf-8", "replace")
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)


def _report(error):
    """Shows an exception without the frames of this module."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == _ME:
        frames = frames.tb_next
    try:
        sys.excepthook(type(error), error.with_traceback(frames), frames)
    except BaseException:
        traceback.print_exception(error)


def _statement(source, number):
    main = sys.modules["__main__"]
    if not hasattr(main, "__wadup_session__"):
        main = _begin()
    name = f"<python-input-{number}>"
    try:
        code = _compile(source, name, "single")
    except (SyntaxError, OverflowError, ValueError) as error:
        # The frames are the compiler's.
        sys.excepthook(type(error), error.with_traceback(None), None)
        return {}
    if code is None:
        return {"more": True}
    _remember(name, source)
    try:
        exec(code, main.__dict__)
    except SystemExit as exit:
        return {"exit": _exit_code(exit)}
    except BaseException as error:
        _report(error)
    finally:
        _flush()
    return {}


def _begin():
    main = _new_main()
    main.__wadup_session__ = True
    sys.argv[:] = [""]
    sys.path.insert(0, "")
    sys.ps1, sys.ps2 = ">>> ", "... "
    # The runtime calls them after each call of `main()`, and the session is one of many.
    atexit.register = _register
    atexit.unregister = _unregister
    return main


def _register(function, *args, **kwargs):
    _exit_functions.append((function, args, kwargs))
    return function


def _unregister(function):
    _exit_functions[:] = [entry for entry in _exit_functions if entry[0] != function]


def _end():
    while _exit_functions:
        function, args, kwargs = _exit_functions.pop()
        try:
            function(*args, **kwargs)
        except BaseException as error:
            _report(error)


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, ValueError, OSError):
            pass


def _exit_code(exit):
    if exit.code is None:
        return 0
    if isinstance(exit.code, int):
        return exit.code & 0xFF
    print(exit.code, file=sys.stderr)
    return 1
