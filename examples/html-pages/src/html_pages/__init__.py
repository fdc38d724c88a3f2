"""Reads one HTML page with Beautiful Soup: what it is called, where it links to, its tables."""

from pathlib import PurePosixPath

import wadup
from bs4 import BeautifulSoup

from html_pages.extract import Page, read_cells, read_links, read_page

SUFFIXES = {".html", ".htm", ".xhtml"}


def main() -> None:
    if PurePosixPath(wadup.input.name).suffix.lower() not in SUFFIXES:
        return

    # Bytes, not text: the page itself says what encoding it is in.
    soup = BeautifulSoup(wadup.input.read_bytes(), "html.parser")

    insert_page(read_page(soup))
    wadup.define_table("links", [("url", "String"), ("text", "String"), ("rel", "String")])
    for link in read_links(soup):
        wadup.insert_row("links", [link.url, link.text, link.rel])
    wadup.define_table("cells", [
        ("table_number", "Int64"),
        ("row", "Int64"),
        ("column", "String"),
        ("text", "String"),
        ("number", "Float64"),
    ])
    for cell in read_cells(soup):
        wadup.insert_row("cells", [cell.table, cell.row, cell.column, cell.text, cell.number])


def insert_page(page: Page) -> None:
    wadup.define_table("pages", [
        ("title", "String"),
        ("language", "String"),
        ("encoding", "String"),
        ("description", "String"),
        ("words", "Int64"),
        ("images_without_text", "Int64"),
    ])
    wadup.insert_row("pages", [
        page.title,
        page.language,
        page.encoding,
        page.description,
        page.words,
        page.images_without_text,
    ])
