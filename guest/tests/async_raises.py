"""An exception of a coroutine."""
# outcome: raised ValueError
# message: later

import asyncio


async def main():
    await asyncio.sleep(0)
    raise ValueError("later")
