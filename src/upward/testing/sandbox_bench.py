"""A sandbox with a folder to work in: what the tests of an adapter have in common."""

import fcntl
import textwrap
from dataclasses import dataclass
from pathlib import Path

from upward.core.ports import Box, Mount, Ran, Sandbox
from upward.core.task import Limits

WORK = "/trial"
LIMITS = Limits(cpu_s=10.0, wall_s=30.0, memory_mb=512, disk_mb=16, processes=16)
VARIABLES = frozenset(
    {"PATH", "HOME", "LANG", "TZ", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED"}
    | {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
)
# a process that stays, in a session of its own, and holds a lock for as long as it lives
STAY = """
import fcntl, os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        lock = open("lock", "w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        for n in (0, 1, 2):
            os.close(n)
        open("held", "w").close()
        time.sleep(60)
    os._exit(0)
while not os.path.exists("held"):
    time.sleep(0.005)
"""


@dataclass(frozen=True, slots=True)
class Bench:
    """A sandbox and a folder to work in.

    Args:
        sandbox: the adapter.
        work: folder on this machine, mounted writable at the working folder.
    """

    sandbox: Sandbox
    work: Path

    def box(self, script: str, limits: Limits = LIMITS, stdin: bytes = b"") -> Box:
        """A Python script in the working folder."""
        mounts = (Mount(str(self.work), WORK, writable=True),)
        argv = ("python", "-c", textwrap.dedent(script))
        return Box(argv, mounts, WORK, limits, stdin, watch=str(self.work))

    def run(self, script: str, limits: Limits = LIMITS, stdin: bytes = b"") -> Ran:
        """Run a Python script."""
        return self.sandbox.run(self.box(script, limits, stdin))

    def with_peer(self, script: str, peer: str, limits: Limits = LIMITS) -> Ran:
        """Run a script that begins with both ends of the channel open, and another beside it."""
        opened = 'import os, sys\nread = open(int(os.environ["UPWARD_PEER_READ"]), "rb")\n'
        opened += 'write = open(int(os.environ["UPWARD_PEER_WRITE"]), "wb", 0)\n'
        return self.sandbox.run(self.box(opened + textwrap.dedent(script)), self.box(peer, limits))

    def is_free(self) -> bool:
        """Whether nobody holds the lock of `STAY`."""
        with (self.work / "lock").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True
