"""Writes the names of the package `wadup` as Markdown: `python api.py FOLDER`.

Signatures are those of the stubs where there are some, which type checkers and `--test
python_package` compare with what is there; texts are the docstrings, and their reStructuredText
becomes Markdown.
"""

import ast
import inspect
import re
import sys
import textwrap
from pathlib import Path

FOLDER = Path(sys.argv[1])

Definition = ast.FunctionDef | ast.ClassDef
#: What has members, by the class.
OBJECTS = {"Input": "input", "Table": "Table", "Errors": "errors"}
LOCAL = ["run", "walk"]


def definitions(file: str) -> dict[str, list[Definition]]:
    """By qualified name; a function may have several, which are overloads."""
    found: dict[str, list[Definition]] = {}

    def look(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, Definition):
                found.setdefault(prefix + node.name, []).append(node)
                if isinstance(node, ast.ClassDef):
                    look(node.body, f"{prefix}{node.name}.")

    path = FOLDER / file
    if path.exists():
        look(ast.parse(path.read_text()).body, "")
    return found


def markdown(text: str) -> str:
    paragraphs = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if re.match(r"=+ +=+", paragraph):
            paragraphs.append(rows(paragraph))
        elif paragraph.startswith("    "):
            code = textwrap.dedent(paragraph)
            paragraphs.append(fence("a part of a program", code))
        else:
            paragraphs.append(prose(" ".join(paragraph.split())))
    return "\n\n".join(paragraphs)


def prose(text: str) -> str:
    text = re.sub(r"`([^`<]+) <([^>]+)>`_", r"[\1](\2)", text)
    text = re.sub(r":pep:`0*(\d+)`", r"[PEP \1](https://peps.python.org/pep-0\1/)", text)
    text = re.sub(r":\w+:`([^`]+)`", r"`\1`", text)
    text = text.replace("``", "`").replace("2**63", "2⁶³")
    return re.sub(r"::$", ":", text)


def rows(table: str) -> str:
    rule, head, _, *lines = table.splitlines()
    at = rule.index(" ")
    cells = [(line[:at].strip(), line[at:].strip()) for line in [head, *lines]]
    table = [f"| {prose(name)} | {prose(text)} |" for name, text in cells if "===" not in name]
    return "\n".join([table[0], "|---|---|", *table[1:]])


def fence(why: str, code: str) -> str:
    return f"<!-- not run: {why} -->\n```python\n{code}\n```"


def signature(node: Definition) -> str:
    if any(getattr(it, "id", "") == "property" for it in node.decorator_list):
        return f"{node.name}: {ast.unparse(node.returns)}"
    bare = ast.FunctionDef(
        node.name,
        node.args,
        [ast.Expr(ast.Constant(...))],
        returns=node.returns,
        type_params=node.type_params,
    )
    text = ast.unparse(ast.fix_missing_locations(bare))
    text = re.sub(r"(\(|, )(self|cls)(, )?", r"\1", text.removesuffix("\n    ..."), count=1)
    text = re.sub(r"(?<=[\w\]])=(?=\S)", " = ", text.rstrip(":"))
    return re.sub(r"\b_(?=[A-Z])", "", text)


def section(title: str, nodes: list[Definition], docstring: str | None) -> None:
    print(f"\n{title}\n")
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    if functions:
        print(fence("a signature", "\n".join(map(signature, functions))) + "\n")
    if docstring:
        print(markdown(docstring))


def main() -> None:
    modules = ["_input", "_native", "_tables", "_errors"]
    stubs: dict[str, list[Definition]] = {}
    texts: dict[str, str] = {}
    for module in modules:
        sources = definitions(f"{module}.py")
        stubs |= sources | definitions(f"{module}.pyi")
        for name, nodes in [*sources.items(), *definitions(f"{module}.pyi").items()]:
            docstring = ast.get_docstring(nodes[0])
            if docstring:
                texts[name] = docstring

    package = ast.parse((FOLDER / "__init__.py").read_text())
    tables = [it for it in ast.get_docstring(package).split("\n\n") if "===" in it]
    print("\n" + markdown("\n\n".join(tables)))
    names = next(
        ast.literal_eval(node.value)
        for node in package.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
    )
    functions = [name for name in names if isinstance(stubs.get(name, [None])[0], ast.FunctionDef)]
    for name in functions:
        section(f"## `wadup.{name}`", stubs[name], texts.get(name))
    for owner, title in OBJECTS.items():
        section(f"## `wadup.{title}`", [], texts.get(owner))
        for member, nodes in stubs.items():
            last = member.removeprefix(f"{owner}.")
            if last != member and not last.startswith("_"):
                section(f"### `wadup.{title}.{last}`", nodes, texts.get(member))
    told = {*functions, *OBJECTS, *OBJECTS.values(), "TableError"}
    assert told >= set(names), f"nothing tells of {set(names) - told}"
    section("## `wadup.TableError`", [], texts["TableError"])
    local = definitions("local.py")
    for name in LOCAL:
        section(f"## `wadup.local.{name}`", local[name], ast.get_docstring(local[name][0]))
    print()


main()
