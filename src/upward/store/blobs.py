"""Bytes by content id, as files in sharded folders: ``ab/cdef…`` holds the bytes of ``abcdef…``."""

import contextlib
import errno
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from upward.core.errors import BlobChanged, CannotWrite, StoreFailed
from upward.core.ids import blob_id

HEX = frozenset("0123456789abcdef")
ID_DIGITS = 64
SHARD_DIGITS = 2
UNFINISHED = "unfinished"
UNWRITABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST})


class FolderBlobs:
    """Adapter of the port `Blobs` on a folder; several processes may use it at the same time.

    A file appears under its id only when it is whole and on the disk: written beside, synced,
    renamed, and the folder synced. A process that is killed leaves at most an unfinished file,
    which the next writer removes. Nothing is made on the disk before the first `put`.

    Args:
        folder: where the shards are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = itertools.count()
        self._ready: set[str] = set()

    def put(self, data: bytes) -> str:
        """Keep bytes, durably, and return their id; putting the same bytes twice is free.

        A file that is there with another length was cut by a failing disk, and is replaced.

        Raises:
            StoreFailed: the disk is full or broken; nothing was kept under the id.
            CannotWrite: the folder cannot be written to.
        """
        blob = blob_id(data)
        path = self._path(blob)
        if _size_of(path) != len(data):
            try:
                self._write(path, data)
            except OSError as error:
                failed = CannotWrite if error.errno in UNWRITABLE else StoreFailed
                raise failed(str(self._folder), error.strerror or str(error)) from error
        return blob

    def get(self, blob: str) -> bytes:
        """Return the bytes, after checking that they still have this content.

        Raises:
            BlobChanged: missing, unreadable, or the bytes no longer match their id.
        """
        try:
            data = self._path(blob).read_bytes()
        except FileNotFoundError:
            raise BlobChanged(blob, f"missing in {self._folder}") from None
        except OSError as error:
            raise BlobChanged(blob, f"unreadable ({error.strerror})") from error
        if (found := blob_id(data)) != blob:
            raise BlobChanged(blob, f"changed on disk, its bytes now have the id {found}")
        return data

    def has(self, blob: str) -> bool:
        """Whether bytes are kept under this id (not whether they are intact)."""
        return self._path(blob).is_file()

    def ids(self) -> Iterator[str]:
        """Yield the id of everything that is kept, in order."""
        if not self._folder.is_dir():
            return
        for shard in sorted(self._folder.iterdir()):
            if len(shard.name) == SHARD_DIGITS and set(shard.name) <= HEX:
                yield from sorted(shard.name + file.name for file in shard.iterdir())

    def _path(self, blob: str) -> Path:
        if len(blob) != ID_DIGITS or not set(blob) <= HEX:
            raise BlobChanged(blob, f"is no content id, which has {ID_DIGITS} hexadecimal digits")
        return self._folder / blob[:SHARD_DIGITS] / blob[SHARD_DIGITS:]

    def _write(self, path: Path, data: bytes) -> None:
        self._prepare(path.parent)
        unfinished = self._folder / UNFINISHED / f"{os.getpid()}-{next(self._count)}"
        try:
            _write_synced(unfinished, data)
            unfinished.rename(path)
        except OSError:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
        _sync_folder(path.parent)

    def _prepare(self, shard: Path) -> None:
        if not self._ready:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / UNFINISHED).mkdir(exist_ok=True)
            self._remove_unfinished()
            self._ready.add(UNFINISHED)
        if shard.name not in self._ready:
            shard.mkdir(exist_ok=True)
            _sync_folder(self._folder)
            self._ready.add(shard.name)

    def _remove_unfinished(self) -> None:
        """Remove what killed processes have left; those that live are still writing theirs."""
        for file in (self._folder / UNFINISHED).iterdir():
            pid = file.name.partition("-")[0]
            if not pid.isdigit() or not psutil.pid_exists(int(pid)):
                file.unlink(missing_ok=True)


def _size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _write_synced(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
