"""The input as lines, JSON and CSV, one record after the other, without pydantic."""
# outcome: completed
# rows: [["validation_errors", [null, 2, null, "JSONDecodeError", "Expecting value: line 1 column 1 (char 0)", null]], ["validation_errors", [null, 4, null, "Error", "1 cells, and the header has 2", null]], ["validation_errors", [null, 1, null, "ValueError", "a\\0b\\udc80", null]]]

import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec

import wadup
from wadup import _input


@dataclass
class User:
    name: str


def given(content):
    """Has the content as the input."""
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(content)
    _input._DATA = file.name
    return wadup.input


def refused(kind, part, note, function):
    try:
        function()
    except kind as error:
        assert part in str(error), str(error)
        assert getattr(error, "__notes__", []) == note, error.__notes__
    else:
        raise AssertionError("it was accepted")


def lines():
    assert list(given(b"").lines()) == []
    assert list(given(b"a\r\n\nb\xc3\xa4\rc").lines()) == ["a", "", "bä", "c"]
    assert list(given(b"\xe4\n").lines("latin-1")) == ["ä"]
    assert list(given(b"\xe4\n").lines(errors="replace")) == ["\ufffd"]
    refused(UnicodeDecodeError, "", [], lambda: list(given(b"\xff").lines()))
    reader = given(b"a\nb\n" * 100_000).lines()
    assert iter(reader) is reader and next(reader) == "a" and next(reader) == "b"


def json():
    assert given(b' {"a": [1, 2.5, null]} ').json() == {"a": [1, 2.5, None]}
    refused(ValueError, "Expecting value", [], given(b"").json)
    assert list(given(b'{"a":1}\n\n  \n[2]\r\n"x"').jsonl()) == [{"a": 1}, [2], "x"]
    assert list(given(b"").jsonl()) == []
    refused(ValueError, "Expecting value", ["in line 3 of the input"],
            lambda: list(given(b"1\n\nx\n").jsonl()))
    told = []
    seen = list(given(b"1\n{\n2\n\xff\n").jsonl(on_error=lambda error, line: told.append(line)))
    assert seen == [1, 2] and told == [2, 4]
    assert list(given(b"1\nx\n2\n").jsonl(on_error=wadup.errors)) == [1, 2]
    told.clear()
    deep = b"1\n" + b"[" * 100_000 + b"\n2\n"
    assert list(given(deep).jsonl(on_error=lambda error, line: told.append(line))) == [1, 2]
    assert told == [2]


def csv():
    assert list(given(b"").csv()) == [] and list(given(b"a,b\n").csv()) == []
    content = b'\xef\xbb\xbfname,text\nAda,"one, \r\n""two"""\n\nBo,\n'
    assert list(given(content).csv()) == [
        {"name": "Ada", "text": 'one, \r\n"two"'}, {"name": "Bo", "text": ""},
    ]
    assert list(given(b"n;t\r\n\xe4;1\r\n").csv(delimiter=";", encoding="latin-1")) == [
        {"n": "ä", "t": "1"},
    ]
    content = b'a,b\n"1\n",2\n3\n4,5\n'
    refused(Exception, "1 cells, and the header has 2", ["in line 4 of the input"],
            lambda: list(given(content).csv()))
    assert list(given(content).csv(on_error=wadup.errors)) == [
        {"a": "1\n", "b": "2"}, {"a": "4", "b": "5"},
    ]
    refused(Exception, "two columns `a`", [], lambda: list(given(b"a,a\n1,2\n").csv()))


def csv_that_is_not_utf_8():
    """A byte that is wrong took what was read with it, and the next record began anywhere."""
    count = 5000
    names = [b"person%d" % number for number in range(count)]
    names[3000], names[4000] = b"caf\xe9", "käse".encode()
    content = b"name,age\n" + b"".join(b"%s,%d\n" % (name, age) for age, name in enumerate(names))
    told = []
    rows = list(given(content).csv(on_error=lambda error, line: told.append((str(error), line))))
    assert [row["age"] for row in rows] == [str(n) for n in range(count) if n != 3000]
    assert rows[3999]["name"] == "käse"
    assert told == [("the byte 0xe9 is not utf-8-sig here", 3002)], told
    refused(ValueError, "0xe9", ["in line 2 of the input"],
            lambda: list(given(b"a\n\xe9\n").csv()))
    refused(ValueError, "0xe9", [], lambda: list(given(b"\xe9\na\n").csv(on_error=wadup.errors)))
    refused(UnicodeDecodeError, "", [],
            lambda: list(given(b"a\0\n\0\0\xd8").csv(encoding="utf-16-le", on_error=wadup.errors)))


def csv_with_long_cells():
    """csv refused them and went on within them."""
    lines = "".join(f"fake{number},{number}\n" for number in range(20_000))
    content = f'name,age\nfirst,1\n"{lines}",2\nlast,3\n'.encode()
    rows = list(given(content).csv(on_error=wadup.errors))
    assert [row["age"] for row in rows] == ["1", "2", "3"] and rows[1]["name"] == lines


def errors():
    wadup.errors(ValueError("a\0b\udc80"), 1)
    try:
        with wadup.errors:
            raise KeyError("not mine")
    except KeyError:
        pass
    with wadup.errors:
        pass
    assert "validation_errors" in repr(wadup.errors)


def main():
    before = _input._DATA
    lines()
    json()
    csv()
    csv_that_is_not_utf_8()
    csv_with_long_cells()
    errors()
    assert "pydantic" not in sys.modules
    if find_spec("pydantic") is None:
        refused(ImportError, "add it to the dependencies", [], lambda: given(b"{}").json(User))
    _input._DATA = before
