"""The files of a task folder, sorted into what a candidate, a scorer and a predictor may see."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from upward.core.errors import ManifestError
from upward.core.ports import Blobs
from upward.tasks.manifest import MANIFEST, PREDICTOR, SCORER

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_FILES = 5_000
MAX_TOTAL_BYTES = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TaskFiles:
    """Path to blob id, each relative to its own folder."""

    candidate: dict[str, str]
    scorer: dict[str, str]
    predictor: dict[str, str]


def read_files(folder: Path, blobs: Blobs) -> TaskFiles:
    """Put every file of a task folder into the blob store.

    Left out are names that begin with a dot, ``__pycache__``, compiled Python and ``task.toml``:
    they are never part of a task. Anything else that is not a regular file is refused rather
    than left out, because a task would silently differ from its folder.

    Raises:
        ManifestError: a link, device or oddly named file; a file or the folder is too large.
    """
    files = TaskFiles({}, {}, {})
    total = found = 0
    for path, relative in _walk(folder, ""):
        if relative == MANIFEST:
            continue
        data = _read(path)
        total, found = total + len(data), found + 1
        if found > MAX_FILES or total > MAX_TOTAL_BYTES:
            raise _refusal(folder, f"it holds over {MAX_FILES} files or 1 GiB", _TOO_LARGE)
        part, name = _part(files, relative)
        part[name] = blobs.put(data)
    return files


_TOO_LARGE = "Move what a trial does not need out of the task folder."
_NOT_REGULAR = "Put a plain copy of the file there, or give it a name that begins with a dot."


def _refusal(path: Path, problem: str, fix: str) -> ManifestError:
    return ManifestError(str(path), problem, fix)


def _part(files: TaskFiles, relative: str) -> tuple[dict[str, str], str]:
    first, _, rest = relative.partition("/")
    if rest and first == SCORER:
        return files.scorer, rest
    if rest and first == PREDICTOR:
        return files.predictor, rest
    return files.candidate, relative


def _walk(folder: Path, prefix: str) -> Iterator[tuple[Path, str]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise _refusal(folder, error.strerror or "unreadable", "Mend its permissions.") from None
    for entry in entries:
        if entry.name.startswith(".") or entry.name == "__pycache__" or entry.name.endswith(".pyc"):
            continue
        if not entry.name.isprintable() or "\\" in entry.name:
            raise _refusal(folder, f"the name {entry.name!r} is not plain text", "Rename it.")
        relative = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), relative + "/")
        else:
            yield Path(entry.path), relative


def _read(path: Path) -> bytes:
    """Read one regular file without following a link, even one put there a moment ago."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if path.is_symlink():
            raise _refusal(path, "it is a link", _NOT_REGULAR) from None
        raise _refusal(path, error.strerror or "unreadable", "Mend its permissions.") from None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise _refusal(path, "it is not a regular file", _NOT_REGULAR)
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise _refusal(path, "it is larger than 64 MiB", _TOO_LARGE)
    return data
