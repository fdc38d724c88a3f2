"""A piece of a crate's sources: the items that it declares, and what is inside as sub-content.

A piece that begins or ends within a character raises `UnicodeDecodeError`, one with a name that is
longer than most are raises `pydantic.ValidationError`.
"""

import re
from typing import Annotated, Literal

import wadup
from pydantic import BaseModel, PositiveInt, StringConstraints

ITEM = re.compile(r"^[ \t]*(pub(?:\([^)]*\))? )?(?:unsafe |const |async )*(fn|struct|enum|trait|mod|type) (\w+)", re.M)
# What is tested, and what is shown.
TESTS = re.compile(r"^#\[cfg\(test\)\]\n(.*)", re.M | re.S)
EXAMPLE = re.compile(r"```.*?\n(.*?)```", re.S)
COMMENT = re.compile(r"^[ \t]*//[/!] ?", re.M)


class Item(BaseModel):
    kind: Literal["fn", "struct", "enum", "trait", "mod", "type"]
    name: Annotated[str, StringConstraints(max_length=48)]
    public: bool
    line: PositiveInt


wadup.define_table("items", [
    ("kind", "String"),
    ("name", "String"),
    ("public", "Int64"),
    ("line", "Int64"),
])
wadup.define_table("pieces", [("lines", "Int64"), ("characters", "Int64"), ("mean_line", "Float64")])


def main():
    text = wadup.input.read_text()
    lines = text.count("\n") + 1
    wadup.insert_row("pieces", [lines, len(text), len(text) / lines])

    for match in ITEM.finditer(text):
        visibility, kind, name = match.groups()
        line = text.count("\n", 0, match.start()) + 1
        item = Item(kind=kind, name=name, public=visibility is not None, line=line)
        wadup.insert_row("items", [item.kind, item.name, int(item.public), item.line])

    if tests := TESTS.search(text):
        wadup.emit_bytes(tests[1].encode(), "tests.rs")
        text = text[: tests.start()]
    for number, example in enumerate(EXAMPLE.finditer(COMMENT.sub("", text))):
        wadup.emit_bytes(example[1].encode(), f"example-{number}.rs")
