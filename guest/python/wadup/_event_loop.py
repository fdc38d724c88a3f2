"""Running ``async def main()``."""

import asyncio
from collections.abc import Coroutine


class EventLoop(asyncio.SelectorEventLoop):
    """An event loop without the pipe to itself that other threads wake it with: WASI has
    neither pipes nor threads."""

    _ssock: None
    _csock: None

    def _make_self_pipe(self) -> None:
        self._ssock = None
        self._csock = None

    def _close_self_pipe(self) -> None:
        pass


def run(main: Coroutine[object, object, object]) -> None:
    """Run the coroutine to its end, as ``asyncio.run`` does."""
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(main)
