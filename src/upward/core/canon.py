"""Canonical bytes: one spelling for one value, so that equal records have equal hashes.

The form is JSON with sorted keys, no spaces, UTF-8, and nothing that JSON cannot say twice the
same way: no NaN, no infinity, no negative zero, no keys that are not text.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from upward.core.errors import BadMeasurement

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]

MAX_DEPTH = 32


def canonical(value: object) -> bytes:
    """Return the one canonical byte string of a plain value.

    Args:
        value: None, bool, int, float, str, or lists, tuples and text-keyed mappings of these.

    Returns:
        UTF-8 JSON, keys sorted by code point, without white space.

    Raises:
        BadMeasurement: a float is NaN, infinite or negative zero, or a text holds half a
            character (a lone surrogate).
        TypeError: a value or key of another type; nothing is converted silently.

    Example:
        >>> canonical({"b": [1, 2.5], "a": None})
        b'{"a":null,"b":[1,2.5]}'
    """
    text = json.dumps(
        _checked(value, 0),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise BadMeasurement("text", "half a character has no canonical form") from None


def _checked(value: object, depth: int) -> Plain:
    if depth > MAX_DEPTH:
        raise TypeError(f"nested deeper than {MAX_DEPTH}")
    match value:
        case None | bool() | str():
            return str(value) if isinstance(value, str) else value
        case int():
            return int(value)
        case float():
            return _finite(float(value))
        case list() | tuple():
            return [_checked(item, depth + 1) for item in value]  # pyright: ignore[reportUnknownVariableType]
        case Mapping():
            return {_key(k): _checked(v, depth + 1) for k, v in value.items()}  # pyright: ignore[reportUnknownVariableType]
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical form")


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise BadMeasurement("value", f"{value} is not a finite number")
    if value == 0.0 and math.copysign(1.0, value) < 0:
        raise BadMeasurement("value", "negative zero has no canonical form")
    return value


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key must be text, not {type(key).__name__}")
    return str(key)


def parse_strict(data: bytes, *, limit_bytes: int = 65_536) -> Any:
    """Parse JSON that comes from a process we do not trust.

    Stricter than ``json.loads``: a size limit, UTF-8 only, no NaN or infinity (also not by
    overflow such as ``1e999``), no repeated keys, exactly one value.

    Args:
        data: the bytes as they were read.
        limit_bytes: longest input that is looked at.

    Returns:
        The parsed plain value.

    Raises:
        BadMeasurement: anything else than one strict JSON value.

    Example:
        >>> parse_strict(b'{"loss": 1.5}')
        {'loss': 1.5}
    """
    if len(data) > limit_bytes:
        raise BadMeasurement("json", f"{len(data)} bytes, at most {limit_bytes} are read")
    try:
        text = data.decode("utf-8")
        found = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_parse_float,
            parse_int=_parse_int,
            object_pairs_hook=_unique,
        )
        if "\\u" in text:
            # only an escape can name half a character, which nothing could store
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise BadMeasurement("json", f"not one strict JSON value ({error})") from None
    return found


def _refuse_constant(name: str) -> float:
    raise BadMeasurement("json", f"{name} is not a number")


def _parse_float(text: str) -> float:
    return _finite(float(text))


def _parse_int(text: str) -> int:
    if len(text) > 20:
        raise BadMeasurement("json", "an integer of more than 20 digits")
    return int(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadMeasurement("json", "a key appears twice")
    return found
