"""The load that the profiles in `recipes/profiles` are made from: what programs for wadup
usually do.

It has no code of any benchmark in it, neither pydantic_core's nor wadup's own. Every `work_`
function does a fixed amount of work, so that two runs count the same, and about as much as
each other one, so that none of them decides alone what is hot.
"""

import wadup

from . import classes, collected, imports, library, models, numeric, schemas, text

PARTS = [models, schemas, text, collected, classes, numeric, library, imports]

# A row's text, in hexadecimal digits.
SIZE = 1 << 18


def train() -> None:
    for part in PARTS:
        for name, work in vars(part).items():
            if name.startswith("work_"):
                work()


def main() -> None:
    # An instrumented runtime has it.
    import _profile

    train()
    profile = _profile.dump().hex()
    wadup.define_table("profile", [("part", "Int64"), ("hex", "String")])
    for at in range(0, len(profile), SIZE):
        wadup.insert_row("profile", [at // SIZE, profile[at : at + SIZE]])
