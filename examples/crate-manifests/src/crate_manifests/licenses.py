"""SPDX licence expressions, as Cargo manifests have them."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel

TOKEN = re.compile(r"\s*([()/]|[A-Za-z0-9.:+-]+)")


class License(BaseModel):
    """One licence of an expression: `Apache-2.0 WITH LLVM-exception`."""

    id: str
    exception: str | None = None


def licenses(expression: str) -> list[License]:
    """The licences that an expression names, in order.

    `/` for `OR` is what crates used before SPDX expressions; the registry still accepts it.

    Raises `ValueError` where the expression breaks the grammar.
    """
    tokens = _tokens(expression)
    found = _expression(tokens)
    if tokens:
        raise ValueError(f"unexpected {tokens[0]!r} in the licence expression {expression!r}")
    return found


def _checked(expression: str) -> str:
    licenses(expression)
    return expression


LicenseExpression = Annotated[str, AfterValidator(_checked)]


def _tokens(expression: str) -> list[str]:
    tokens, end = [], 0
    while end < len(expression.rstrip()):
        match = TOKEN.match(expression, end)
        if match is None:
            raise ValueError(f"unexpected {expression[end]!r} in the licence expression {expression!r}")
        tokens.append(match[1])
        end = match.end()
    return tokens


def _expression(tokens: list[str]) -> list[License]:
    found = _term(tokens)
    while tokens and tokens[0] in ("AND", "OR", "/"):
        tokens.pop(0)
        found += _term(tokens)
    return found


def _term(tokens: list[str]) -> list[License]:
    token = tokens.pop(0) if tokens else "the end"
    if token == "(":
        found = _expression(tokens)
        if not tokens or tokens.pop(0) != ")":
            raise ValueError("the licence expression lacks a closing parenthesis")
        return found
    if token in ("the end", ")", "/", "AND", "OR", "WITH"):
        raise ValueError(f"a licence is missing before {token} in the licence expression")
    return [License(id=token, exception=_exception(tokens))]


def _exception(tokens: list[str]) -> str | None:
    if len(tokens) < 2 or tokens[0] != "WITH":
        return None
    tokens.pop(0)
    return tokens.pop(0)
