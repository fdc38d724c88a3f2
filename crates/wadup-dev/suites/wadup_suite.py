"""Runs tests of a suite with pytest: the same file in the sandbox and natively.

In the sandbox it is the entry module of an artifact and the input is a request; natively it is a
script and the request is its stdin. The suite's files are in ``files.tar`` beside it; they are
unpacked, as some tests write to files beside themselves.

A request is a JSON object: ``path`` of a test file (or a folder of them), ``imported`` (files that
are collected before it, and not executed), ``without`` (ids of tests to leave out), ``filter`` (a
part that ids have to have, or null), ``options`` for pytest, and ``benchmark`` (null, or
``target_ns`` and ``rounds`` for the fixture ``benchmark``).

What happens is told on stdout, as a sequence of JSON texts (RFC 7464), so that whatever else is
written there does not matter, and what was told before a crash is not lost.
"""

import json
import os
import sys
import tarfile
import tempfile
from itertools import repeat
from pathlib import Path
from statistics import median
from time import perf_counter_ns

import pytest


def emit(record, write=os.write):
    """Tells a record. Tests may replace ``sys.stdout`` and ``os.write``."""
    text = b"\x1e" + json.dumps(record).encode() + b"\n"
    while text:
        text = text[write(1, text) :]


def clean(text):
    """JSON's readers refuse lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode()


class Outcomes:
    """Tells how each test ended, once it is over with all its fixtures."""

    def __init__(self, request):
        self.path = request["path"]
        self.without = set(request["without"])
        self.wanted = request["filter"] or ""
        self.outcome = None

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if self.is_wanted(item.nodeid)]

    def is_wanted(self, test):
        is_here = test.startswith(self.path)
        return is_here and self.wanted in test and test not in self.without

    def pytest_collection_finish(self, session):
        if session.config.option.collectonly:
            for item in session.items:
                emit({"kind": "collected", "id": item.nodeid})

    def pytest_collectreport(self, report):
        """A file that cannot be collected stands for its tests."""
        if report.failed:
            text = str(report.longrepr)
            last = text.rstrip().rpartition("\n")[2]
            self.tell(report.nodeid, ("error", last.removeprefix("E").lstrip(), text))
        elif report.skipped:
            self.tell(report.nodeid, ("skipped", report.longrepr[2], None))

    def pytest_runtest_logstart(self, nodeid):
        self.outcome = None
        emit({"kind": "started", "id": nodeid})

    def pytest_runtest_logreport(self, report):
        expected = hasattr(report, "wasxfail")
        if report.failed:
            # What a fixture does afterwards does not replace what the test did.
            if self.outcome is None or self.outcome[0] == "passed":
                outcome = "failed" if report.when == "call" else "error"
                self.outcome = (outcome, *crash(report.longrepr))
        elif report.skipped:
            reason = report.wasxfail if expected else report.longrepr[2]
            self.outcome = ("xfailed" if expected else "skipped", reason, None)
        elif report.when == "call":
            self.outcome = ("xpassed" if expected else "passed", None, None)

    def pytest_runtest_logfinish(self, nodeid):
        if self.outcome is not None:
            self.tell(nodeid, self.outcome)

    def tell(self, test, result):
        outcome, message, detail = result
        record = {"kind": "outcome", "id": test, "outcome": outcome}
        if message:
            record["message"] = clean(message)
        if detail:
            record["detail"] = clean(detail)
        emit(record)


def crash(longrepr):
    """The exception, and all that pytest has to say about it."""
    place = getattr(longrepr, "reprcrash", None)
    text = str(longrepr)
    return (place.message if place else text), text


class Benchmark:
    """The fixture ``benchmark``, as far as pytest-benchmark and pytest-codspeed agree on it:
    ``benchmark(function, *args)``, and ``@benchmark`` above a function without parameters.

    The garbage collector stays on, as it does in both by default.
    """

    def __init__(self, target_ns, rounds):
        self.target_ns = target_ns
        self.rounds = rounds

    @pytest.fixture
    def benchmark(self, request):
        def benchmark(function, *args):
            result = function(*args)
            self.measure(request.node.nodeid, looped(function, args))
            return result

        return benchmark

    def measure(self, test, run):
        loops = self.calibrate(run)
        times = [run(loops) / loops for _ in range(self.rounds)]
        emit(
            {
                "kind": "benchmark",
                "id": test,
                "loops": loops,
                "min_ns": min(times),
                "median_ns": median(times),
            }
        )

    def calibrate(self, run):
        """How many loops make a round of about ``target_ns``."""
        loops = 1
        while (elapsed := run(loops)) < self.target_ns // 4:
            loops *= 2
        return max(1, loops * self.target_ns // elapsed)


def looped(function, args):
    """A function that calls ``function(*args)`` n times and gives the nanoseconds. A call with
    few arguments is written out, so that little is measured beside the function itself."""
    match args:
        case ():

            def run(loops):
                start = perf_counter_ns()
                for _ in repeat(None, loops):
                    function()
                return perf_counter_ns() - start

        case (argument,):

            def run(loops):
                start = perf_counter_ns()
                for _ in repeat(None, loops):
                    function(argument)
                return perf_counter_ns() - start

        case _:

            def run(loops):
                start = perf_counter_ns()
                for _ in repeat(None, loops):
                    function(*args)
                return perf_counter_ns() - start

    return run


def unpack(archive, folder):
    with tarfile.open(archive) as members:
        for member in members:
            target = folder / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(members.extractfile(member).read())


# Capturing file descriptors takes `dup`; the others write files or want signals.
OPTIONS = ["--capture=sys", "-p", "no:faulthandler", "-p", "no:cacheprovider", "-q"]


def run(request):
    folder = Path(tempfile.gettempdir(), "suite")
    unpack(Path(__file__).with_name("files.tar"), folder)
    os.chdir(folder)
    plugins = [Outcomes(request)]
    if request["benchmark"]:
        plugins.append(Benchmark(**request["benchmark"]))
    files = [*request["imported"], request["path"]]
    code = pytest.main([*OPTIONS, *request["options"], *files], plugins)
    emit({"kind": "end", "code": int(code)})


def main():
    """In the sandbox."""
    run(json.loads(Path("/data.bin").read_bytes()))


if __name__ == "__main__":
    run(json.load(sys.stdin))
