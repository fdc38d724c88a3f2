"""Rows count without flush(), also those of an exit function; so does a table without rows."""
# outcome: completed
# rows: [["a", ["from main"]], ["a", ["at exit"]]]
# stdout: at exit

import atexit

import wadup


def at_exit():
    wadup.insert_row("a", ["at exit"])
    print("at exit")


def main():
    wadup.define_table("a", [("text", "String")])
    wadup.insert_row("a", ["from main"])
    atexit.register(at_exit)
