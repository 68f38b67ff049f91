"""Collects what a candidate left behind, as hostile input.

Declared names only, regular files only, nothing through a link at any level, sizes capped, each
file read once: what is hashed is what is scored.
"""

import os
import stat
from pathlib import PurePosixPath

from upward.core.errors import OutputRefused

CHUNK = 1 << 20


def collect(folder: str, names: tuple[str, ...], limit_bytes: int) -> dict[str, bytes]:
    """Read the declared outputs.

    Args:
        folder: the trial's working folder, after everything in it has ended.
        names: relative paths.
        limit_bytes: for all of them together.

    Raises:
        OutputRefused: missing, not a regular file, reached through a link, or too large.
    """
    found, left = dict[str, bytes](), limit_bytes
    root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in names:
            found[name] = _read(root, name, left)
            left -= len(found[name])
    finally:
        os.close(root)
    return found


def _read(root: int, name: str, limit_bytes: int) -> bytes:
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts:
        raise OutputRefused(f"the output {name!r} does not lie in the working folder")
    opened = list[int]()
    try:
        folder = root
        for part in parts[:-1]:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            folder = os.open(part, flags, dir_fd=folder)
            opened.append(folder)
        # NONBLOCK: opening a pipe must not wait for somebody to write
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        file = os.open(parts[-1], flags, dir_fd=folder)
        opened.append(file)
        return _read_regular(file, name, limit_bytes)
    except FileNotFoundError:
        raise OutputRefused(f"the output {name!r} is missing") from None
    except OSError as error:
        raise OutputRefused(f"the output {name!r} is no plain file ({error.strerror})") from None
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _read_regular(file: int, name: str, limit_bytes: int) -> bytes:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise OutputRefused(f"the output {name!r} is no plain file")
    if status.st_nlink > 1:
        raise OutputRefused(f"the output {name!r} has a second name (hard link)")
    if status.st_size > limit_bytes:
        size, allowed = status.st_size / 2**20, limit_bytes / 2**20
        raise OutputRefused(
            f"the output {name!r} has {size:.1f} MiB; {allowed:.1f} MiB are left for all outputs"
        )
    data = bytearray()
    while chunk := os.read(file, CHUNK):
        data += chunk
        if len(data) > limit_bytes:
            raise OutputRefused(f"the output {name!r} grew while it was read")
    return bytes(data)
