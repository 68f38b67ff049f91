"""Counts what a process tree uses and says when that is too much."""

import os
import stat
from dataclasses import dataclass, field

from upward.core.records import Usage
from upward.core.task import Limits
from upward.sandbox.limits import most_tasks
from upward.sandbox.processes import Key, Process, proportional_mb, tree, unlinked_bytes

FIRST_S, LONGEST_S = 0.01, 0.2
MEMORY_MB_PER_S = 8_000.0  # faster than one process can touch memory
SLOW_EVERY_S = 0.25
MOST_ENTRIES = 20_000
MOST_DEPTH = 64
ENDLESS = 2**62


@dataclass(slots=True)
class Watchdog:
    """Watches one process tree from outside.

    CPU time is the larger of two sums that can each miss something: of the living with what they
    have waited for, and of every process that was ever seen.

    Args:
        limits: what it may use.
        folder: host path of the folder whose size counts as disk; empty for none.
        began_s: monotonic time of its start.
    """

    limits: Limits
    folder: str
    began_s: float
    cpu_s: float = 0.0
    peak_memory_mb: float = 0.0
    due_s: float = 0.0
    _seen: dict[Key, float] = field(default_factory=dict[Key, float])
    _hidden_mb: float = 0.0
    _slow_due_s: float = 0.0

    def look(self, roots: list[int], now_s: float, skip: frozenset[int] = frozenset()) -> str:
        """Measure once and plan the next look.

        Args:
            roots: numbers of the processes at the top of its trees.
            now_s: monotonic time.
            skip: numbers of processes that are not counted as its own: the sandbox's.

        Returns:
            The name of the limit that is exceeded, or nothing.
        """
        most = self.limits.processes + 2
        found = list(tree(roots, most * 2))
        self._count_cpu(found)
        mine = [p for p in found if p.pid not in skip]
        memory_mb = self._memory_mb(mine) + self._hidden_mb
        self.peak_memory_mb = max(self.peak_memory_mb, memory_mb)
        self.due_s = now_s + self._pause_s(now_s - self.began_s, memory_mb, len(mine))
        return self._exceeded(mine, memory_mb, now_s) or self._slow_look(mine, now_s)

    def _exceeded(self, found: list[Process], memory_mb: float, now_s: float) -> str:
        limits = self.limits
        if now_s - self.began_s >= limits.wall_s:
            return "wall_s"
        if self.cpu_s >= limits.cpu_s:
            return "cpu_s"
        if memory_mb > limits.memory_mb:
            return "memory_mb"
        threads = sum(p.threads for p in found)
        if len(found) > limits.processes or threads > most_tasks(limits):
            return "processes"
        return ""

    def _slow_look(self, found: list[Process], now_s: float) -> str:
        """Measure what takes longer, less often: folders and files without a name."""
        if now_s < self._slow_due_s:
            return ""
        self._slow_due_s = now_s + SLOW_EVERY_S
        device = os.stat(self.folder).st_dev if self.folder else -1  # noqa: PTH116
        disk, memory = unlinked_bytes([p.pid for p in found], device)
        self._hidden_mb = memory / 2**20
        if self._hidden_mb > self.limits.memory_mb:
            return "memory_mb"
        return self.disk_exceeded(disk)

    def at_the_end(self, used: Usage) -> str:
        """Check once more with the final figures: no limit may be passed between two looks."""
        limits = self.limits
        if used.cpu_s > limits.cpu_s:
            return "cpu_s"
        if used.wall_s > limits.wall_s:
            return "wall_s"
        if used.peak_memory_mb > limits.memory_mb:
            return "memory_mb"
        return self.disk_exceeded()

    def disk_exceeded(self, more_bytes: int = 0) -> str:
        """Return ``disk_mb`` when the folder is larger than allowed, or nothing."""
        if not self.folder:
            return ""
        size = folder_bytes(self.folder)
        return "disk_mb" if size + more_bytes > self.limits.disk_mb * 2**20 else ""

    def _count_cpu(self, found: list[Process]) -> None:
        self._seen.update((p.key, p.own_s) for p in found)
        living = sum(p.own_s + p.reaped_s for p in found)
        self.cpu_s = max(self.cpu_s, living, sum(self._seen.values()))

    def _memory_mb(self, found: list[Process]) -> float:
        """Sum up memory; what is shared is taken apart only where that could matter."""
        resident = sum(p.rss_mb for p in found)
        if len(found) < 2 or resident <= self.peak_memory_mb:
            return resident
        return sum(proportional_mb(p.pid) for p in found) or resident

    def _pause_s(self, elapsed_s: float, memory_mb: float, count: int) -> float:
        """Wait longer the longer it runs, but never so long that a limit is passed by far."""
        limits, cores = self.limits, min(os.cpu_count() or 1, max(count, 1) * 4)
        pause_s = min(
            elapsed_s * 0.1,
            (limits.cpu_s - self.cpu_s) / cores,
            (limits.memory_mb - memory_mb) / MEMORY_MB_PER_S,
            LONGEST_S,
        )
        pause_s = FIRST_S if count > limits.processes / 2 else max(pause_s, FIRST_S)
        return min(pause_s, max(limits.wall_s - elapsed_s, 0.0))


def folder_bytes(folder: str) -> int:
    """Return what a folder takes up on the disk, in bytes.

    A folder with too many entries or too deep counts as endless: what it holds need not be known
    to be refused.
    """
    total, entries, waiting = 0, 0, [(folder, 0)]
    while waiting:
        path, depth = waiting.pop()
        for size, is_folder, inner in _entries(path):
            total, entries = total + size, entries + 1
            if entries > MOST_ENTRIES or depth >= MOST_DEPTH:
                return ENDLESS
            if is_folder:
                waiting.append((inner, depth + 1))
    return total


def _entries(path: str) -> list[tuple[int, bool, str]]:
    found = list[tuple[int, bool, str]]()
    try:
        with os.scandir(path) as items:
            for item in items:
                state = item.stat(follow_symlinks=False)
                found.append((state.st_blocks * 512, stat.S_ISDIR(state.st_mode), item.path))
                if len(found) > MOST_ENTRIES:
                    break
    except PermissionError:  # what cannot be looked into counts as endless
        return [(ENDLESS, False, path)]
    except OSError:  # removed meanwhile
        return found
    return found
