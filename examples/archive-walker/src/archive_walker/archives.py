"""ZIP and tar (plain, gzip, bzip2, xz) behind one small interface."""

import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Literal, Protocol

Kind = Literal["file", "directory", "other"]

GZIP, BZIP2, XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"
# A tar header has its magic at a fixed place and is never compressed itself.
TAR, TAR_OFFSET = b"ustar", 257


@dataclass(frozen=True)
class Entry:
    name: str
    kind: Kind
    size: int
    # Size inside the archive; None where members are not compressed one by one.
    packed_size: int | None
    # ISO 8601. ZIP knows no time zone, so neither does its value.
    modified: str | None


class Archive(Protocol):
    def entries(self) -> Iterator[Entry]: ...

    def read(self, entry: Entry, limit: int) -> bytes | None:
        """The content of the entry that `entries` gave last.

        None where it is not a file, or unpacks to more than `limit` bytes.
        """


def open_archive(file: IO[bytes]) -> Archive | None:
    """The archive in `file`, or None where it is not one."""
    if zipfile.is_zipfile(file):
        return Zip(zipfile.ZipFile(file))
    file.seek(0)
    start = file.read(512)
    file.seek(0)
    if start.startswith((GZIP, BZIP2, XZ)):
        return _compressed_tar(file)
    if start[TAR_OFFSET:].startswith(TAR):
        return Tar(tarfile.open(fileobj=file, mode="r:"))
    return None


def _compressed_tar(file: IO[bytes]) -> Archive | None:
    try:
        return Tar(tarfile.open(fileobj=file, mode="r:*"))
    except tarfile.ReadError:
        # Compressed, but not a tar: nothing to walk.
        return None


class Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._current: zipfile.ZipInfo

    def entries(self) -> Iterator[Entry]:
        for info in self._archive.infolist():
            self._current = info
            yield Entry(
                name=info.filename,
                kind="directory" if info.is_dir() else "file",
                size=info.file_size,
                packed_size=info.compress_size,
                modified=_zip_time(info),
            )

    def read(self, entry: Entry, limit: int) -> bytes | None:
        if entry.kind != "file":
            return None
        with self._archive.open(self._current) as member:
            return _read_up_to(member, limit)


class Tar:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._current: tarfile.TarInfo

    def entries(self) -> Iterator[Entry]:
        for info in self._archive:
            self._current = info
            yield Entry(
                name=info.name,
                kind="file" if info.isfile() else "directory" if info.isdir() else "other",
                size=info.size,
                packed_size=None,
                modified=_tar_time(info),
            )

    def read(self, entry: Entry, limit: int) -> bytes | None:
        member = self._archive.extractfile(self._current) if entry.kind == "file" else None
        return None if member is None else _read_up_to(member, limit)


def _read_up_to(member: IO[bytes], limit: int) -> bytes | None:
    # What a header says of the size is a claim; only reading tells.
    content = member.read(limit + 1)
    return content if len(content) <= limit else None


def _zip_time(info: zipfile.ZipInfo) -> str | None:
    try:
        return datetime(*info.date_time).isoformat()
    except ValueError:
        # Many writers leave the date as zeros: month 0 of 1980.
        return None


def _tar_time(info: tarfile.TarInfo) -> str | None:
    try:
        return datetime.fromtimestamp(info.mtime, UTC).isoformat()
    except (OverflowError, ValueError):
        # Headers can hold seconds beyond the year 9999.
        return None
