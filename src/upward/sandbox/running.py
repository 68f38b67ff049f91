"""One started command: its pipes, its processes, and the way to end all of them."""

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from upward.core.errors import SandboxFailed
from upward.core.records import Usage
from upward.sandbox import cage
from upward.sandbox.launch import Launch, opened
from upward.sandbox.processes import look
from upward.sandbox.strays import Strays
from upward.sandbox.usage import Watchdog

STDOUT_BYTES = 1024 * 1024
STDERR_BYTES = 64 * 1024
CHUNK_BYTES = 64 * 1024
START_S = 5.0


@dataclass(slots=True)
class Running:
    """A started command and everything that it started.

    Made by `start` and ended by `finish`, on the same thread: the processes die with the thread
    that started them.
    """

    launch: Launch
    popen: "subprocess.Popen[bytes]"
    pidfd: int
    watchdog: Watchdog
    strays: Strays
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    first: int = 0
    exited: bool = False
    ended_s: float = 0.0
    killed: bool = False
    _status: bytearray = field(default_factory=bytearray)

    # -- starting --------------------------------------------------------------------------

    @classmethod
    def start(cls, launch: Launch) -> "Running":
        """Start a command and its watchdog; takes over the descriptors of the launch.

        Raises:
            SandboxFailed: the program could not be started.
        """
        began_s = time.monotonic()
        popen = opened(launch)
        _offer_to_the_oom_killer(popen.pid)
        watchdog = Watchdog(launch.limits, launch.watch, began_s)
        strays = Strays(popen.pid, launch.mark)
        return cls(launch, popen, os.pidfd_open(popen.pid), watchdog, strays)

    # -- while it runs ---------------------------------------------------------------------

    def handles(self) -> list[int]:
        """Return the descriptors to wait for."""
        pipes = [pipe.fileno() for pipe in (self.popen.stdout, self.popen.stderr) if pipe]
        return [self.pidfd, *pipes, *([self.launch.status] if self.launch.status >= 0 else [])]

    def ready(self, handle: int) -> bool:
        """Take in what a descriptor has; false when it will have no more."""
        if handle == self.pidfd:
            self.exited, self.ended_s = True, time.monotonic()
            return False
        data = _read(handle)
        if data:
            self._take(handle, data)
        return data != b""

    def _take(self, handle: int, data: bytes) -> None:
        if handle == self.launch.status:
            self._status += data[: CHUNK_BYTES - len(self._status)]
            self._learn_first()
        elif self.popen.stdout is not None and handle == self.popen.stdout.fileno():
            self.stdout += data[: STDOUT_BYTES - len(self.stdout)]
        else:
            self.stderr += data
            del self.stderr[:-STDERR_BYTES]

    def _learn_first(self) -> None:
        if not self.first and b"\n" in self._status:
            self.first = int(_status_of(self._status).get("child-pid", 0))
            _offer_to_the_oom_killer(self.first)

    def look(self, now_s: float) -> str:
        """Measure; return the name of the limit that is exceeded, or nothing."""
        if self.launch.status >= 0:
            own = frozenset({self.popen.pid, self.first})
            return self.watchdog.look([self.popen.pid], now_s, own)
        return self.watchdog.look([self.popen.pid, *self.strays.orphans()], now_s)

    # -- ending ----------------------------------------------------------------------------

    def kill(self) -> None:
        """End the whole tree; safe at any moment before `finish` returns."""
        if self.killed:
            return
        self.killed = True
        if self.launch.status >= 0:
            self._kill_namespace()
        else:
            self.strays.kill()
        if not self.exited:
            os.kill(self.popen.pid, signal.SIGKILL)  # `Popen.kill` would also wait for it

    def _kill_namespace(self) -> None:
        """Kill the first process of the pid namespace, and with it all others.

        While bubblewrap still starts, that process is not yet bound to it, so wait until known.
        """
        until_s = time.monotonic() + START_S
        waiting = not self.exited
        while waiting and not self.first and time.monotonic() < until_s:
            select.select([self.launch.status], [], [], START_S)
            waiting = self.ready(self.launch.status)
        self._kill_first()

    def _kill_first(self) -> None:
        process = look(self.first) if self.first else None
        if process is not None and process.parent in (self.popen.pid, os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.first, signal.SIGKILL)

    def finish(self) -> int:
        """Wait until nothing of the tree is left, and return the exit code.

        Raises:
            SandboxFailed: bubblewrap ended before the command had begun.
        """
        if not self.exited:
            self.kill()
        _, status, used = os.wait4(self.popen.pid, 0)
        self.popen.returncode = os.waitstatus_to_exitcode(status)
        self.ended_s = self.ended_s or time.monotonic()
        cpu_s = used.ru_utime + used.ru_stime
        cpu_s += self._finish_rest()
        self.watchdog.cpu_s = max(self.watchdog.cpu_s, cpu_s)
        for handle in self.handles()[1:]:
            self._drain(handle)
        self._close()
        return self._exit_code()

    def _finish_rest(self) -> float:
        if self.launch.status >= 0:
            return self._finish_namespace()
        return self.strays.finish()

    def _finish_namespace(self) -> float:
        """Wait for the orphaned first process: when it is gone, so is its namespace."""
        if not self.first:
            self._drain(self.launch.status)
        if not self.first:
            return 0.0
        self._kill_first()
        try:
            _, _, used = os.wait4(self.first, 0)
        except ChildProcessError:  # bubblewrap itself has waited for it
            return 0.0
        memory_mb = used.ru_maxrss / 1024  # of the largest single process
        self.watchdog.peak_memory_mb = max(self.watchdog.peak_memory_mb, memory_mb)
        return used.ru_utime + used.ru_stime

    def _drain(self, handle: int) -> None:
        while data := _read(handle):
            self._take(handle, data)

    def _exit_code(self) -> int:
        code = self.popen.returncode
        if self.launch.status < 0:
            return code
        told = _status_of(self._status).get("exit-code")
        if told is None and self.killed:
            return -signal.SIGKILL
        if told is None and code > 0:
            raise SandboxFailed(
                "bubblewrap could not start the command", self.stderr.decode("utf-8", "replace")
            )
        # bubblewrap tells a signal the way a shell does
        return 128 - code if 128 < code <= 128 + signal.NSIG else code

    def _close(self) -> None:
        for pipe in (self.popen.stdout, self.popen.stderr):
            if pipe is not None:
                pipe.close()
        for handle in (self.pidfd, self.launch.status):
            if handle >= 0:
                os.close(handle)
        cage.remove(self.launch.cage)

    @property
    def usage(self) -> Usage:
        """What it used, as far as is known now; complete after `finish`."""
        dog = self.watchdog
        wall_s = (self.ended_s or time.monotonic()) - dog.began_s
        return Usage(round(dog.cpu_s, 4), round(wall_s, 4), round(dog.peak_memory_mb, 2))


def _read(handle: int) -> bytes | None:
    """Read what is there: None for nothing now, empty for nothing ever."""
    try:
        return os.read(handle, CHUNK_BYTES)
    except BlockingIOError:
        return None


def _status_of(data: bytes | bytearray) -> dict[str, int]:
    """Join bubblewrap's status lines; a line that is not whole is not there yet."""
    found = dict[str, int]()
    for line in bytes(data).split(b"\n")[:-1]:
        found.update(json.loads(line))
    return found


def _offer_to_the_oom_killer(pid: int) -> None:
    """When the machine itself runs out of memory, this goes first and Upward stays."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("1000", encoding="ascii")
