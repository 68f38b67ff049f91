"""A command as it is started on this machine, and its start."""

import ctypes
import fcntl
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from upward.core.errors import SandboxFailed
from upward.core.task import Limits
from upward.sandbox import cage
from upward.sandbox.strays import end_left_behind

BECOME_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of <sys/prctl.h>


@dataclass(frozen=True, slots=True)
class Launch:
    """A command as it is started on this machine.

    Args:
        argv: with an absolute path first.
        env: its whole environment.
        stdin: bytes to read, or a descriptor.
        stdout: a descriptor, or None to collect what is written.
        limits: held by the watchdog.
        watch: host path of the folder whose size counts.
        cwd: host path, or None.
        descriptors: further descriptors that it inherits under the same numbers.
        status: descriptor on which bubblewrap tells the number of its first process, or -1.
        status_end: the writing end of it.
        cage: control group that is removed at the end.
        mark: value of the variable ``UPWARD_BOX`` by which what is left of it can be found.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    stdin: bytes | int
    limits: Limits
    stdout: int | None = None
    watch: str = ""
    cwd: str | None = None
    descriptors: tuple[int, ...] = ()
    status: int = -1
    status_end: int = -1
    cage: Path | None = None
    mark: str = ""

    def close(self) -> None:
        """Close the descriptors of a command that will not be started."""
        self.close_inherited()
        if self.status >= 0:
            os.close(self.status)
        cage.remove(self.cage)

    def close_inherited(self) -> None:
        """Close what a started command has its own copies of."""
        stdin = self.stdin if isinstance(self.stdin, int) else None
        for handle in (stdin, self.stdout, self.status_end, *self.descriptors):
            if handle is not None and handle >= 0:
                os.close(handle)


@cache
def adopt_orphans() -> None:
    """Become the parent of descendants that lose theirs, and end those of killed processes.

    Only so can the CPU time of a whole pid namespace be read after its end, and only so can a
    process that detached itself be found where there is no pid namespace. Once per process; only
    for Linux.
    """
    end_left_behind()
    if ctypes.CDLL(None, use_errno=True).prctl(BECOME_SUBREAPER, 1, 0, 0, 0) != 0:
        raise SandboxFailed(f"prctl: {os.strerror(ctypes.get_errno())}")


def opened(launch: Launch) -> "subprocess.Popen[bytes]":
    """Start a command; takes over the descriptors of the launch.

    Raises:
        SandboxFailed: the program could not be started.
    """
    adopt_orphans()
    try:
        popen = _open(launch)
    except OSError as error:
        launch.close()
        raise SandboxFailed(f"{launch.argv[0]}: {error.strerror}") from error
    launch.close_inherited()
    ours = [pipe.fileno() for pipe in (popen.stdout, popen.stderr) if pipe is not None]
    for handle in (*ours, *([launch.status] if launch.status >= 0 else [])):
        os.set_blocking(handle, False)
    return popen


def _open(launch: Launch) -> "subprocess.Popen[bytes]":
    inherited = [fd for fd in (*launch.descriptors, launch.status_end) if fd >= 0]
    if isinstance(launch.stdin, int):
        return _popen(launch, launch.stdin, inherited)
    stdin = _readable(launch.stdin)
    try:
        return _popen(launch, stdin, inherited)
    finally:
        os.close(stdin)


def _popen(launch: Launch, stdin: int, inherited: list[int]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        launch.argv,
        env=dict(launch.env),
        cwd=launch.cwd,
        stdin=stdin,
        stdout=subprocess.PIPE if launch.stdout is None else launch.stdout,
        stderr=subprocess.PIPE,
        pass_fds=inherited,
        start_new_session=True,  # a Ctrl-C in the terminal is for Upward, not for its trials
    )


def _readable(data: bytes) -> int:
    """Return a descriptor that reads these bytes and cannot be changed."""
    handle = os.memfd_create("stdin", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with os.fdopen(os.dup(handle), "wb") as file:
        file.write(data)
    os.lseek(handle, 0, os.SEEK_SET)
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    fcntl.fcntl(handle, fcntl.F_ADD_SEALS, seals)
    return handle
