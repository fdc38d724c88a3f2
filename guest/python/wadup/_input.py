"""The input that is being processed. ``_input.pyi`` has the types."""

import io
import os

from ._native import processing

# Where it is. Outside of the sandbox, `wadup.local` says where.
_DATA = "/data.bin"
_PATH = "/input/path"


class Input:
    """The input that is being processed: use :data:`wadup.input`.

    It can be read in ``main()`` only. While the module is imported there is no input, and
    every use is a :class:`RuntimeError`.

    Readers of records (:meth:`jsonl`, :meth:`csv`) hold one record at a time. A record that
    cannot be read is an exception with a note that says in which line, unless there is
    somebody to tell: ``on_error`` is called with the exception and the line, and the record
    is passed over. :data:`wadup.errors` makes rows of what it is told.
    """

    __slots__ = ()

    @property
    def path(self):
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
    def name(self):
        """The last part of :attr:`path`."""
        return self.path.rpartition("/")[2]

    @property
    def size(self):
        """The number of bytes."""
        _require_input()
        return os.stat(_DATA).st_size

    def open(self):
        """Open the content for reading bytes, buffered and seekable."""
        _require_input()
        return open(_DATA, "rb")

    def read_bytes(self):
        """The whole content."""
        with self.open() as file:
            return file.read()

    def read_text(self, encoding="utf-8", errors="strict"):
        """The whole content as text; line ends become ``\\n``, as in
        :meth:`pathlib.Path.read_text`."""
        with io.TextIOWrapper(self.open(), encoding, errors) as file:
            return file.read()

    def lines(self, encoding="utf-8", errors="strict"):
        """The lines of the text, one after the other, without their ends."""
        from ._readers import lines

        return lines(self.open(), encoding, errors)

    def json(self, model=None):
        """The content as one JSON document: as dicts and lists, or as a valid `model` (a
        pydantic model or whatever pydantic validates). All of it is in memory."""
        from ._readers import document

        return document(self.open(), model)

    def jsonl(self, model=None, *, on_error=None):
        """The lines as JSON documents (`JSON Lines <https://jsonlines.org>`_), each as
        :meth:`json` would give it. Blank lines are passed over."""
        from ._readers import json_lines

        return json_lines(self.open(), model, on_error)

    def csv(self, model=None, *, on_error=None, delimiter=",", encoding="utf-8-sig"):
        """The rows of a table with a header, as dicts of texts or as valid models. An empty
        cell is what a model takes for nothing: None, or else its default, or else an empty
        text."""
        from ._readers import table

        return table(self.open(), model, on_error, delimiter, encoding)

    def __repr__(self):
        if not processing():
            return "<wadup.Input: none while the module is imported>"
        return f"<wadup.Input {self.path!r}, {self.size} bytes>"


def _require_input():
    if not processing():
        raise RuntimeError(
            "wadup.input is there in main() only: the module is imported before there is an input"
        )
