"""An exception that cannot be printed is reported all the same."""
# outcome: raised raises_broken.Holder.Broken
# message: <exception str() failed>


class Holder:
    class Broken(Exception):
        def __str__(self):
            raise RuntimeError("no text")


def main():
    raise Holder.Broken
