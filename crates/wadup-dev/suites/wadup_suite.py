"""Runs tests of a source distribution with pytest: the same file in the sandbox and natively.

In the sandbox it is the entry module of an artifact; the sdist is the input. Natively it is a
script: ``python wadup_suite.py SDIST RESULTS``. What is to be run says the environment variable
``WADUP_SUITE``, a JSON object: ``args`` for pytest, ``filter`` for the ids of tests, ``target_ns`` and
``rounds`` for the fixture ``benchmark``. Results are JSON objects, one a line, or one a row of the table ``records``.
"""

import json
import os
import sys
import tarfile
from itertools import repeat
from pathlib import Path
from statistics import median
from time import perf_counter_ns

import pytest


class Outcomes:
    """Tells how each test ended."""

    def __init__(self, record, wanted):
        self.record = record
        self.wanted = wanted or ""

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if self.wanted in item.nodeid]

    def pytest_collection_finish(self, session):
        for item in session.items:
            self.record({"kind": "collected", "id": item.nodeid})

    def pytest_collectreport(self, report):
        if report.failed:
            self.end(report.nodeid, "error", str(report.longrepr))

    def pytest_runtest_logreport(self, report):
        expected = hasattr(report, "wasxfail")
        if report.when == "call" and report.passed:
            self.end(report.nodeid, "xpassed" if expected else "passed")
        elif report.skipped:
            reason = report.wasxfail if expected else report.longrepr[2]
            self.end(report.nodeid, "xfailed" if expected else "skipped", reason)
        elif report.failed:
            outcome = "failed" if report.when == "call" else "error"
            self.end(report.nodeid, outcome, str(report.longrepr))

    def end(self, test, outcome, message=None):
        record = {"kind": "outcome", "id": test, "outcome": outcome, "message": message}
        self.record(record)


class Benchmark:
    """The fixture ``benchmark``, as far as pytest-benchmark and pytest-codspeed agree on it:
    ``benchmark(function, *args)``, and ``@benchmark`` above a function without parameters.

    The garbage collector stays on, as it does in both by default.
    """

    def __init__(self, record, target_ns, rounds):
        self.record = record
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
        self.record(
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


def unpack(sdist, folder):
    """The folder of the sdist's tests."""
    with tarfile.open(sdist) as archive:
        for member in archive:
            path = Path(*Path(member.name).parts[1:])
            if member.isfile() and path.parts[:1] == ("tests",):
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.extractfile(member).read())
    # The project's own options are for plugins that are not here.
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = benchmark\n")


def run(sdist, folder, record):
    request = json.loads(os.environ["WADUP_SUITE"])
    unpack(sdist, folder)
    os.chdir(folder)
    plugins = [
        Outcomes(record, request["filter"]),
        Benchmark(record, request["target_ns"], request["rounds"]),
    ]
    options = ["--capture=sys", "-p", "no:faulthandler", "-p", "no:cacheprovider"]
    code = pytest.main([*options, *request["args"]], plugins)
    record({"kind": "end", "code": int(code)})


def main():
    """In the sandbox."""
    import wadup

    wadup.define_table("records", [("record", "String")])

    def record(value):
        wadup.insert_row("records", [json.dumps(value)])

    run("/data.bin", Path("/tmp"), record)


if __name__ == "__main__":
    with open(sys.argv[2], "w") as results:

        def record(value):
            print(json.dumps(value), file=results, flush=True)

        run(sys.argv[1], Path.cwd(), record)
