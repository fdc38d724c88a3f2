from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar, overload

_Model = TypeVar("_Model")
_OnError = Callable[[Exception, int], object]

class Input:
    @property
    def path(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    def open(self) -> BinaryIO: ...
    def read_bytes(self) -> bytes: ...
    def read_text(self, encoding: str = "utf-8", errors: str = "strict") -> str: ...
    def lines(self, encoding: str = "utf-8", errors: str = "strict") -> Iterator[str]: ...
    @overload
    def json(self, model: None = None) -> Any: ...
    @overload
    def json(self, model: type[_Model]) -> _Model: ...
    @overload
    def jsonl(self, model: None = None, *, on_error: _OnError | None = None) -> Iterator[Any]: ...
    @overload
    def jsonl(
        self, model: type[_Model], *, on_error: _OnError | None = None
    ) -> Iterator[_Model]: ...
    @overload
    def csv(
        self,
        model: None = None,
        *,
        on_error: _OnError | None = None,
        delimiter: str = ",",
        encoding: str = "utf-8-sig",
    ) -> Iterator[dict[str, str]]: ...
    @overload
    def csv(
        self,
        model: type[_Model],
        *,
        on_error: _OnError | None = None,
        delimiter: str = ",",
        encoding: str = "utf-8-sig",
    ) -> Iterator[_Model]: ...
