"""Every mistake with tables and rows is an error of the call that makes it."""
# outcome: completed
# rows: [["import_time", [1]], ["t", [1, 1.5, "a"]], ["t", [null, null, null]], ["t", [1, 2.0, "yes"]], ["t", [-9223372036854775808, 9007199254740992.0, "\u0001\"\\\n\ud83d\ude00"]], ["t", [7, -0.0, "red"]], ["t", [0, 1e300, ""]], ["odd name; --", [1]]]

import collections.abc
import enum
import inspect

import wadup

wadup.define_table("import_time", [("n", "Int64")])
wadup.insert_row("import_time", [1])
wadup.flush()


class Color(str, enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    SEVEN = 7


class Index:
    def __index__(self):
        return 0


class Broken:
    def __index__(self):
        raise KeyError("mine")


class Floating(float):
    pass


def refused(kind, part, function, *arguments):
    try:
        function(*arguments)
    except kind as error:
        assert type(error) is kind, type(error)
        assert part in str(error), str(error)
    else:
        raise AssertionError(f"{arguments} was accepted")


def definitions():
    define = wadup.define_table
    unknown = "unknown variant `Bool`, expected one of `Int64`, `Float64`, `String`; use Int64"
    refused(wadup.TableError, unknown, define, "x", [("active", "Bool")])
    refused(wadup.TableError, "table `x`, column `active`", define, "x", [("active", "Bool")])
    refused(wadup.TableError, "unknown variant `int64`", define, "x", [("a", "int64")])
    refused(TypeError, "got <class 'int'>", define, "x", [("a", int)])
    refused(TypeError, 'a pair such as ("age", "Int64"), got \'ab\'', define, "x", ["ab"])
    refused(TypeError, "a pair", define, "x", [("a", "Int64", "NULL")])
    refused(TypeError, "columns: expected a list or tuple, got dict", define, "x", {"a": "Int64"})
    refused(TypeError, "columns: expected a list or tuple, got int", define, "x", 5)
    refused(TypeError, "a table's name is a str, got 5", define, 5, [("a", "Int64")])
    refused(TypeError, "a column's name is a str, got None", define, "x", [(None, "Int64")])
    refused(wadup.TableError, "no columns", define, "x", [])
    refused(wadup.TableError, "a table needs a name", define, "", [("a", "Int64")])
    refused(wadup.TableError, "129 characters", define, "x" * 129, [("a", "Int64")])
    refused(wadup.TableError, "`_wadup` are reserved", define, "_wadup_x", [("a", "Int64")])
    refused(wadup.TableError, "`sqlite_` are reserved", define, "SQLITE_x", [("a", "Int64")])
    refused(wadup.TableError, "control character", define, "a\0b", [("a", "Int64")])
    refused(wadup.TableError, "lone surrogate", define, "\udc80", [("a", "Int64")])
    refused(wadup.TableError, "two columns `A`", define, "x", [("a", "Int64"), ("A", "String")])
    refused(wadup.TableError, "added to every table", define, "x", [("INPUT_ID", "Int64")])
    define("t", [("i", "Int64"), ("f", "Float64"), ("s", "String")])
    define("t", (["i", "Int64"], ["f", "Float64"], ["s", "String"]))
    refused(wadup.TableError, "defined already, as (i Int64, f Float64, s String)",
            define, "t", [("i", "Int64")])
    refused(wadup.TableError, "defined already", define, "T", [("i", "Int64")])
    define("odd name; --", [("säule \"1\"", "Int64")])
    define("no rows", [("a", "String")])


def rows():
    insert = wadup.insert_row
    refused(wadup.TableError, "table `u` is not defined; defined: `import_time`, `no rows`, ",
            insert, "u", [1])
    refused(wadup.TableError, "is not defined", insert, "\udc80", [1])
    refused(TypeError, "a table's name is a str, got int", insert, 5, [1])
    refused(wadup.TableError, "table `t` takes 3 values (i, f, s), got 2", insert, "t", [1, 2.0])
    refused(wadup.TableError, "got 0", insert, "t", [])
    refused(TypeError, "values: expected a list or tuple, got str", insert, "t", "abc")
    refused(TypeError, "got dict", insert, "t", {"i": 1, "f": 2, "s": 3})
    refused(TypeError, "got set", insert, "t", {1, 2, 3})
    refused(TypeError, "got NoneType", insert, "t", None)
    place = "table `t`, column `i`: expected Int64 (int or None), got "
    refused(TypeError, place + "float; use int(value)", insert, "t", [3.0, 1.0, "a"])
    refused(TypeError, place + "str", insert, "t", ["3", 1.0, "a"])
    refused(KeyError, "mine", insert, "t", [Broken(), 1.0, "a"])
    refused(wadup.TableError, "does not fit 64 bits", insert, "t", [2**63, 1.0, "a"])
    refused(wadup.TableError, "does not fit 64 bits", insert, "t", [-(2**63) - 1, 1.0, "a"])
    place = "table `t`, column `f`: "
    refused(TypeError, place + "expected Float64 (float or None), got str; use float(value)",
            insert, "t", [1, "1.5", "a"])
    refused(TypeError, "got bool", insert, "t", [1, True, "a"])
    refused(wadup.TableError, place + "the value is NaN", insert, "t", [1, float("nan"), "a"])
    refused(wadup.TableError, "is infinite", insert, "t", [1, float("-inf"), "a"])
    refused(wadup.TableError, "without losing digits", insert, "t", [1, 2**53 + 1, "a"])
    refused(wadup.TableError, "without losing digits", insert, "t", [1, 10**400, "a"])
    place = "table `t`, column `s`: "
    refused(TypeError, place + "expected String (str or None), got bytes; use value.decode()",
            insert, "t", [1, 1.0, b"a"])
    refused(TypeError, "got int; use str(value)", insert, "t", [1, 1.0, 5])
    refused(TypeError, "got list; use json.dumps(value)", insert, "t", [1, 1.0, []])
    refused(wadup.TableError, place + "the value has a NUL", insert, "t", [1, 1.0, "a\0b"])
    refused(wadup.TableError, "lone surrogate", insert, "t", [1, 1.0, "a\udc80b"])

    def generator():
        yield 1
        raise OSError("on the way")

    refused(OSError, "on the way", insert, "t", generator())
    insert("t", [1, 1.5, "a"])
    insert("t", (None, None, None))
    insert("t", [True, 2, "yes"])
    insert("t", [-(2**63), 2**53, "\x01\"\\\n😀"])
    wadup.flush()
    insert(table="t", values=[Number.SEVEN, Floating(-0.0), Color.RED])
    insert("t", (value for value in [Index(), 1e300, ""]))
    insert("odd name; --", [1])


def shape():
    assert issubclass(wadup.TableError, ValueError) and wadup.TableError.__module__ == "wadup"
    for function in (wadup.define_table, wadup.insert_row, wadup.flush, wadup.emit_bytes):
        assert function.__doc__ and inspect.signature(function) is not None
    assert list(inspect.signature(wadup.insert_row).parameters) == ["table", "values"]
    assert isinstance(wadup.input, wadup.Input) and wadup.__version__
    assert set(wadup.__all__) <= set(dir(wadup))


def main():
    definitions()
    rows()
    shape()
