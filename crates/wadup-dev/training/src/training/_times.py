"""How often a piece of work is done, so that all weigh about the same."""

from collections.abc import Callable


def times(count: int) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def repeated(work: Callable[[], None]) -> Callable[[], None]:
        def work_repeatedly() -> None:
            for _ in range(count):
                work()

        return work_repeatedly

    return repeated
