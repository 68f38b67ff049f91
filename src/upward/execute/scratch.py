"""Folders for running trials, and their removal whatever a candidate has made of them."""

import itertools
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it; nothing happens where there is none.

    Links are removed, not followed. Every folder is first moved to the top and made accessible,
    so neither depth, nor the length of a path, nor permissions matter. Only for folders in which
    nobody works any more.

    Raises:
        OSError: the folder is not ours to remove.
    """
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink(missing_ok=True)
        return
    token = secrets.token_hex(8)
    names = (folder / f".{token}-{number}" for number in itertools.count())
    waiting = [folder]
    while waiting:
        waiting += _without_files(waiting.pop(), names)
    for moved in folder.iterdir():
        moved.rmdir()
    folder.rmdir()


def _without_files(folder: Path, names: Iterator[Path]) -> list[Path]:
    folder.chmod(0o700)
    moved = list[Path]()
    for entry in list(os.scandir(folder)):
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            path.chmod(0o700)
            moved.append(path.rename(next(names)))
        else:
            path.unlink()
    return moved
