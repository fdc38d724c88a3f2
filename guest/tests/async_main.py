"""main() may be a coroutine."""
# outcome: completed
# rows: [["a", [3]]]

import asyncio

import wadup


async def add(left, right):
    await asyncio.sleep(0.001)
    return left + right


async def main():
    wadup.define_table("a", [("n", "Int64")])
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(add(1, 2))
    wadup.insert_row("a", [task.result()])
