"""What a column of JSON text holds."""

from collections.abc import Iterable
from json import JSONEncoder
from typing import Any

from ._tables import record, text


def encode(value: object) -> str:
    try:
        return _encoder.encode(value)
    except TypeError:
        # A key is none that JSON has; or something else is not, and is named now.
        return _encoder.encode(_with_keys(value))


def _with_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {_key(key): _with_keys(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_keys(member) for member in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    return _with_keys(_plain(value))


def _key(key: object) -> object:
    return key if key is None or isinstance(key, (str, int, float)) else text(key)


def _plain(value: Any) -> Any:
    """What JSON has no form for, in a form that it has one for."""
    if isinstance(value, (set, frozenset)):
        try:
            return sorted(value)
        except TypeError:
            return list(value)
    if (found := record(type(value))) is not None:
        names = [name for name, _, _ in found.fields]
        members = {name: getattr(value, name) for name in names}
        return members[names[0]] if found.is_root else members
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return list(value)
    return text(value)


_encoder = JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
)
