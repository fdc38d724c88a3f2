"""Runs the checks of one topic; which one, the input's name says.

The same modules run in the sandbox and natively (`native.py`), and the test compares what they
print, line by line.
"""

from importlib import import_module


def main() -> None:
    import wadup

    run(wadup.input.name)


def run(topic: str) -> None:
    import_module(f"functionality.{topic}").checks()
