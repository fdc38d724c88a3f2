"""Readings of sensors, one JSON object a line, through an asynchronous pipeline: a reader, workers
that validate and look sensors up, and a writer, connected by queues.

There is one thread and no network: what is awaited here is what other coroutines do, and time.
The same code runs in any Python.
"""

import asyncio
import math
from collections.abc import Iterable
from datetime import datetime

import wadup
from pydantic import AwareDatetime, BaseModel, Field, ValidationError, validate_call

WORKERS = 4
#: How long a sensor may take to be looked up, in seconds.
PATIENCE = 0.05

SITES = {"roof": 12.0, "cellar": -3.5, "hall": 0.0}


class Reading(BaseModel):
    line: int
    sensor: str = Field(pattern=r"^[a-z]+-\d+$")
    celsius: float = Field(ge=-273.15, allow_inf_nan=False)
    at: AwareDatetime


class Row(BaseModel):
    line: int
    sensor: str | None = None
    site: str | None = None
    celsius: float | None = None
    at: datetime | None = None
    problem: str | None = None


@validate_call
async def height(site: str = Field(min_length=2)) -> float:
    """What a sensor's site adds; those that nobody knows are waited for, for ever."""
    if site not in SITES:
        await asyncio.Event().wait()
    await asyncio.sleep(0)
    return SITES[site]


async def work(lines: asyncio.Queue[tuple[int, bytes]], rows: asyncio.Queue[Row]) -> None:
    while True:
        try:
            number, line = await lines.get()
        except asyncio.QueueShutDown:
            return
        await rows.put(await row(number, line))


async def row(number: int, line: bytes) -> Row:
    try:
        reading = Reading.model_validate_json(b'{"line": %d, %s' % (number, line.lstrip(b"{ ")))
        site, _ = reading.sensor.split("-")
        async with asyncio.timeout(PATIENCE):
            correction = await height(site)
    except ValidationError as error:
        first = error.errors()[0]
        return Row(line=number, problem=f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    except TimeoutError:
        return Row(line=number, sensor=reading.sensor, problem="nobody knows its site")
    celsius = round(reading.celsius + correction, 2)
    return Row(line=number, sensor=reading.sensor, site=site, celsius=celsius, at=reading.at)


async def read(content: Iterable[bytes], lines: asyncio.Queue[tuple[int, bytes]]) -> None:
    for number, line in enumerate(content, 1):
        if line.strip():
            await lines.put((number, line))
    lines.shutdown()


async def collect(rows: asyncio.Queue[Row]) -> list[Row]:
    collected = []
    while True:
        try:
            collected.append(await rows.get())
        except asyncio.QueueShutDown:
            return collected


async def pipeline() -> list[Row]:
    lines: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(maxsize=2 * WORKERS)
    rows: asyncio.Queue[Row] = asyncio.Queue(maxsize=2 * WORKERS)
    with wadup.input.open() as content:
        async with asyncio.TaskGroup() as group:
            collected = group.create_task(collect(rows))
            group.create_task(read(content, lines))
            await asyncio.gather(*(work(lines, rows) for _ in range(WORKERS)))
            rows.shutdown()
    return sorted(collected.result(), key=lambda row: row.line)


def main() -> None:
    rows = asyncio.run(pipeline())
    wadup.define_table(
        "readings",
        [
            ("line", "Int64"),
            ("sensor", "String"),
            ("site", "String"),
            ("celsius", "Float64"),
            ("at", "String"),
            ("problem", "String"),
        ],
    )
    for row in rows:
        wadup.insert_row("readings", list(row.model_dump(mode="json").values()))
    known = [row.celsius for row in rows if row.celsius is not None]
    wadup.define_table("means", [("readings", "Int64"), ("celsius", "Float64")])
    if known:
        wadup.insert_row("means", [len(known), round(math.fsum(known) / len(known), 3)])
