"""A table of keys that a TOML section may have, and the reader that holds a file to it.

Nothing is guessed and nothing is ignored: an unknown key, a missing key and a value of the wrong
kind are each refused with the line, the nearest known key or an example of what to write.
"""

import difflib
import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from upward.core.errors import ManifestError, UnreadableSource

MAX_MANIFEST_BYTES = 1_000_000


class Wrong(ValueError):
    """A value that its key does not allow; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section.

    Args:
        check: returns the value as it is used, or raises `Wrong`.
        example: a line of TOML that would be fine.
        required: whether the section is incomplete without it.
        default: what an optional key means when it is left out.
    """

    check: Callable[[Any], Any]
    example: str
    required: bool = True
    default: Any = None


Keys = Mapping[str, Key]


def text(value: Any) -> str:
    """Accept text that is not blank."""
    if not isinstance(value, str):
        raise Wrong(f"must be text, found {_kind(value)}")
    if not value.strip():
        raise Wrong("is empty")
    return value


def words(value: Any) -> tuple[str, ...]:
    """Accept a list of at least one piece of text."""
    if not isinstance(value, list):
        raise Wrong(f"must be a list of texts, found {_kind(value)}")
    items = cast("list[Any]", value)
    if not items:
        raise Wrong("is an empty list")
    for item in items:
        if not isinstance(item, str) or not item or "\x00" in item:
            raise Wrong(f"must be a list of texts, found {item!r} in it")
    return tuple(items)


def distinct(value: Any) -> tuple[str, ...]:
    """Accept a list of texts in which none appears twice."""
    found = words(value)
    twice = [item for item in found if found.count(item) > 1]
    if twice:
        raise Wrong(f"names {twice[0]!r} twice")
    return found


def number(value: Any) -> float:
    """Accept a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong(f"must be a number, found {_kind(value)}")
    if not math.isfinite(value):
        raise Wrong(f"must be a finite number, found {value}")
    return float(value) + 0.0  # negative zero becomes zero: it has no canonical form


def positive(value: Any) -> float:
    """Accept a finite number above zero."""
    found = number(value)
    if found <= 0:
        raise Wrong(f"must be more than zero, found {found:g}")
    return found


def not_negative(value: Any) -> float:
    """Accept a finite number of zero or more."""
    found = number(value)
    if found < 0:
        raise Wrong(f"must be zero or more, found {found:g}")
    return found


def count(value: Any) -> int:
    """Accept a whole number above zero."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Wrong(f"must be a whole number, found {_kind(value)}")
    if value <= 0:
        raise Wrong(f"must be more than zero, found {value}")
    return value


def one_of(kind: type[StrEnum]) -> Callable[[Any], StrEnum]:
    """Return a check that accepts the values of an enumeration."""

    def check(value: Any) -> StrEnum:
        known = [item.value for item in kind]
        if value in known:
            return kind(value)
        raise Wrong(f"cannot be {value!r}; {nearest(str(value), known)}")

    return check


def nearest(name: str, known: Sequence[str]) -> str:
    """Say which known name is meant, or list them all."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else "known are " + ", ".join(known)


def _kind(value: Any) -> str:
    names: dict[type, str] = {bool: "true or false", dict: "a section", list: "a list"}
    plain = {str: "text", int: "a whole number", float: "a number"}
    return (names | plain).get(type(cast("object", value)), type(cast("object", value)).__name__)


class Source:
    """A TOML file with its text, so that a refusal can name the line."""

    def __init__(self, path: Path) -> None:
        """Read and parse the file.

        Raises:
            ManifestError: there is no such file, or it is far too large.
            UnreadableSource: it is not UTF-8 or not TOML.
        """
        self.path = str(path)
        self.text = _read(path)
        self.top = _parse(self.path, self.text)

    def refuse(self, section: str, key: str, problem: str, fix: str) -> ManifestError:
        """Return the error for a key, with its line when the key stands in the file."""
        line = line_of(self.text, section, key)
        return ManifestError(f"{self.path}, line {line}" if line else self.path, problem, fix)

    def section(self, name: str, table: Any, keys: Keys, where: str = "") -> dict[str, Any]:
        """Return the checked values of one section, defaults filled in.

        Args:
            name: the section's name, empty for the top of the file.
            table: what TOML holds there.
            keys: what may stand in it.
            where: how people call it, when not ``[name]``.

        Raises:
            ManifestError: an unknown or missing key, or a value that its key does not allow.
        """
        where = where or (f"[{name}]" if name else "the top of the file")
        if not isinstance(table, dict):
            raise self.refuse("", name, f"{name!r} must be a section", f"Write it as {where}.")
        given = cast("dict[str, Any]", table)
        self._refuse_unknown(name, given, keys, where)
        return {key: self._value(name, given, key, rule, where) for key, rule in keys.items()}

    def _refuse_unknown(self, name: str, given: dict[str, Any], keys: Keys, where: str) -> None:
        for key in given:
            if key not in keys:
                problem = f"{key!r} is not a key of {where}"
                raise self.refuse(name, key, problem, f"{_sentence(nearest(key, list(keys)))}")

    def _value(self, name: str, given: dict[str, Any], key: str, rule: Key, where: str) -> Any:
        if key not in given:
            if not rule.required:
                return rule.default
            problem = f"{key!r} is missing in {where}"
            raise self.refuse("", name, problem, f"Add a line such as: {rule.example}")
        try:
            return rule.check(given[key])
        except Wrong as error:
            fix = f"Write for example: {rule.example}"
            raise self.refuse(name, key, f"{key!r} in {where} {error}", fix) from None


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + ("" if text.endswith("?") else ".")


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise ManifestError(str(path), "it is over 1 MB", "A manifest is a page of text.")
        return path.read_bytes().decode("utf-8")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        fix = f"Make one with: upward init {path.parent}"
        raise ManifestError(str(path), "there is no such file", fix) from None
    except UnicodeDecodeError:
        raise UnreadableSource(str(path), 1, "it is not UTF-8 text") from None
    except OSError as error:
        raise ManifestError(str(path), error.strerror or "unreadable", "Mend that.") from None


def _parse(path: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"\(at line (\d+)", str(error))
        line = int(at.group(1)) if at else text.count("\n") + 1
        reason = str(error).split(" (at ", maxsplit=1)[0]
        raise UnreadableSource(path, line, f"it is not TOML ({reason})") from None


def line_of(text: str, section: str, key: str) -> int:
    """Find the line of a key in its section, or of a section's head; 0 when it is not there.

    A key is also found in later repeats of a section (``[[guard]]``), where it may be the wrong
    one of several: the line is a help for people and nothing depends on it.
    """
    inside = ""
    for index, line in enumerate(text.splitlines(), start=1):
        head = re.match(r"\s*\[\[?\s*([\w.-]+)\s*\]\]?", line)
        if head:
            inside = head.group(1)
            if not section and inside == key:
                return index
        elif inside == section and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return index
    return 0
