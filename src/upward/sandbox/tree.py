"""What a process tree uses, read from /proc; cheap enough to do ten times a second."""

import os
from dataclasses import dataclass

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Reading:
    """One look at a process tree."""

    cpu_s: float = 0.0
    memory_mb: float = 0.0
    processes: int = 0


def read_tree(pid: int) -> Reading:
    """Add up a process and all its descendants.

    CPU time includes children that ended and were waited for. Memory counts private pages of
    every process and the largest shared part once.
    """
    reading, shared_mb = Reading(), 0.0
    waiting = [pid]
    while waiting:
        current = waiting.pop()
        waiting += _children(current)
        try:
            cpu_s = _cpu_s(current)
            resident, shared = _pages(current)
        except (OSError, IndexError, ValueError):
            continue  # it ended between two looks
        reading.cpu_s += cpu_s
        reading.memory_mb += max(0, resident - shared) * PAGE / 2**20
        shared_mb = max(shared_mb, shared * PAGE / 2**20)
        reading.processes += 1
    reading.memory_mb += shared_mb
    return reading


def _children(pid: int) -> list[int]:
    found = list[int]()
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += [int(word) for word in file.read().split()]
    except OSError:
        pass
    return found


def _cpu_s(pid: int) -> float:
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICKS


def _pages(pid: int) -> tuple[int, int]:
    with open(f"/proc/{pid}/statm", "rb") as file:
        fields = file.read().split()
    return int(fields[1]), int(fields[2])


def folder_size(path: str, most_files: int) -> tuple[int, int]:
    """Bytes on disk and number of files below a folder; stops counting at `most_files`."""
    size, files, waiting = 0, 0, [path]
    while waiting and files <= most_files:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    files += 1
                    status = entry.stat(follow_symlinks=False)
                    size += status.st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError:
            continue
    return size, files
