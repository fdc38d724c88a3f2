"""The devices that there are, and no others."""
# outcome: completed

import errno
import os
import stat


def refused(number, function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        assert error.errno == number, error
    else:
        raise AssertionError(f"{function} returned")


def main():
    assert sorted(os.listdir("/dev")) == ["null", "urandom", "zero"]
    for name in os.listdir("/dev"):
        assert stat.S_ISCHR(os.stat(f"/dev/{name}").st_mode)
    with open(os.devnull, "r+b", buffering=0) as null:
        assert null.write(b"gone") == 4 and null.read(10) == b""
    with open("/dev/zero", "r+b", buffering=0) as zero:
        assert zero.read(10) == bytes(10) and zero.write(b"gone") == 4
    with open("/dev/urandom", "rb") as random:
        assert random.read(16) != random.read(16)
    refused(errno.ENOENT, open, "/dev/tty")
    refused(errno.EROFS, open, "/dev/tty", "a")
    refused(errno.EROFS, os.remove, "/dev/null")
    refused(errno.EROFS, os.rename, "/dev/null", "/dev/none")
