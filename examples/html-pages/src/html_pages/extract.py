"""What is taken from a page."""

from collections.abc import Iterator
from dataclasses import dataclass

from bs4 import BeautifulSoup, Tag


@dataclass(frozen=True)
class Page:
    title: str | None
    language: str | None
    # As found by Beautiful Soup: from a byte order mark, a declaration, or by trial.
    encoding: str | None
    description: str | None
    words: int
    images_without_text: int


@dataclass(frozen=True)
class Link:
    url: str
    text: str
    rel: str | None


@dataclass(frozen=True)
class Cell:
    """A cell of a data table. `column` is the text of its header, or its number from 1."""

    table: int
    row: int
    column: str
    text: str
    number: float | None


def read_page(soup: BeautifulSoup) -> Page:
    html = soup.find("html")
    description = soup.select_one('meta[name="description" i][content]')
    return Page(
        title=text_of(soup.title) if soup.title else None,
        language=attribute(html, "lang") if html else None,
        encoding=soup.original_encoding,
        description=attribute(description, "content") if description else None,
        words=sum(len(text.split()) for text in visible_text(soup)),
        images_without_text=len(soup.select("img:not([alt])")),
    )


def read_links(soup: BeautifulSoup) -> Iterator[Link]:
    for anchor in soup.select("a[href]"):
        yield Link(
            url=attribute(anchor, "href") or "",
            text=text_of(anchor),
            rel=attribute(anchor, "rel"),
        )


def read_cells(soup: BeautifulSoup) -> Iterator[Cell]:
    for number, table in enumerate(soup.find_all("table"), start=1):
        headers = [text_of(header) for header in table.select("tr:first-child > th")]
        rows = table.select("tr:has(> td)")
        for row_number, row in enumerate(rows, start=1):
            for place, cell in enumerate(row.select(":scope > td, :scope > th")):
                text = text_of(cell)
                column = headers[place] if place < len(headers) else str(place + 1)
                yield Cell(number, row_number, column, text, number_in(text))


def visible_text(soup: BeautifulSoup) -> Iterator[str]:
    body = soup.body or soup
    for text in body.find_all(string=True):
        if text.parent.name not in ("script", "style", "template", "noscript"):
            yield text


def text_of(tag: Tag) -> str:
    return " ".join(tag.get_text(" ").split())


def attribute(tag: Tag, name: str) -> str | None:
    """The value of an attribute; where HTML makes it a list (`rel`), joined by spaces."""
    value = tag.get(name)
    return " ".join(value) if isinstance(value, list) else value


def number_in(text: str) -> float | None:
    """The number that a cell is, thousands separated by commas or not."""
    try:
        number = float(text.replace(",", "").removesuffix("%"))
    except ValueError:
        return None
    # `nan` and `inf` are words here, and no value of a row may be either.
    return number if abs(number) < float("inf") else None
