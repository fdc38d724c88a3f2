"""The standard library's own: dates, files, compression, digests, SQL, XML."""

import base64
import copy
import datetime
import hashlib
import io
import os
import pathlib
import pickle
import sqlite3
import struct
import tempfile
import tomllib
import urllib.parse
import uuid
import xml.etree.ElementTree as ElementTree
import zipfile
import zlib
from zoneinfo import ZoneInfo

from ._times import times

BERLIN = ZoneInfo("Europe/Berlin")


def work_dates() -> None:
    start = datetime.datetime(2024, 1, 1, 12, tzinfo=BERLIN)
    for i in range(1500):
        later = start + datetime.timedelta(days=i, seconds=7)
        later.isoformat(), later.strftime("%Y-%m-%d"), later.weekday(), later > start
        datetime.datetime.fromisoformat("2024-05-06T07:08:09+00:00"), (later - start).total_seconds()
        later.astimezone(datetime.timezone.utc)
    for _ in range(60):
        datetime.datetime.strptime("2024-05-06 07:08", "%Y-%m-%d %H:%M")


@times(10)
def work_files() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for i in range(40):
            (root / f"f{i}.txt").write_text(f"line {i}\n" * 50)
        for path in sorted(root.glob("*.txt")):
            with path.open() as file:
                for line in file:
                    line.rstrip()
            os.path.splitext(path.name), path.suffix, path.stat().st_size, path.with_suffix(".md")
        with (root / "b.bin").open("wb") as file:
            file.write(bytes(10000))
        (root / "b.bin").read_bytes()


@times(10)
def work_compression() -> None:
    data = b"some text that repeats itself, " * 300
    for _ in range(4):
        zlib.decompress(zlib.compress(data))
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for i in range(4):
                archive.writestr(f"f{i}", data)
        with zipfile.ZipFile(out) as archive:
            [archive.read(name) for name in archive.namelist()]


@times(10)
def work_digests() -> None:
    data = b"x" * 2000
    for _ in range(60):
        hashlib.sha256(data).hexdigest(), hashlib.md5(data).digest(), zlib.crc32(data)
        base64.b64decode(base64.b64encode(data))


@times(10)
def work_records() -> None:
    layout = struct.Struct("<IHd8s")
    for i in range(3000):
        layout.unpack(layout.pack(i, i % 7, i / 3, b"abc"))
    value = {"a": [1, 2, (3, "x")], "b": {i: str(i) for i in range(50)}, "c": datetime.date(2024, 1, 1)}
    for _ in range(25):
        pickle.loads(pickle.dumps(value))
        copy.deepcopy(value)


@times(8)
def work_sql() -> None:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table t (id integer primary key, name text, score real)")
        rows = [(i, f"name {i % 50}", i / 3) for i in range(1000)]
        connection.executemany("insert into t values (?, ?, ?)", rows)
        for _ in range(3):
            connection.execute("select name, avg(score) from t group by name order by 2").fetchall()
            for row in connection.execute("select * from t where score > ?", (100,)):
                row[0]
    connection.close()


@times(3)
def work_xml() -> None:
    text = "<root>" + "".join(f'<item id="{i}"><n>text {i}</n></item>' for i in range(200)) + "</root>"
    for _ in range(5):
        root = ElementTree.fromstring(text)
        [(item.get("id"), item.findtext("n")) for item in root.iter("item")]
        ElementTree.tostring(root)


@times(20)
def work_configuration() -> None:
    text = "\n".join(f'[section{i}]\nname = "n{i}"\nvalues = [1, 2, 3]\nflag = true' for i in range(40))
    tomllib.loads(text)


@times(3)
def work_addresses() -> None:
    for i in range(300):
        parts = urllib.parse.urlsplit(f"https://example.org:80/a/b{i}?x=1&y=%20#f")
        urllib.parse.parse_qs(parts.query), urllib.parse.quote("a b/ü"), parts.hostname
        urllib.parse.urljoin("https://example.org/a/", "../b")
        uuid.uuid5(uuid.NAMESPACE_URL, "x"), uuid.UUID(int=i)
