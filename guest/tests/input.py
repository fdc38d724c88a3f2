"""The input can be read in main(), and only there."""
# outcome: completed

import os

import wadup

CONTENT = b"line one\r\nzwei \xe4\xff\n\0end"


def unavailable(function):
    try:
        function()
    except RuntimeError as error:
        assert "in main() only" in str(error), str(error)
    else:
        raise AssertionError("there was an input at import")


unavailable(lambda: wadup.input.path)
unavailable(lambda: wadup.input.name)
unavailable(lambda: wadup.input.size)
unavailable(wadup.input.open)
unavailable(wadup.input.read_bytes)
unavailable(wadup.input.read_text)
assert "none while the module is imported" in repr(wadup.input)


def main():
    path = "some/dir/ınp\udcffut.txt"
    assert wadup.input.path == path and wadup.input.name == "ınp\udcffut.txt"
    assert os.fsencode(wadup.input.path) == "some/dir/ınp".encode() + b"\xffut.txt"
    assert wadup.input.size == len(CONTENT)
    assert wadup.input.read_bytes() == CONTENT == open("/data.bin", "rb").read()
    assert wadup.input.read_text("latin-1") == "line one\nzwei äÿ\n\0end"
    assert wadup.input.read_text(errors="replace").startswith("line one\nzwei \ufffd")
    try:
        wadup.input.read_text()
    except UnicodeDecodeError as error:
        assert error.start == 15
    else:
        raise AssertionError("that is not UTF-8")
    with wadup.input.open() as first, wadup.input.open() as second:
        assert first.read(4) == b"line" and second.readline() == b"line one\r\n"
        assert first.seekable() and first.seek(-3, os.SEEK_END) and first.read() == b"end"
        assert first.peek(1) == b"" and not first.writable()
    assert "some/dir" in repr(wadup.input)
