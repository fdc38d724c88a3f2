"""An exception group shows all of them."""
# outcome: raised ExceptionGroup
# message: two (2 sub-exceptions)
# traceback: KeyError: 'b'


def main():
    raise ExceptionGroup("two", [ValueError("a"), KeyError("b")])
