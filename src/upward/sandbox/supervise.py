"""Runs one command, or two that talk to each other, to the end, and ends everything on demand."""

import contextlib
import os
import select
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field

from upward.core.errors import SandboxFailed
from upward.core.ports import Ran
from upward.core.records import Usage
from upward.sandbox.launch import Launch
from upward.sandbox.running import Running

READ, WRITE = "UPWARD_PEER_READ", "UPWARD_PEER_WRITE"
NOTE = "\n[the process beside it{} printed:]\n"


@dataclass(slots=True)
class Supervisor:
    """Runs launches on the calling thread, and stops all of them from any thread.

    A command dies with the thread that started it, so that a killed Upward leaves nothing.
    """

    _stops: set[int] = field(default_factory=set[int])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def stop(self) -> None:
        """End everything that runs now."""
        with self._lock:
            for handle in self._stops:
                os.eventfd_write(handle, 1)

    def run(self, main: Launch, peer: Launch | None = None) -> Ran:
        """Run to the end, whatever the end is; takes over the descriptors of the launches.

        Raises:
            SandboxFailed: a command could not be started.
        """
        with self._stoppable() as stop:
            group = _started(main, peer)
            exceeded = ""
            try:
                exceeded = _Loop(group, stop).until_the_end()
            finally:
                for running in group:
                    if exceeded or not running.exited:
                        running.kill()
                codes = _finished(group)
        return _ran(group, codes, exceeded)

    @contextlib.contextmanager
    def _stoppable(self) -> Generator[int]:
        handle = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        with self._lock:
            self._stops.add(handle)
        try:
            yield handle
        finally:
            with self._lock:
                self._stops.discard(handle)
            os.close(handle)


class _Loop:
    """Waits for output, ends, limits and the stop, all at once."""

    def __init__(self, group: list[Running], stop: int) -> None:
        self._group, self._stop = group, stop
        self._poll = select.poll()
        self._poll.register(stop, select.POLLIN)
        self._owner = dict[int, Running]()
        for running in group:
            for handle in running.handles():
                self._owner[handle] = running
                self._poll.register(handle, select.POLLIN)

    def until_the_end(self) -> str:
        """Return the limit that ended it, or nothing."""
        while not self._group[0].exited:
            for handle, _ in self._poll.poll(self._pause_ms()):
                if handle == self._stop:
                    return ""
                if not self._owner[handle].ready(handle):
                    self._poll.unregister(handle)
            if exceeded := self._look():
                return exceeded
        return ""

    def _pause_ms(self) -> float:
        due_s = min(running.watchdog.due_s for running in self._group if not running.exited)
        return max(0.0, due_s - time.monotonic()) * 1000

    def _look(self) -> str:
        now_s = time.monotonic()
        for running in self._group:
            if running.exited or now_s < running.watchdog.due_s:
                continue
            if exceeded := running.look(now_s):
                return exceeded
        return ""


def _started(main: Launch, peer: Launch | None) -> list[Running]:
    group = list[Running]()
    launches = [main] if peer is None else [main, peer]
    while launches:
        try:
            group.append(Running.start(launches.pop(0)))
        except SandboxFailed:
            for launch in launches:
                launch.close()
            for running in group:
                running.kill()
            _finished(group)
            raise
    return group


def _finished(group: list[Running]) -> list[int]:
    """Wait for the end of all, also when one of them did not start well; that is told last."""
    codes, failed = list[int](), None
    for running in group:
        try:
            codes.append(running.finish())
        except SandboxFailed as error:
            failed = failed or error
    if failed is not None:
        raise failed
    return codes


def _ran(group: list[Running], codes: list[int], exceeded: str) -> Ran:
    main = group[0]
    if not exceeded:
        exceeded = next((limit for r in group if (limit := r.watchdog.at_the_end(r.usage))), "")
    used = [running.usage for running in group]
    usage = Usage(
        cpu_s=sum(u.cpu_s for u in used),
        wall_s=used[0].wall_s,
        peak_memory_mb=sum(u.peak_memory_mb for u in used),
    )
    stderr = bytes(main.stderr)
    for other, code in zip(group[1:], codes[1:], strict=True):
        ended = "" if other.killed else f" ended with exit code {code} and"
        stderr += NOTE.format(ended).encode() + bytes(other.stderr) if other.stderr else b""
    return Ran(codes[0], usage, bytes(main.stdout), stderr, exceeded)
