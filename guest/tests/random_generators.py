"""Generators that the operating system has seeded at import differ between instances, whatever
holds them; those that the program has seeded give what they are to give."""
# outcome: completed
# differs: values_

import random
import tempfile
import uuid
from random import getrandbits, random as draw

import wadup


class Own(random.Random):
    def seed(self, *arguments):
        super().seed(*arguments)


class Slots(random.Random):
    __slots__ = ()


def native():
    """The generator that the program's is to be the same as, wherever it runs."""
    return random.Random("seed")


seeded = random.Random("seed")
reseeded = random.Random()
reseeded.seed("seed")
restored = random.Random()
restored.setstate(native().getstate())
unseeded = native()
unseeded.seed()
gauss = random.Random()
gauss.gauss(0, 1)
dropped = [random.Random() for _ in range(1000)]
del dropped
own, slots, system = Own(), Slots(), random.SystemRandom()
method = random.Random().random
names = tempfile._RandomNameSequence()
next(names)
next(tempfile._get_candidate_names())
uuid.getnode()


def main():
    wadup.define_table("values_", [("name", "String"), ("value", "String")])
    values = {
        "module": random.random(),
        "function": draw(),
        "bits": getrandbits(64),
        "choice": random.choices(range(10**9), k=3),
        "gauss": gauss.gauss(0, 1),
        "own": own.random(),
        "slots": slots.random(),
        "unseeded": unseeded.random(),
        "method": method(),
        "system": system.random(),
        "names": next(names),
        "name": next(tempfile._get_candidate_names()),
        "node": uuid.getnode(),
        "uuid1": uuid.uuid1().clock_seq,
        "same seeded": seeded.random(),
        "same reseeded": reseeded.random(),
        "same restored": restored.random(),
    }
    assert seeded.random() == reseeded.random() == restored.random()
    assert values["same seeded"] == native().random()
    for name, value in values.items():
        wadup.insert_row("values_", [name, str(value)])
    random.seed(5)
    assert random.random() == random.Random(5).random()
