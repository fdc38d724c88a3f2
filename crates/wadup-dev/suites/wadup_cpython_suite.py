"""Runs one test file of CPython's own suite as ``python -m test`` does: the same file in the
sandbox and natively.

In the sandbox it is the entry module of an artifact and the input is a request; natively it is a
script and the request is its stdin. The suite is the package ``test`` beside it.

A request is a JSON object: ``path`` of a test file, as it is in CPython's sources, ``without`` (ids of
tests to leave out), ``filter`` (a part that ids have to have, or null), and ``options``: with ``sockets``
the file is run although upstream holds that nothing with sockets works on WASI.

The work is done by upstream's ``test.libregrtest``, in the order of its ``worker.py``; what is added
is that every test is told of, on stdout as a sequence of JSON texts (RFC 7464), so that whatever
else is written there does not matter, and what was told before a crash is not lost.
"""

import json
import os
import re
import signal
import sys


def emit(record, write=os.write):
    """Tells a record. Tests may replace ``sys.stdout`` and ``os.write``."""
    text = b"\x1e" + json.dumps(record).encode() + b"\n"
    while text:
        text = text[write(1, text) :]


def tell(test, outcome, message=None, detail=None):
    record = {"kind": "outcome", "id": test, "outcome": outcome}
    if message:
        record["message"] = clean(message[:LENGTH_MAX])
    if detail:
        record["detail"] = clean(detail[-LENGTH_MAX:])
    emit(record)


#: Some messages show whole files.
LENGTH_MAX = 4000


def clean(text):
    """JSON's readers refuse lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode()


def run(request):
    from test import support
    from test.libregrtest import single
    from test.libregrtest.setup import setup_process, setup_test_dir
    from test.libregrtest.utils import get_temp_dir, get_work_dir

    name = name_of(request["path"])
    runtests = options(name)
    if "sockets" in request["options"]:
        support.has_socket_support = True
    # From outside of it, as it tells of nothing but whole files.
    single.match_test = lambda test: is_wanted(request, id_of(test))
    single.get_test_runner = Runner
    single._load_run_test = telling(single._load_run_test, request["path"])
    with support.os_helper.temp_cwd(get_work_dir(get_temp_dir(), worker=True), quiet=True):
        setup_test_dir(runtests.test_dir)
        setup_process()
        result = single.run_single_test(name, runtests)
    emit({"kind": "end", "code": int(result.is_failed(fail_env_changed=False))})


def name_of(path):
    """The name of a test file, as ``python -m test`` takes it."""
    path = path.removeprefix("Lib/test/").removesuffix(".py").removesuffix("/__init__")
    return f"test.{path.replace('/', '.')}" if "/" in path else path


def is_wanted(request, test):
    return (request["filter"] or "") in test and test not in request["without"]


def options(name):
    """What ``python -m test NAME``, without options, asks of a worker."""
    from test.libregrtest.runtests import RunTests

    return RunTests(
        tests=(name,),
        fail_fast=False,
        fail_env_changed=False,
        match_tests=None,
        match_tests_dict=None,
        rerun=False,
        forever=False,
        pgo=False,
        pgo_extended=False,
        output_on_failure=False,
        timeout=None,
        verbose=0,
        quiet=False,
        hunt_refleak=None,
        test_dir=None,
        use_junit=False,
        coverage=False,
        memory_limit=None,
        gc_threshold=None,
        use_resources=(),
        python_cmd=None,
        randomize=False,
        # A drawn one would make each run another.
        random_seed=1,
    )


def telling(load_run_test, path):
    """Tells of a file that is skipped, or fails, as a whole."""
    from test.support import TestDidNotRun, TestFailed
    from unittest import SkipTest

    def wrapper(*args):
        try:
            load_run_test(*args)
        except (TestFailed, TestDidNotRun):
            # Its tests have told.
            raise
        except SkipTest as reason:
            tell(path, "skipped", str(reason))
            raise
        except BaseException as error:
            tell(path, "error", *described(error))
            raise

    return wrapper


def Runner(stream, verbosity, capture_output=False):
    """Upstream's runner, with a result that tells of each test."""
    from test.libregrtest.testresult import QuietRegressionTestRunner, RegressionTestResult

    class Result(RegressionTestResult):
        """A test that has several outcomes (subtests, clean-up) ends with its worst."""

        def startTest(self, test):
            self.outcome = (0, "error", "it has no outcome")
            emit({"kind": "started", "id": id_of(test)})
            super().startTest(test)

        def stopTest(self, test):
            super().stopTest(test)
            tell(id_of(test), *self.outcome[1:])

        def add(self, test, rank, outcome, message=None, detail=None):
            if type(test).__name__ == "_ErrorHolder":
                tell(id_of(test), outcome, message, detail)
            elif rank > self.outcome[0]:
                self.outcome = (rank, outcome, message, detail)

        def addSuccess(self, test):
            super().addSuccess(test)
            self.add(test, 1, "passed")

        def addExpectedFailure(self, test, err):
            super().addExpectedFailure(test, err)
            self.add(test, 2, "xfailed", *described(err[1]))

        def addSkip(self, test, reason):
            super().addSkip(test, reason)
            self.add(test, 3, "skipped", reason)

        def addUnexpectedSuccess(self, test):
            super().addUnexpectedSuccess(test)
            self.add(test, 4, "xpassed")

        def addFailure(self, test, err):
            super().addFailure(test, err)
            self.add(test, 5, "failed", *described(err[1]))

        def addError(self, test, err):
            super().addError(test, err)
            self.add(test, 6, "error", *described(err[1]))

        def addSubTest(self, test, subtest, err):
            super().addSubTest(test, subtest, err)
            if err is not None:
                failed = issubclass(err[0], test.failureException)
                message, detail = described(err[1])
                outcome = (5, "failed") if failed else (6, "error")
                self.add(test, *outcome, f"{message} {subtest._subDescription()}", detail)

    class Telling(QuietRegressionTestRunner):
        def __init__(self):
            self.result = Result(stream, None, verbosity)
            self.result.buffer = capture_output

    return Telling()


def id_of(test):
    """A module or class that is skipped, or cannot be set up, stands for its tests."""
    test = test.id().removeprefix("unittest.loader.ModuleSkipped.")
    fixture = re.fullmatch(r"(?:setUpClass|setUpModule) \((.*)\)", test)
    return fixture[1] if fixture else test


def described(error):
    """The end of its traceback, and all of it."""
    import traceback

    try:
        message = "".join(traceback.format_exception_only(error)).strip()
        return message, "".join(traceback.format_exception(error))
    except Exception:
        # Tests raise exceptions that cannot be shown.
        return type(error).__name__, None


def main():
    """In the sandbox."""
    with open("/data.bin") as file:
        run(json.load(file))


if __name__ == "__main__":
    # This file's own folder; that of the suite is in PYTHONPATH.
    del sys.path[0]
    # Ignored, for instance, by what a shell starts in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run(json.load(sys.stdin))
