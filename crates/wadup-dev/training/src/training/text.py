"""Text: parsing and formatting."""

import csv
import html
import io
import json
import re
import string
import textwrap
import unicodedata
from configparser import ConfigParser
from html.parser import HTMLParser

from ._times import times

PROSE = (
    "It was the best of times, it was the worst of times; it was the age of wisdom... "
    "Größe, naïve café, 東京, 🙂 and <b>markup</b> &amp; 12,345.67 on 2024-05-06.\n"
) * 40


@times(2)
def work_words() -> None:
    for _ in range(40):
        counts: dict[str, int] = {}
        for word in PROSE.lower().split():
            word = word.strip(string.punctuation)
            if word.isalpha() and not word.startswith("x"):
                counts[word] = counts.get(word, 0) + 1
        sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def work_formatting() -> None:
    for i in range(6000):
        name = f"item-{i:05d}"
        line = f"{name!r:>14} {i / 3:10.3f} {i:#x} {i:,} {i % 7 == 0}"
        other = "%s %d %5.2f %r" % (name, i, i / 7, None)
        third = "{:<10}|{key}".format(name, key=i)
        line.replace("item", "thing").upper().partition("-")
        (other + third).encode().decode()


@times(5)
def work_strings() -> None:
    out = []
    for i in range(3000):
        text = str(i) * 3
        out.append(text[::-1].join(("<", ">")))
        text.find("9"), text.count("1"), text.zfill(20), text.isdigit()
        "a,b,,c".split(","), "  x ".strip(), "abc".startswith(("a", "b")), text in PROSE[:100]
    "".join(out).splitlines()


@times(2)
def work_regular_expressions() -> None:
    date = re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)")
    word = re.compile(r"\b[a-z]+(?:ing|est|om)\b", re.IGNORECASE)
    tag = re.compile(r"<(\w+)>(.*?)</\1>")
    for _ in range(25):
        [match.groupdict() for match in date.finditer(PROSE)]
        word.findall(PROSE)
        tag.sub(r"[\2]", PROSE)
        re.split(r"[,;.\s]+", PROSE)


@times(2)
def work_json() -> None:
    value = {
        "name": "x",
        "list": list(range(100)),
        "floats": [i / 3 for i in range(60)],
        "nested": [{"k": str(i), "v": None, "t": True, "ü": "é\n"} for i in range(60)],
    }
    for _ in range(60):
        text = json.dumps(value)
        json.loads(text)
    for _ in range(6):
        json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
        json.loads(text, parse_float=str)


@times(3)
def work_csv() -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["id", "name", "note"])
    for i in range(1200):
        writer.writerow([i, f"name {i}", 'with "quotes", and commas'])
    for _ in range(3):
        for row in csv.DictReader(io.StringIO(out.getvalue())):
            int(row["id"])


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag, attributes) -> None:
        self.links += [value for name, value in attributes if name == "href"]


@times(2)
def work_html() -> None:
    page = "<html><body>" + "<p class='a'>text <a href='/x?a=1&amp;b=2'>link</a><br/></p>\n" * 150
    for _ in range(2):
        parser = Links()
        parser.feed(page)
        html.unescape(html.escape(page))


@times(4)
def work_lines() -> None:
    for _ in range(12):
        for number, line in enumerate(io.StringIO(PROSE), 1):
            key, _, value = line.partition(":")
            number, key.rstrip(), value.title()
        textwrap.fill(PROSE[:1500], 60)
        unicodedata.normalize("NFD", PROSE[:400])


@times(2)
def work_configuration() -> None:
    text = "\n".join(f"[s{i}]\na = {i}\nb = text ; c\n" for i in range(60))
    for _ in range(4):
        parser = ConfigParser()
        parser.read_string(text)
        [dict(parser[name]) for name in parser.sections()]


@times(9)
def work_lexer() -> None:
    tokens = re.compile(r"\s*(?:(\d+\.?\d*)|(.))")
    expression = "(1 + 2) * 3.5 - 4 / (5 + 6) * 7 " * 3

    def parse(stream):
        def primary():
            number, operator = next(stream)
            if number:
                return float(number)
            value = addition()
            return value

        pending = []

        def peek():
            if not pending:
                pending.append(next(stream, ("", "")))
            return pending[0][1]

        def term():
            number, operator = pending.pop() if pending else next(stream)
            if number:
                return float(number)
            value = addition()
            pending.clear()
            return value

        def multiplication():
            value = term()
            while peek() in ("*", "/") and peek():
                operator = pending.pop()[1]
                other = term()
                value = value * other if operator == "*" else value / (other or 1.0)
            return value

        def addition():
            value = multiplication()
            while peek() in ("+", "-") and peek():
                operator = pending.pop()[1]
                other = multiplication()
                value = value + other if operator == "+" else value - other
            return value

        return addition()

    for _ in range(120):
        parse(iter(tokens.findall("1 + (" + expression[:31] + ") * 2")))
