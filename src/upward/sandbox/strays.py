"""Finds and ends processes that have detached themselves, where no pid namespace does.

They are recognised by a variable in the environment that they began with, so one that cleared its
environment on purpose is not found: this is for accidents, not for attacks.
"""

import contextlib
import os
import select
import signal
from pathlib import Path

from upward.sandbox.processes import children, look

MARK = "UPWARD_BOX"


def kill(root: int, mark: str) -> None:
    """Kill the descendants of a process, and the orphans with its mark that came to us."""
    _kill_all(_marked(root, mark))


def finish(root: int, mark: str) -> float:
    """Kill again and again until nothing is found; return the CPU time of what was waited for."""
    cpu_s, waiting = 0.0, set[int]()
    while (left := _marked(root, mark)) or waiting:
        _kill_all(left)
        waiting.update(left)
        for pid in tuple(waiting):
            used_s, gone = _reaped(pid)
            cpu_s += used_s
            waiting -= {pid} if gone else set()
    return cpu_s


def _marked(root: int, mark: str) -> list[int]:
    """Return the living processes of a tree, and the orphans of it that came to us."""
    found, waiting = list[int](), children(root)
    wanted = f"{MARK}={mark}".encode()
    waiting += [pid for pid in children(os.getpid()) if pid != root and _carries(pid, wanted)]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting.extend(children(pid))
    return found


def _carries(pid: int, wanted: bytes) -> bool:
    try:
        return wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _reaped(pid: int) -> tuple[float, bool]:
    """Wait a moment for a killed process; return its CPU time and whether it is gone."""
    try:
        found, _, used = os.wait4(pid, os.WNOHANG)
    except ChildProcessError:  # the child of another process that was killed too
        found, used = (0, None) if look(pid) else (pid, None)
    if not found:
        select.select([], [], [], 0.001)
    return (used.ru_utime + used.ru_stime if found and used else 0.0), bool(found)


def _kill_all(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
