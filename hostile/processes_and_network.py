# Starts processes and threads, and opens connections.
# outcome: completed

import os
import socket
import subprocess
import threading


def refused(call, *args):
    try:
        call(*args)
    except (OSError, RuntimeError, AttributeError, NotImplementedError):
        return
    raise AssertionError(f"{call} was possible")


def connect(family, kind, address):
    socket.socket(family, kind).connect(address)


def main():
    refused(subprocess.run, ["/bin/sh", "-c", "true"])
    refused(lambda: os.system("true"))
    refused(lambda: os.fork())
    refused(lambda: os.execv("/bin/sh", ["sh"]))
    refused(lambda: os.kill(1, 9))
    refused(threading.Thread(target=print).start)
    refused(connect, socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 80))
    refused(connect, socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 53))
    refused(lambda: socket.getaddrinfo("localhost", 80))
