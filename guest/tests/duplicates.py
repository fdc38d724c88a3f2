"""Duplicates of a descriptor share its offset, whatever it stands for."""
# outcome: completed
# stdout: one
# stdout: two
# stderr: three

import errno
import os
import sys
import tempfile

own = os.open(__file__, os.O_RDONLY)
copy = os.dup(own)
assert os.read(own, 3) == b'"""'


def refused(number, function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        assert error.errno == number, error
    else:
        raise AssertionError(f"{function} returned")


def main():
    # A file of the tree, also one that was opened at import.
    assert os.read(copy, 10) == b"Duplicates"
    os.close(own)
    assert os.read(copy, 3) == b" of" and os.lseek(copy, 0, os.SEEK_CUR) == 16
    os.close(copy)
    refused(errno.EBADF, os.read, copy, 1)

    # A file of the host: offset and size are shared, and so are flags.
    path = tempfile.mkdtemp() + "/file"
    first = os.open(path, os.O_RDWR | os.O_CREAT)
    second = os.dup(first)
    assert second != first
    os.write(first, b"hello ")
    os.write(second, b"world")
    assert os.pread(first, 100, 0) == b"hello world"
    os.lseek(second, 2, os.SEEK_SET)
    assert os.read(first, 3) == b"llo"
    assert os.path.sameopenfile(first, second)
    os.close(first)
    refused(errno.EBADF, os.fstat, first)
    assert os.fstat(second).st_size == 11

    # To a number of one's choice, over what was there.
    assert os.dup2(second, 900) == 900 and os.dup2(900, 900) == 900
    other = os.open(__file__, os.O_RDONLY)
    assert os.dup2(900, other) == other
    os.lseek(900, 0, os.SEEK_SET)
    assert os.read(other, 5) == b"hello"
    for number in (second, 900, other):
        os.close(number)
    refused(errno.EBADF, os.dup, other)
    refused(errno.EBADF, os.dup2, other, 900)
    reader, writer = os.pipe()
    for wrong in (1 << 30, 1 << 20):
        refused(errno.EBADF, os.dup2, reader, wrong)

    # Whether a program would inherit it is remembered.
    assert not os.get_inheritable(reader) and not os.get_inheritable(os.dup(reader))
    assert os.get_inheritable(os.dup2(reader, 901))
    os.set_inheritable(reader, True)
    assert os.get_inheritable(reader)

    # Standard streams.
    kept = os.dup(1)
    os.write(kept, b"one\n")
    os.dup2(writer, 1)
    print("into the pipe", flush=True)
    os.dup2(kept, 1)
    os.close(kept)
    print("two", flush=True)
    assert os.read(reader, 100) == b"into the pipe\n"
    os.dup2(2, 1)
    print("three", flush=True)

    # The lowest number that is free, as shells have it.
    os.close(0)
    assert os.open("/dev/null", os.O_RDONLY) == 0

    # What is not the program's stays as it is, whatever it closes.
    os.closerange(3, 2000)
    refused(errno.EBADF, os.close, 3)
    with open(path) as file, open(__file__):
        assert file.read() == "hello world"
    assert sys.stdout.fileno() == 1
