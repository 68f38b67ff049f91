"""Runs processes to their end and holds their limits from outside.

One thread supervises one box (and its peer). It waits on file descriptors, never on a clock
alone, so that the end of a process is seen at once.
"""

import contextlib
import os
import resource
import select
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field

from upward.core.errors import SandboxFailed
from upward.core.ports import Box, Ran
from upward.core.records import Usage
from upward.sandbox.tree import folder_size, read_tree

STDOUT_BYTES = 1 << 20
STDERR_BYTES = 1 << 16
CHUNK = 1 << 16
FIRST_LOOK_S = 0.01
LAST_LOOK_S = 0.1
DISK_LOOK_S = 0.25
MOST_FILES = 20_000
END_S = 5.0


@dataclass(frozen=True, slots=True)
class Launch:
    """A command ready to be started.

    Args:
        argv: with the sandbox around it.
        box: whose limits hold.
        pass_fds: descriptors that it inherits besides the standard three.
        stdin: a descriptor, or None when `box.stdin` is to be written.
        stdout: a descriptor, or None when it is to be read.
        env: the environment of the outermost process.
        cwd: folder in which the outermost process starts.
    """

    argv: list[str]
    box: Box
    pass_fds: tuple[int, ...] = ()
    stdin: int | None = None
    stdout: int | None = None
    env: dict[str, str] = field(default_factory=dict[str, str])
    cwd: str | None = None


