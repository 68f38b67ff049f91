"""Null candidates: programs that cannot be better than the baseline, and must not measure so.

*empty*     every file that may change is emptied
*constant*  instead of the program, one that looks at neither data nor seed and leaves what the
            baseline once left behind, with every number zeroed
*copy*      the baseline itself, with a remark at the end of one file

What they do not show: a scorer that withstands these three may still be open to a cleverer cheat.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

from upward.core.ports import Blobs
from upward.core.task import Task

REMARK = "# a copy of the baseline: this remark changes nothing"
REMARKS = {
    ".py": f"\n{REMARK}\n",
    ".toml": f"\n{REMARK}\n",
    ".yaml": f"\n{REMARK}\n",
    ".yml": f"\n{REMARK}\n",
    ".json": "\n",
    ".txt": "\n",
}
LARGEST_BYTES = 64 * 2**20
DIGITS = str.maketrans("123456789", "000000000")
PROGRAM = '''"""Learns nothing: writes what a trial left behind, with every number zeroed."""

import base64
import os
import zlib

OUTPUTS = {outputs}

for name, text in OUTPUTS.items():
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    with open(name, "wb") as file:
        file.write(zlib.decompress(base64.b64decode(text)))
'''


class NullKind(StrEnum):
    """Which null candidate."""

    EMPTY = "empty"
    CONSTANT = "constant"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class Null:
    """A null candidate, or why there is none of this kind.

    Args:
        kind: see `NullKind`.
        files: path to blob id of its whole tree; empty where it is skipped.
        skipped: why it cannot be made, as words that follow "skipped:"; else empty.
    """

    kind: NullKind
    files: Mapping[str, str]
    skipped: str = ""


def empty(task: Task, blobs: Blobs) -> Null:
    """The task with every file that may change emptied."""
    nothing = blobs.put(b"")
    return Null(NullKind.EMPTY, {**task.files, **dict.fromkeys(task.edit, nothing)})


def copy(task: Task, blobs: Blobs) -> Null:
    """The task with a remark, or where its format has none an empty line, after one file."""
    for path in task.edit:
        remark = REMARKS.get(PurePosixPath(path).suffix)
        if remark is not None:
            changed = blobs.put(blobs.get(task.files[path]) + remark.encode())
            return Null(NullKind.COPY, {**task.files, path: changed})
    known = ", ".join(REMARKS)
    return Null(NullKind.COPY, {}, f"no file that may change is of a known kind ({known})")


def constant(task: Task, blobs: Blobs, outputs: Mapping[str, str]) -> Null:
    """The task with its program replaced by one that writes zeroed outputs.

    Args:
        task: its run command names the program.
        blobs: where the outputs are kept.
        outputs: of one trial of the baseline, name to blob id; empty where none was kept.
    """
    program = _program(task)
    made = [name for name in task.outputs if name not in task.files]
    if program is None:
        return _no_constant("the command runs no Python file that may change")
    if not made:
        return _no_constant("all outputs are files of the task itself")
    if not all(name in outputs and blobs.has(outputs[name]) for name in made):
        return _no_constant("no output of the baseline was kept")
    if sum(len(blobs.get(outputs[name])) for name in made) > LARGEST_BYTES:
        return _no_constant("the outputs are too large to be carried in a program")
    texts = {name: _packed(zeroed(blobs.get(outputs[name]))) for name in made}
    source = PROGRAM.format(outputs=json.dumps(texts, indent=4))
    return Null(NullKind.CONSTANT, {**task.files, program: blobs.put(source.encode())})


def zeroed(data: bytes) -> bytes:
    r"""Return bytes of the same form with every number in them set to zero.

    JSON keeps its shape and all text that is no number, other text its layout, NumPy and
    safetensors files their header; of anything else only the length is left.

    Example:
        >>> zeroed(b'{"a": [1.5, 2], "name": "x1"}'), zeroed(b"x = 17\n")
        (b'{"a": [0.0, 0], "name": "x1"}', b'x = 00\n')
    """
    head = _header(data)
    if head:
        return data[:head] + bytes(len(data) - head)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return bytes(len(data))
    try:
        return json.dumps(_zero(json.loads(text))).encode()
    except (ValueError, RecursionError):
        return text.translate(DIGITS).encode()


def _no_constant(why: str) -> Null:
    return Null(NullKind.CONSTANT, {}, why)


def _program(task: Task) -> str | None:
    """The editable Python file that the command runs."""
    for word in task.run[1:]:
        path = PurePosixPath(word).as_posix()
        if path.endswith(".py"):
            return path if path in task.edit else None
    return None


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()


def _header(data: bytes) -> int:
    """Length of a header that says how the numbers behind it are laid out; 0 for none."""
    if data.startswith(b"\x93NUMPY") and len(data) > 12:
        wide = data[6] > 1
        length = (12 if wide else 10) + int.from_bytes(data[8 : 12 if wide else 10], "little")
        return min(length, len(data))
    length = 8 + int.from_bytes(data[:8], "little")
    return length if data[8:9] == b"{" and data[length - 1 : length] in (b"}", b" ") else 0


def _zero(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _zero(item) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_zero(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, str):
        return value.translate(DIGITS) if _is_number(value) else value
    return None if value is None else type(value)(0)


def _is_number(text: str) -> bool:
    """Whether a text is a number: exact values are often written as text."""
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii()
