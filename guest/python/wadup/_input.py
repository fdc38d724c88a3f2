"""The input that is being processed."""

import io
import os
from typing import BinaryIO, cast

from ._native import processing

_DATA = "/data.bin"
_PATH = "/input/path"


class Input:
    """The input that is being processed: use :data:`wadup.input`.

    It can be read in ``main()`` only. While the module is imported there is no input, and
    every use is a :class:`RuntimeError`.
    """

    __slots__ = ()

    @property
    def path(self) -> str:
        """The path of the input as it was given on the host or, for sub-content, by the
        program that emitted it. Bytes that are not UTF-8 are lone surrogates in it
        (:pep:`383`): ``os.fsencode`` gives the bytes back."""
        _require_input()
        try:
            with open(_PATH, "rb") as file:
                return os.fsdecode(file.read())
        except FileNotFoundError:
            # Another host than wadup's: all that is known is where the content is.
            return _DATA

    @property
    def name(self) -> str:
        """The last part of :attr:`path`."""
        return self.path.rpartition("/")[2]

    @property
    def size(self) -> int:
        """The number of bytes."""
        _require_input()
        return os.stat(_DATA).st_size

    def open(self) -> BinaryIO:
        """Open the content for reading bytes, buffered and seekable."""
        _require_input()
        return cast(BinaryIO, open(_DATA, "rb"))

    def read_bytes(self) -> bytes:
        """The whole content."""
        with self.open() as file:
            return file.read()

    def read_text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The whole content as text; line ends become ``\\n``, as in
        :meth:`pathlib.Path.read_text`."""
        with io.TextIOWrapper(self.open(), encoding, errors) as file:
            return file.read()

    def __repr__(self) -> str:
        if not processing():
            return "<wadup.Input: none while the module is imported>"
        return f"<wadup.Input {self.path!r}, {self.size} bytes>"


def _require_input() -> None:
    if not processing():
        raise RuntimeError(
            "wadup.input is there in main() only: the module is imported before there is an input"
        )
