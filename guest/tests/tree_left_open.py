"""A file of the tree that is open at import is read on in main()."""
# outcome: completed

own = open(__file__, "rb")
assert own.read(3) == b'"""'


def main():
    assert own.read(6) == b"A file" and own.tell() == 9
    with open(__file__, "rb") as other:
        assert other.fileno() != own.fileno()
