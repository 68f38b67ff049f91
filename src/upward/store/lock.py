"""The right to write to a study: one process at a time, given back by the kernel when it dies."""

import contextlib
import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psutil

from upward.core.canon import parse_strict
from upward.core.errors import BadMeasurement, CannotWrite, StudyBusy
from upward.core.ports import Clock

# two starts of one process never differ by more than the kernel's clock tick
SAME_START_S = 0.05


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that pursues a study.

    Args:
        pid: its process id.
        since: UTC time at which it took the right.
    """

    pid: int
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} (since {self.since})"


class StudyLock:
    """Exclusive right of one process to write to one study, as a context manager.

    The lock is an advisory ``flock``; it ends with the process, also by ``kill -9``, so a stale
    file never blocks anyone. What it does not stop: a process that writes to the database without
    asking for the lock (the ledger refuses that by its head), and processes on other machines
    when the folder is on a network file system without lock support.

    Args:
        folder: ``Home.locks``.
        study: name of the study.
        clock: for the time that is written inside, for people.
    """

    def __init__(self, folder: Path, study: str, clock: Clock) -> None:
        self.study = study
        self._path = _file_of(folder, study)
        self._clock = clock
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take the right, at once or not at all.

        Raises:
            StudyBusy: another process holds it, or another `StudyLock` of this one.
            CannotWrite: the lock file cannot be made.
        """
        handle = self._open()
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            found = _read(self._path)
            raise StudyBusy(self.study, str(found[0]) if found else "another process") from None
        except OSError as error:
            os.close(handle)
            raise CannotWrite(str(self._path), error.strerror or str(error)) from error
        self._handle = handle
        self._sign(handle)

    def release(self) -> None:
        """Give the right back; doing it again changes nothing."""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _open(self) -> int:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise CannotWrite(str(self._path), error.strerror or str(error)) from error

    def _sign(self, handle: int) -> None:
        me = {
            "pid": os.getpid(),
            "since": self._clock.now(),
            "started": psutil.Process().create_time(),
        }
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(me).encode(), 0)
        except OSError as error:
            self.release()
            raise CannotWrite(str(self._path), error.strerror or str(error)) from error


def holder(folder: Path, study: str) -> Holder | None:
    """Return the live process that pursues a study, or None; takes no lock and blocks nobody.

    For showing only: by the time it is read it may be over.
    """
    found = _read(_file_of(folder, study))
    if found is None:
        return None
    process, started = found
    try:
        alive = abs(psutil.Process(process.pid).create_time() - started) < SAME_START_S
    except psutil.Error:
        return None
    return process if alive else None


def _read(path: Path) -> tuple[Holder, float] | None:
    try:
        said = parse_strict(path.read_bytes())
        return Holder(int(said["pid"]), str(said["since"])), float(said["started"])
    except (OSError, BadMeasurement, KeyError, TypeError, ValueError):
        # empty or half written: its holder is just now taking it or giving it back
        return None


def _file_of(folder: Path, study: str) -> Path:
    return folder / f"{quote(study, safe=' ')}.lock"
