"""Limits that the kernel holds, behind the watchdog that holds them for the whole tree."""

import math
import os
import shutil
from functools import cache
from pathlib import Path

from upward.core.errors import SandboxFailed
from upward.core.task import Limits

CPU_SLACK_S = 5
OPEN_FILES = 1024
BLOCK_BYTES = 512  # the unit of `ulimit -f` in the standard
THREADS_PER_PROCESS = 4
THREADS_MORE = 64
SHELL = "/bin/sh"
# a limit that cannot be set is one that is stricter already
OUTSIDE = """
{ ulimit -c 0; ulimit -n "$1"; ulimit -t "$2"; ulimit -f "$3"; } 2>/dev/null
if [ -n "$4" ]; then echo $$ >"$4" || exit 125; fi
shift 4; exec "$@"
"""
INSIDE = """
ulimit -u "$1" 2>/dev/null || ulimit -p "$1" 2>/dev/null
shift; exec "$@"
"""


@cache
def program(name: str) -> str:
    """Return the path of a system program.

    Raises:
        SandboxFailed: it is not installed.
    """
    found = shutil.which(name) or shutil.which(name, path="/usr/local/bin:/usr/bin:/bin:/usr/sbin")
    if found is None:
        raise SandboxFailed(f"{name} is not installed")
    return found


def most_tasks(limits: Limits) -> int:
    """Return how many processes and threads there may be together."""
    return limits.processes * THREADS_PER_PROCESS + THREADS_MORE


def limited(limits: Limits, cage: Path | None) -> tuple[str, ...]:
    """Return the words before a command that bound each of its processes.

    No limit of the address space: it counts memory that is only reserved, which accelerators and
    allocators do freely. Files may be one MiB larger than allowed, so that the watchdog can tell
    a full disk from another failure.

    Args:
        limits: what the whole tree may use.
        cage: control group in which the command begins its life, if there is one.
    """
    cpu_s = math.ceil(limits.cpu_s) + CPU_SLACK_S
    blocks = (limits.disk_mb + 1) * 2**20 // BLOCK_BYTES
    group = "" if cage is None else str(cage / "cgroup.procs")
    return (SHELL, "-c", OUTSIDE, SHELL, str(OPEN_FILES), str(cpu_s), str(blocks), group)


def limited_inside(limits: Limits) -> tuple[str, ...]:
    """Return the words that bound the number of processes from within a user namespace.

    The kernel counts them per user and namespace, so outside they would be added to everything
    else that the user runs. It never counts those of root, who has `upward.sandbox.cage`.
    """
    if os.geteuid() == 0:
        return ()
    return (SHELL, "-c", INSIDE, SHELL, str(most_tasks(limits)))
