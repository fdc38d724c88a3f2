"""Rewrites a _sysconfigdata module so that it names no folder of one build.

Usage: relocate_sysconfigdata.py SOURCE DESTINATION OLD=NEW...

The module is a dictionary that was printed with pprint, which breaks lines by
length: replacing text in the file would leave traces of how long a path was.
"""

import pprint
import runpy
import sys


def main(source, destination, *moves):
    moves = [move.split("=", 1) for move in moves]

    def moved(value):
        if isinstance(value, str):
            for old, new in moves:
                value = value.replace(old, new)
        return value

    variables = runpy.run_path(source)["build_time_vars"]
    variables = {name: moved(value) for name, value in variables.items()}
    with open(destination, "w", encoding="utf-8") as module:
        module.write("# system configuration generated and used by the sysconfig module\n")
        module.write("build_time_vars = ")
        pprint.pprint(variables, stream=module)


if __name__ == "__main__":
    main(*sys.argv[1:])
