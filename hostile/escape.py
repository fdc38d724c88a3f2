# Tries to read and change a file of the host, whose path is its input, in every way there is.
# outcome: completed

import os
import pathlib

import wadup


def ways(path):
    """Names by which it may be reached."""
    name = path.lstrip("/")
    yield path
    yield "/" + path
    yield name
    yield path + "/"
    for depth in (1, 3, 10, 50):
        up = "../" * depth
        yield up + name
        yield "/tmp/" + up + name
        yield "/lib/" + up + name
        yield "/app/" + up + name
        yield "/dev/fd/../" + up + name
        yield "/proc/self/root/" + up + name
        yield "/proc/1/root" + path
    yield "/tmp/./../" + name
    yield "/tmp//" + path


def refused(call, *args, **options):
    try:
        call(*args, **options)
    except (OSError, AttributeError, NotImplementedError, ValueError):
        return
    raise AssertionError(f"{call.__qualname__}{args} was possible")


def main():
    path = wadup.input.read_text()
    for number, way in enumerate(ways(path)):
        refused(open, way)
        refused(open, way, "a")
        refused(open, way, "r+")
        refused(os.stat, way)
        refused(os.rename, way, "/tmp/stolen")
        refused(os.unlink, way)
        refused(os.truncate, way, 0)
        link = f"/tmp/link{number}"
        try:
            os.symlink(way, link)
        except OSError:
            continue
        refused(open, link)
        refused(open, link + "/")
        refused(open, link + "/../canary")
        refused(os.stat, link)
        refused(os.listdir, link)
        hard = f"/tmp/hard{number}"
        try:
            os.link(way, hard, follow_symlinks=False)
        except (OSError, NotImplementedError):
            continue
        raise AssertionError(f"a hard link to {way}")
    folder = str(pathlib.PurePath(path).parent)
    refused(os.listdir, folder)
    refused(os.mkdir, folder + "/made")
    refused(os.rename, "/tmp", folder + "/moved")
    # All there is of the world.
    assert not set(os.listdir("/")) - {"app", "data.bin", "dev", "input", "lib", "metadata", "subcontent", "tmp"}, os.listdir("/")
    assert not [name for name in os.environ if "CARGO" in name or name in ("HOME", "PATH", "USER")]
