"""Data of the import dies when main() lets go of it, also where only code and constants of a
snapshot are immortal; and those are as good as others."""
# outcome: completed
# stdout: died: held in a list, held in a dict, held in a tuple, an attribute; gone: 2; 3 1 True

import gc
import sys
import weakref

died = []


class Resource:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        died.append(self.name)


class Node:
    pass


LIST = [Resource("held in a list")]
DICT = {"key": Resource("held in a dict")}
TUPLE = ("text", (1, Resource("held in a tuple")))
HOLDER = Node()
HOLDER.attribute = Resource("an attribute")
NODES = [Node(), Node()]
WEAK = weakref.WeakSet(NODES)


def counted(items=(1, (2, frozenset({3, "three"})))):
    return len(items)


def main():
    global TUPLE
    LIST.clear()
    del DICT["key"]
    TUPLE = None
    del HOLDER.attribute
    gone = len(WEAK)
    NODES.clear()
    gone -= len(WEAK)
    # Counting references still works, on whatever is counted.
    fresh = Node()
    references = sys.getrefcount(fresh) - 1
    del counted.__defaults__
    try:
        counted()
    except TypeError:
        length = 3
    gc.collect()
    print(f"died: {', '.join(died)}; gone: {gone}; {length} {references} {main is globals()['main']}")
