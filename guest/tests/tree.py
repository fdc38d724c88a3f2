"""The read-only file tree behaves like a file system."""
# outcome: completed

import base64
import errno
import hashlib
import importlib.metadata
import importlib.resources
import inspect
import json
import linecache
import marshal
import os
import pkgutil
import stat
import sys
import sysconfig

import wadup
import tree_package

PACKAGE = os.path.dirname(tree_package.__file__)
DATA = f"{PACKAGE}/data.txt"
CONTENT = b"first line\nsecond line\n"


def fails(code, function, *arguments, **options):
    try:
        result = function(*arguments, **options)
    except OSError as error:
        assert error.errno == code, (function, arguments, errno.errorcode[error.errno])
    else:
        raise AssertionError(f"{function}{arguments} gave {result!r}")


def reading():
    with open(DATA, "rb") as file:
        assert file.read(5) == b"first" and file.tell() == 5
        assert file.seek(-5, os.SEEK_END) == len(CONTENT) - 5 and file.read() == b"line\n"
        assert file.read() == b"" and file.seek(10**12) == 10**12 and file.read() == b""
        fails(errno.EINVAL, file.seek, -1)
        fails(errno.EBADF, os.write, file.fileno(), b"x")
        fails(errno.EINVAL, os.ftruncate, file.fileno(), 0)
        assert os.pread(file.fileno(), 4, 6) == b"line"
        assert not os.isatty(file.fileno()) and 2 < file.fileno() < 1024
        os.fsync(file.fileno())
        number = file.fileno()
    fails(errno.EBADF, os.read, number, 1)
    fails(errno.EBADF, os.close, number)
    with open(DATA) as text:
        assert list(text) == ["first line\n", "second line\n"]
    assert open(f"{PACKAGE}/empty.txt", "rb").read() == b""


def many_at_once():
    files = [open(DATA, "rb") for _ in range(300)]
    assert len({file.fileno() for file in files}) == 300
    assert {file.read(1) for file in files} == {b"f"}
    lowest = files[0].fileno()
    for file in files:
        file.close()
    with open(DATA, "rb") as again:
        assert again.fileno() == lowest
    opened = []
    try:
        while True:
            opened.append(os.open(DATA, os.O_RDONLY))
    except OSError as error:
        assert error.errno == errno.EMFILE and len(opened) > 4000
    for number in opened:
        os.close(number)


def paths():
    assert os.path.isfile(f"{PACKAGE}/../tree_package/./data.txt")
    assert os.path.isfile(f"{PACKAGE}//data.txt") and os.path.isdir(f"{PACKAGE}/")
    assert os.path.realpath(f"{PACKAGE}/../tree.py") == "/app/tree.py"
    assert not os.path.islink(DATA) and not os.path.exists(f"{PACKAGE}/nothing")
    fails(errno.ENOENT, open, f"{PACKAGE}/nothing")
    fails(errno.ENOENT, open, f"{PACKAGE}/nothing/deeper")
    fails(errno.ENOTDIR, open, f"{DATA}/deeper")
    fails(errno.ENOTDIR, os.stat, f"{DATA}/")
    fails(errno.ENOTDIR, os.stat, f"{DATA}/..")
    fails(errno.EISDIR, open, PACKAGE)
    fails(errno.EISDIR, open, PACKAGE, "w")
    fails(errno.ENOTDIR, os.listdir, DATA)
    fails(errno.EINVAL, os.readlink, DATA)
    here = os.getcwd()
    os.chdir(PACKAGE)
    assert open("data.txt", "rb").read() == CONTENT and os.listdir(".") == os.listdir(PACKAGE)
    os.chdir(here)
    directory = os.open(PACKAGE, os.O_RDONLY | os.O_DIRECTORY)
    assert os.stat("data.txt", dir_fd=directory).st_size == len(CONTENT)
    os.close(directory)


def statistics():
    status = os.stat(DATA)
    assert stat.S_ISREG(status.st_mode) and status.st_size == len(CONTENT)
    assert status.st_mtime == 315532800 and status == os.lstat(DATA)
    assert stat.S_ISDIR(os.stat("/lib").st_mode) and stat.S_ISDIR(os.stat("/app").st_mode)
    assert os.path.samefile(DATA, f"{PACKAGE}/../tree_package/data.txt")
    inodes = [os.stat(os.path.join(top, name)).st_ino
              for top, _, names in os.walk("/lib/python3.13/json") for name in names]
    assert len(inodes) == len(set(inodes)) > 3
    assert os.access(DATA, os.R_OK) and not os.access(DATA, os.W_OK)
    assert os.stat(DATA).st_dev != os.stat("/tmp").st_dev