class Running:
    """One started command and what is known of it."""

    def __init__(self, launch: Launch) -> None:
        self.box = launch.box
        self.began_s = time.monotonic()
        self.stdout, self.stderr = bytearray(), bytearray()
        self.exceeded = ""
        self.exit_code: int | None = None
        self._cpu_s = self._peak_mb = self._disk_seen_s = 0.0
        self._wall_s = 0.0
        self._process = _spawn(launch)
        self._ours_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.pidfd = os.pidfd_open(self._process.pid)
        self._input = memoryview(self.box.stdin)

    @property
    def pid(self) -> int:
        """Process id of the outermost process."""
        return self._process.pid

    def readers(self) -> dict[int, bytearray]:
        """Descriptors to read from, with where it goes."""
        pairs = ((self._process.stdout, self.stdout), (self._process.stderr, self.stderr))
        return {stream.fileno(): kept for stream, kept in pairs if stream and not stream.closed}

    def feed(self) -> None:
        """Write the input; it is small enough for a pipe, or the rest is written in time."""
        stream = self._process.stdin
        if stream is None:
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            stream.write(self._input)
            stream.close()

    def take(self, descriptor: int) -> bool:
        """Read what is there; False at the end of the stream."""
        data = os.read(descriptor, CHUNK)
        kept = self.readers()[descriptor]
        if kept is self.stdout:
            kept += data[: STDOUT_BYTES - len(kept)]
        else:
            kept += data
            del kept[:-STDERR_BYTES]
        return bool(data)

    def look(self) -> None:
        """Read the process tree and end it when a limit is reached."""
        limits, reading = self.box.limits, read_tree(self.pid)
        self._cpu_s = max(self._cpu_s, reading.cpu_s)
        self._peak_mb = max(self._peak_mb, reading.memory_mb)
        wall_s = time.monotonic() - self.began_s
        reached = {
            "cpu_s": reading.cpu_s > limits.cpu_s,
            "wall_s": wall_s > limits.wall_s,
            "memory_mb": reading.memory_mb > limits.memory_mb,
            # the sandbox's own processes are not the candidate's
            "processes": reading.processes > limits.processes + 3,
            "disk_mb": self._disk_full(wall_s),
        }
        for name, is_reached in reached.items():
            if is_reached and not self.exceeded:
                self.exceeded = name
                self.kill()

    def _disk_full(self, wall_s: float) -> bool:
        if not self.box.watch or wall_s - self._disk_seen_s < DISK_LOOK_S:
            return False
        self._disk_seen_s = wall_s
        return self.disk_full()

    def disk_full(self) -> bool:
        """Whether the watched folder holds more than it may."""
        if not self.box.watch:
            return False
        size, files = folder_size(self.box.watch, MOST_FILES)
        return size > self.box.limits.disk_mb * 2**20 or files > MOST_FILES

    def kill(self) -> None:
        """End the whole tree: a sandbox's first process dies with its parent, the rest with it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def reap(self) -> None:
        """Take the exit code and the usage of a process that has ended."""
        _, status, used = os.wait4(self.pid, 0)
        self.exit_code = self._process.returncode = os.waitstatus_to_exitcode(status)
        self._cpu_s = max(self._cpu_s, used.ru_utime + used.ru_stime)
        # a child begins with its parent's high-water mark: below that the kernel's figure is ours
        if used.ru_maxrss > self._ours_kb:
            self._peak_mb = max(self._peak_mb, used.ru_maxrss / 1024.0)
        self._wall_s = time.monotonic() - self.began_s
        os.close(self.pidfd)
        if not self.exceeded and self._cpu_s > self.box.limits.cpu_s:
            self.exceeded = "cpu_s"
        if not self.exceeded and self.disk_full():
            self.exceeded = "disk_mb"

    def close(self) -> None:
        """Close the streams."""
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def usage(self) -> Usage:
        """What the tree used."""
        return Usage(round(self._cpu_s, 4), round(self._wall_s, 4), round(self._peak_mb, 2))


def _spawn(launch: Launch) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            launch.argv,
            stdin=subprocess.PIPE if launch.stdin is None else launch.stdin,
            stdout=subprocess.PIPE if launch.stdout is None else launch.stdout,
            stderr=subprocess.PIPE,
            pass_fds=launch.pass_fds,
            env=launch.env,
            cwd=launch.cwd,
            start_new_session=True,
            bufsize=0,
        )
    except OSError as error:
        raise SandboxFailed(f"{launch.argv[0]} could not be started: {error}") from error


class Supervisor:
    """Runs boxes to their end; can end everything from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[Running] = set()
        self._stopped = False

    def stop(self) -> None:
        """End everything that runs now; later runs end at once too."""
        with self._lock:
            self._stopped = True
            for running in self._running:
                running.kill()

    def run(self, launch: Launch) -> Running:
        """Start a command; it must be given to `finish`."""
        running = Running(launch)
        with self._lock:
            self._running.add(running)
            if self._stopped:
                running.kill()
        return running

    def finish(self, main: Running, peer: Running | None = None) -> Ran:
        """Supervise to the end of the main command, end its peer, and return how it ended."""
        everyone = [main] if peer is None else [main, peer]
        try:
            for running in everyone:
                running.feed()
            self._watch(main, peer)
        finally:
            for running in everyone:
                if running.exit_code is None:
                    running.kill()
                    running.reap()
                running.close()
            with self._lock:
                self._running.difference_update(everyone)
        return _ran(main, peer)

    def _watch(self, main: Running, peer: Running | None) -> None:
        poll, sources = select.poll(), dict[int, Running]()
        for running in (main, peer):
            if running is not None:
                for descriptor in (running.pidfd, *running.readers()):
                    sources[descriptor] = running
                    poll.register(descriptor, select.POLLIN)
        wait_s, next_look_s = FIRST_LOOK_S, time.monotonic() + FIRST_LOOK_S
        while main.exit_code is None:
            left_s = max(0.0, next_look_s - time.monotonic())
            for descriptor, _ in poll.poll(1000 * left_s):
                self._serve(descriptor, sources, poll)
            if time.monotonic() >= next_look_s:
                for running in set(sources.values()):
                    if running.exit_code is None:
                        running.look()
                if peer is not None and peer.exceeded:
                    main.kill()
                wait_s = min(LAST_LOOK_S, 1.5 * wait_s)
                next_look_s = time.monotonic() + wait_s
        self._drain(main, poll, sources)

    def _serve(self, descriptor: int, sources: dict[int, Running], poll: "select.poll") -> None:
        running = sources[descriptor]
        if descriptor == running.pidfd:
            poll.unregister(descriptor)
            running.reap()
        elif not running.take(descriptor):
            poll.unregister(descriptor)
            sources.pop(descriptor)

    def _drain(self, main: Running, poll: "select.poll", sources: dict[int, Running]) -> None:
        """Read what is left in the pipes; nobody is alive to write more."""
        mine = [d for d in main.readers() if d in sources]
        end_s = time.monotonic() + END_S
        while mine and time.monotonic() < end_s:
            for descriptor, _ in poll.poll(50):
                if descriptor in mine and not main.take(descriptor):
                    poll.unregister(descriptor)
                    mine.remove(descriptor)
                elif descriptor not in mine:
                    poll.unregister(descriptor)


def _ran(main: Running, peer: Running | None) -> Ran:
    usage, exceeded, stderr = main.usage(), main.exceeded, bytes(main.stderr)
    if peer is not None:
        other = peer.usage()
        usage = Usage(
            round(usage.cpu_s + other.cpu_s, 4),
            usage.wall_s,
            round(usage.peak_memory_mb + other.peak_memory_mb, 2),
        )
        exceeded = exceeded or peer.exceeded
        stderr += bytes(peer.stderr)
    code = main.exit_code if main.exit_code is not None else -signal.SIGKILL
    return Ran(code, usage, bytes(main.stdout), stderr[-STDERR_BYTES:], exceeded)
