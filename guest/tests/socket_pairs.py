"""Two sockets inside of the instance; none to the outside."""
# outcome: completed

import array
import errno
import os
import select
import socket

early = socket.socketpair()


def refused(number, function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        assert error.errno == number, error
    else:
        raise AssertionError(f"{function} returned")


def main():
    early[0].sendall(b"across")
    assert early[1].recv(100) == b"across"

    one, other = socket.socketpair()
    assert one.family == socket.AF_UNIX and one.type == socket.SOCK_STREAM
    assert one.getsockname() == "" and other.getpeername() == ""
    assert one.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM
    refused(errno.ENOPROTOOPT, one.setsockopt, socket.SOL_SOCKET, 7, 1)
    assert select.select([one, other], [one, other], [], 0) == ([], [one, other], [])

    # Both ways.
    one.sendall(b"there")
    other.sendall(b"and back")
    assert select.select([one, other], [], []) == ([one, other], [], [])
    assert other.recv(100, socket.MSG_PEEK) == b"there" and other.recv(2) == b"th"
    buffer = array.array("B", bytes(3))
    assert other.recv_into(buffer) == 3 and bytes(buffer) == b"ere"
    assert os.read(one.fileno(), 100) == b"and back"

    # Nobody else can ever answer; a socket with a timeout waits for it.
    refused(errno.EDEADLK, one.recv, 1)
    one.settimeout(0.001)
    try:
        one.recv(1)
    except TimeoutError:
        pass
    else:
        raise AssertionError
    one.setblocking(False)
    refused(errno.EAGAIN, one.recv, 1)
    size = 0
    while select.select([], [one], [], 0)[1]:
        size += one.send(bytes(100_000))
    refused(errno.EAGAIN, one.send, b"x")
    received = 0
    while received < size:
        received += len(other.recv(1 << 20))

    # A direction is closed, then all.
    one.shutdown(socket.SHUT_WR)
    refused(errno.EPIPE, one.send, b"x")
    assert other.recv(1) == b""
    other.sendall(b"still")
    assert one.recv(100) == b"still"
    copy = other.dup()
    other.close()
    copy.sendall(b"!")
    assert one.recv(1) == b"!"
    copy.close()
    assert one.recv(1) == b""
    refused(errno.ENOTCONN, one.getpeername)
    one.close()

    again = socket.socket(fileno=os.dup(early[0].fileno()))
    assert again.family == socket.AF_UNIX and again.type == socket.SOCK_STREAM
    again.close()

    # What is no socket, and what there is not.
    reader, writer = os.pipe()
    for number in (reader, writer, 0):
        refused(errno.ENOTSOCK, socket.socket, -1, -1, -1, number)
    refused(errno.EPROTOTYPE, socket.socketpair, socket.AF_UNIX, socket.SOCK_DGRAM)
    refused(errno.EAFNOSUPPORT, socket.socketpair, socket.AF_INET)
    refused(errno.ENOTSUP, socket.socket)
    refused(errno.ENOTSUP, socket.create_server, ("127.0.0.1", 0))
