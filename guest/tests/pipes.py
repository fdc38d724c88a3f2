"""Pipes inside of the instance: bounded, with ends, and never a wait for nobody."""
# outcome: completed

import errno
import os
import select

early = os.pipe()
os.write(early[1], b"from the import")


def refused(number, function, *arguments, **options):
    try:
        function(*arguments, **options)
    except OSError as error:
        assert error.errno == number, error
    else:
        raise AssertionError(f"{function} returned")


def ready(reader, writer):
    found = select.select([reader], [writer], [], 0)
    return bool(found[0]), bool(found[1])


def main():
    # Made while the module was imported, and each instance's own.
    assert os.read(early[0], 100) == b"from the import"
    os.close(early[0])
    refused(errno.EPIPE, os.write, early[1], b"x")
    os.close(early[1])
    refused(errno.EBADF, os.close, early[1])

    reader, writer = os.pipe()
    assert reader < 1024 and writer < 1024
    assert ready(reader, writer) == (False, True)
    assert os.write(writer, b"hello") == 5
    assert ready(reader, writer) == (True, True)
    assert os.read(reader, 2) == b"he" and os.read(reader, 100) == b"llo"
    assert os.write(writer, b"") == 0 and os.read(reader, 0) == b""

    # The one thread cannot wait for itself.
    refused(errno.EDEADLK, os.read, reader, 1)
    refused(errno.EDEADLK, select.select, [reader], [], [])
    assert select.select([reader], [], [], 0.001) == ([], [], [])
    os.set_blocking(reader, False)
    assert not os.get_blocking(reader) and os.get_blocking(writer)
    refused(errno.EAGAIN, os.read, reader, 1)

    # It is full at some point; a small write is done whole or not at all.
    os.set_blocking(writer, False)
    size = 0
    while True:
        try:
            size += os.write(writer, b"x" * 5000)
        except BlockingIOError:
            break
    assert size == 65536
    assert ready(reader, writer) == (True, False)
    assert len(os.read(reader, 4000)) == 4000
    refused(errno.EAGAIN, os.write, writer, b"y" * 4096)
    assert os.write(writer, b"y" * 5000) == 4000
    assert len(os.read(reader, 100_000)) == 65536

    # Directions, and what a pipe cannot do.
    refused(errno.EBADF, os.write, reader, b"x")
    refused(errno.EBADF, os.read, writer, 1)
    refused(errno.ESPIPE, os.lseek, reader, 0, os.SEEK_SET)
    refused(errno.ESPIPE, os.pread, reader, 1, 0)
    refused(errno.EINVAL, os.ftruncate, writer, 0)
    refused(errno.ENOTDIR, os.open, "x", os.O_RDONLY, 0, dir_fd=reader)
    assert not os.isatty(reader)
    assert os.fstat(reader).st_ino != os.fstat(writer).st_ino

    # The end, when the last number of the writing end is closed.
    other = os.dup(writer)
    os.close(writer)
    os.write(other, b"last")
    os.close(other)
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    assert poll.poll(0)[0][1] & select.POLLIN
    assert os.read(reader, 100) == b"last" and os.read(reader, 100) == b""
    assert poll.poll(0)[0][1] & select.POLLHUP
    os.close(reader)
    assert poll.poll(0) == [(reader, select.POLLNVAL)]

    # As files, buffered.
    reader, writer = os.pipe2(os.O_NONBLOCK)
    assert not os.get_blocking(reader)
    with open(reader) as lines, open(writer, "w") as file:
        print("one\ntwo", file=file, flush=True)
        assert lines.readline() == "one\n" and lines.readline() == "two\n"
