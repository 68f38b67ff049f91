"""Reads a tree of processes from ``/proc``, cheaply enough to do it many times a second."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20

Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Process:
    """One process at one moment.

    Args:
        key: its number and its start time, which together are never used twice.
        parent: number of its parent.
        own_s: CPU time of the process itself, user and system, in steps of a clock tick.
        reaped_s: CPU time of its descendants that have ended and were waited for.
        threads: how many it has.
        rss_mb: resident memory, with what it shares with others.
    """

    key: Key
    parent: int
    own_s: float
    reaped_s: float
    threads: int
    rss_mb: float

    @property
    def pid(self) -> int:
        """Its number."""
        return self.key[0]


def look(pid: int) -> Process | None:
    """Return what a process is now, or None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # the name stands in brackets and may hold anything, so count from the last bracket
    fields = text[text.rfind(")") + 2 :].split()
    own, reaped = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    return Process(
        key=(pid, int(fields[19])),
        parent=int(fields[1]),
        own_s=own / TICKS_PER_S,
        reaped_s=reaped / TICKS_PER_S,
        threads=int(fields[17]),
        rss_mb=int(fields[21]) * PAGE_MB,
    )


def tree(roots: list[int], most: int) -> Iterator[Process]:
    """Yield processes and their descendants, at most so many of them.

    A process that starts or ends during the walk may be missed; the next walk sees it.
    """
    waiting, found = list(roots), 0
    while waiting and found < most:
        pid = waiting.pop()
        process = look(pid)
        if process is not None:
            found += 1
            yield process
            waiting.extend(children(pid))


def children(pid: int) -> list[int]:
    """Return the numbers of a process's children, from all of its threads."""
    if not _kernel_lists_children():
        return children_by_parent(pid)
    found = list[int]()
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208  (names, many times a second)
            listed = Path(f"/proc/{pid}/task/{thread}/children").read_text(encoding="ascii")
            found.extend(int(word) for word in listed.split())
    except OSError:  # it ended meanwhile
        return found
    return found


def children_by_parent(pid: int) -> list[int]:
    """Return the same from a walk over all processes, for kernels that keep no list."""
    everyone = (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208
    return [other for other in everyone if (p := look(other)) is not None and p.parent == pid]


@cache
def _kernel_lists_children() -> bool:
    return Path("/proc/thread-self/children").exists()


def proportional_mb(pid: int) -> float:
    """Return resident memory where shared pages are divided among those that share them.

    Costs about 2 ms per GiB; 0 for a process that has ended.
    """
    try:
        with Path(f"/proc/{pid}/smaps_rollup").open(encoding="ascii") as lines:
            for line in lines:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) / 1024
    except OSError:  # it ended, or this kernel does not tell
        return 0.0
    return 0.0


def unlinked_bytes(pids: list[int], device: int) -> tuple[int, int]:
    """Sum up open files that have no name any more and so appear in no folder.

    Args:
        pids: whose descriptors to look at.
        device: device number of the disk whose files count as disk.

    Returns:
        Bytes on that disk, and bytes elsewhere: in memory (``memfd_create``, deleted files of a
        tmpfs). Not seen: a descriptor that is on its way through a socket.
    """
    sizes = dict[tuple[int, int], int]()
    for pid in pids:
        sizes.update(_unlinked(pid))
    disk = sum(size for (where, _), size in sizes.items() if where == device)
    return disk, sum(sizes.values()) - disk


def _unlinked(pid: int) -> dict[tuple[int, int], int]:
    found = dict[tuple[int, int], int]()
    try:
        with os.scandir(f"/proc/{pid}/fd") as handles:
            for handle in handles:
                state = _stat(handle.path)
                if state is not None and state.st_nlink == 0:
                    found[state.st_dev, state.st_ino] = state.st_blocks * 512
    except OSError:
        return found
    return found


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116  (a magic link, many times a second)
    except OSError:
        return None
