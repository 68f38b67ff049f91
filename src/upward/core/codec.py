"""Frozen records to plain values and back, driven by their type hints alone."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union

from upward.core.errors import BadEntry

R = TypeVar("R")


def plain(record: object) -> Any:
    """Return a record as plain values: mappings, lists, text, numbers, None.

    Fields that hold None or are empty are left out, so that a field added later does not change
    the bytes of records that do not use it.
    """
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        return {
            name: plain(value)
            for name in _names(type(record))
            if not _absent(value := getattr(record, name))
        }
    if isinstance(record, Enum):
        return record.value
    if isinstance(record, Mapping):
        return {key: plain(value) for key, value in record.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(record, list | tuple):
        return [plain(item) for item in record]  # pyright: ignore[reportUnknownVariableType]
    return record


def restore(kind: type[R], value: object) -> R:
    """Build a record of the given type from plain values.

    Raises:
        BadEntry: a field is missing, unknown, or of the wrong shape.
    """
    try:
        return _build(kind, value)
    except (KeyError, TypeError, ValueError) as error:
        raise BadEntry(kind.__name__, f"{type(error).__name__}: {error}") from None


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, tuple | Mapping | str) and not value)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(kind))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


@cache
def _shape(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    return typing.get_origin(hint), typing.get_args(hint)


def _build(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint):
        return _build_record(typing.cast("type", hint), value)
    origin, args = _shape(hint)
    if origin in (types.UnionType, Union):
        return _build_union(args, value)
    if origin is tuple:
        return tuple(_build(args[0], item) for item in _shaped(value, list, tuple))
    if _is_mapping(origin):
        return {str(k): _build(args[1], v) for k, v in _shaped(value, Mapping).items()}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    return _scalar(hint, value)


def _shaped(value: Any, *kinds: type) -> Any:
    # text can be walked like a list, but is none
    if not isinstance(value, kinds):
        raise TypeError(f"{value!r} is not a {kinds[0].__name__}")
    return value


def _is_mapping(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _build_union(args: tuple[Any, ...], value: Any) -> Any:
    if value is None:
        return None
    choices = [arg for arg in args if arg is not type(None)]
    if len(choices) == 1:
        return _build(choices[0], value)
    return value


def _scalar(hint: Any, value: Any) -> Any:
    yes_for_number = isinstance(value, bool) and hint is not bool
    if hint is float and isinstance(value, int) and not yes_for_number:
        return float(value)
    if isinstance(hint, type) and (yes_for_number or not isinstance(value, hint)):
        raise TypeError(f"{value!r} is not {hint.__name__}")
    return value


def _build_record(kind: type, value: Any) -> Any:
    hints = _hints(kind)
    unknown = set(_shaped(value, Mapping)) - set(hints)
    if unknown:
        raise ValueError(f"unknown fields {sorted(unknown)}")
    given = {name: _build(hints[name], value[name]) for name in hints if name in value}
    for item in dataclasses.fields(kind):
        if item.name not in given and _required(item):
            given[item.name] = _default_of(hints[item.name], item.name)
    return kind(**given)


def _required(item: "dataclasses.Field[Any]") -> bool:
    return item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING


def _default_of(hint: Any, name: str) -> Any:
    """Return the empty value of a required field that was left out because it was empty."""
    origin, args = _shape(hint)
    if origin in (types.UnionType, Union) and type(None) in args:
        return None
    if hint is str:
        return ""
    if origin is tuple:
        return ()
    if _is_mapping(origin):
        return {}
    raise KeyError(name)