def listings():
    assert sorted(os.listdir(PACKAGE)) == os.listdir(PACKAGE)
    names = {entry.name: entry for entry in os.scandir(PACKAGE)}
    assert {"__init__.py", "data.txt", "empty.txt", "nested"} <= set(names)
    assert names["nested"].is_dir() and names["data.txt"].is_file()
    assert names["data.txt"].inode() == os.stat(DATA).st_ino
    assert names["data.txt"].stat().st_size == len(CONTENT)
    assert {"lib", "app", "tmp", "data.bin"} <= set(os.listdir("/"))
    assert len(os.listdir("/lib/python3.13")) > 150
    walked = {top for top, _, _ in os.walk("/")}
    assert {"/", "/lib/python3.13/json", PACKAGE, f"{PACKAGE}/nested"} <= walked


def nothing_can_be_changed():
    for mode in ("w", "a", "r+", "x+b"):
        code = errno.EEXIST if "x" in mode else errno.EROFS
        fails(code, open, DATA, mode)
    fails(errno.EROFS, open, f"{PACKAGE}/new.txt", "w")
    fails(errno.ENOENT, open, f"{PACKAGE}/nowhere/new.txt", "w")
    fails(errno.EROFS, os.mkdir, f"{PACKAGE}/new")
    fails(errno.EEXIST, os.mkdir, PACKAGE)
    fails(errno.EROFS, os.unlink, DATA)
    fails(errno.ENOENT, os.unlink, f"{PACKAGE}/nothing")
    fails(errno.EROFS, os.rmdir, f"{PACKAGE}/nested")
    fails(errno.EROFS, os.rename, DATA, f"{PACKAGE}/other")
    fails(errno.EXDEV, os.rename, DATA, "/tmp/other")
    fails(errno.EROFS, os.utime, DATA, (1, 1))
    fails(errno.EROFS, os.symlink, "x", f"{PACKAGE}/link")
    os.makedirs("/app/tree_package", exist_ok=True)


def copying_out():
    import shutil
    shutil.copyfile(DATA, "/tmp/copied.txt")
    shutil.copytree(PACKAGE, "/tmp/copied")
    assert open("/tmp/copied.txt", "rb").read() == open("/tmp/copied/data.txt", "rb").read()
    shutil.rmtree("/tmp/copied")
    os.unlink("/tmp/copied.txt")


def libraries():
    assert pkgutil.get_data("tree_package", "data.txt") == CONTENT
    files = importlib.resources.files("tree_package")
    assert files.joinpath("nested/deep.txt").read_text() == "deep\n"
    with importlib.resources.as_file(files / "data.txt") as path:
        assert str(path) == DATA
    assert [module.name for module in pkgutil.iter_modules(tree_package.__path__)] == ["lazy"]
    from tree_package import lazy
    assert lazy.VALUE == 42 and lazy.__file__ == f"{PACKAGE}/lazy.py"
    assert linecache.getline(DATA, 2) == "second line\n"
    assert inspect.getsource(reading).startswith("def reading():")
    assert importlib.metadata.version("tree-package") == "1.2.3"
    distribution = importlib.metadata.distribution("tree-package")
    assert [entry.name for entry in distribution.entry_points] == ["tool"]
    assert distribution.metadata["Summary"] == "résumé"


def every_file_is_what_was_packed():
    """Files are compressed; RECORD has the digests of what they were before."""
    checked = 0
    for distribution in importlib.metadata.distributions():
        for file in distribution.files or []:
            if file.hash is None:
                continue
            content = file.read_binary()
            digest = hashlib.new(file.hash.mode, content).digest()
            assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == file.hash.value, file
            assert len(content) == file.size == os.stat(file.locate()).st_size, file
            checked += 1
    assert checked > 5, checked
    for name in sys.stdlib_module_names:
        path = f"/lib/python3.13/{name}.pyc"
        if os.path.exists(path):
            with open(path, "rb") as bytecode:
                marshal.loads(bytecode.read()[16:])


def columns_are_known_where_there_is_a_source():
    lines = [line for *_, line in json.loads.__code__.co_lines() if line]
    assert min(lines) > 200 and len(set(lines)) > 5, lines
    own, theirs = reading.__code__.co_positions(), json.loads.__code__.co_positions()
    assert any(column for _, _, column, _ in own)
    assert not any(column for _, _, column, _ in theirs)


def interpreter():
    assert sys.platform == "wasi" and sys.executable == "" and sys.prefix == "/"
    assert sys.argv == [__name__] == sys.orig_argv
    site_packages = "/lib/python3.13/site-packages"
    assert sys.path == ["/app", "/lib/python3.13", site_packages], sys.path
    assert sys.flags.utf8_mode == 1 and sys.flags.safe_path and sys.flags.isolated
    assert sys.getfilesystemencoding() == "utf-8" and sys.dont_write_bytecode
    assert os.path.isdir(sysconfig.get_path("stdlib"))
    assert sysconfig.get_config_var("SOABI") == "cpython-313-wasm32-wasi"
    import site
    assert site.getsitepackages() == [site_packages] and site.ENABLE_USER_SITE is False


def main():
    for check in (reading, many_at_once, paths, statistics, listings, nothing_can_be_changed,
                  copying_out, libraries, every_file_is_what_was_packed,
                  columns_are_known_where_there_is_a_source, interpreter):
        check()
