"""CPython's own event loop: streams over sockets, signals, queues, timeouts."""
# outcome: completed

import asyncio
import errno
import os
import signal
import socket

loop = asyncio.new_event_loop()  # Right in every instance.


async def echo(sock):
    reader, writer = await asyncio.open_connection(sock=sock)
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def talk():
    one, other = socket.socketpair()
    answering = asyncio.create_task(echo(other))
    reader, writer = await asyncio.open_connection(sock=one)
    lines = b"".join(b"line %d\n" % number for number in range(30_000))

    async def send():
        writer.write(lines)
        await writer.drain()
        writer.write_eof()

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(send())
        received = group.create_task(reader.read())
    assert received.result() == lines.upper()
    await answering
    writer.close()


async def hear():
    heard = asyncio.Event()
    signal.signal(signal.SIGUSR1, lambda number, frame: heard.set())
    asyncio.get_running_loop().call_later(0.001, signal.raise_signal, signal.SIGUSR1)
    async with asyncio.timeout(10):
        await heard.wait()


async def queue():
    numbers = asyncio.Queue(2)
    results = []

    async def work():
        while (number := await numbers.get()) is not None:
            results.append(number * number)
            numbers.task_done()

    worker = asyncio.create_task(work())
    for number in range(10):
        await numbers.put(number)
    await numbers.join()
    await numbers.put(None)
    await worker
    return results


async def work():
    assert type(asyncio.get_running_loop()) is asyncio.SelectorEventLoop
    await talk()
    await hear()
    assert await queue() == [number * number for number in range(10)]
    gathered = await asyncio.gather(asyncio.sleep(0.002, 1), asyncio.sleep(0.001, 2))
    assert gathered == [1, 2]
    try:
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()
    except TimeoutError:
        pass
    else:
        raise AssertionError


def main():
    asyncio.run(work())
    try:
        asyncio.run(asyncio.to_thread(os.getpid))
    except RuntimeError as error:
        assert str(error) == "can't start new thread"
    else:
        raise AssertionError
    with asyncio.Runner() as runner:
        assert runner.run(asyncio.sleep(0, "again")) == "again"
    assert loop.run_until_complete(asyncio.sleep(0, "imported")) == "imported"
    # A wait that nothing can end is an error, not silence until the timeout.
    try:
        loop.run_until_complete(asyncio.Event().wait())
    except OSError as error:
        assert error.errno == errno.EDEADLK
    else:
        raise AssertionError
    loop.close()
