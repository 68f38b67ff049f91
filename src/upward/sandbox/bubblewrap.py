"""The sandbox of choice: bubblewrap, with an allow-list of reads and everything else absent.

What it stops: reading or writing any file that is not mounted, the network, other processes and
their memory, inherited descriptors and environment, outliving the trial, exceeding a limit for
longer than one look of the watchdog (0.1 s).

What it does not stop: timing side channels through shared caches; a kernel exploit; more memory
than allowed for up to one look; reading the machine's hardware through ``/proc/cpuinfo`` and
``/sys`` is impossible only for ``/sys``; a candidate that keeps its processor busy for all of its
budget.
"""

import os
import shutil
from functools import lru_cache
from pathlib import Path

from upward.core.errors import SandboxFailed
from upward.core.ports import Box, Ran
from upward.core.records import Isolation
from upward.sandbox.probe import probe
from upward.sandbox.supervise import Launch, Supervisor
from upward.sandbox.view import ETC, LINKS, environment, hidden, resolved, roots

NOBODY = "1000"
TMP_BYTES = 256 * 2**20
OPEN_FILES = 1024


class Bubblewrap:
    """Adapter of the port `Sandbox` on the program ``bwrap``.

    Args:
        isolation: what an earlier probe of this machine found; otherwise it is tried when asked.
    """

    def __init__(self, isolation: Isolation | None = None) -> None:
        self._supervisor = Supervisor()
        self._isolation = isolation

    @property
    def name(self) -> str:
        """Name of the adapter."""
        return "bubblewrap"

    def probe(self) -> Isolation:
        """Try what must fail; the answer is kept, because a machine does not change meanwhile."""
        if self._isolation is None:
            self._isolation = probe(self)
        return self._isolation

    def run(self, box: Box, peer: Box | None = None) -> Ran:
        """Run to the end; see `upward.core.ports.Sandbox.run`."""
        if peer is None:
            return self._supervisor.finish(self._supervisor.run(Launch(_argv(box, {}), box)))
        to_peer, to_main = os.pipe(), os.pipe()
        try:
            other = self._supervisor.run(
                Launch(_argv(peer, {}), peer, stdin=to_peer[0], stdout=to_main[1])
            )
            ends = (to_main[0], to_peer[1])
            names = {"UPWARD_PEER_READ": str(ends[0]), "UPWARD_PEER_WRITE": str(ends[1])}
            main = self._supervisor.run(Launch(_argv(box, names), box, pass_fds=ends))
        finally:
            for descriptor in (*to_peer, *to_main):
                os.close(descriptor)
        return self._supervisor.finish(main, other)

    def stop(self) -> None:
        """End everything that runs now."""
        self._supervisor.stop()


def _argv(box: Box, names: dict[str, str]) -> list[str]:
    limits = box.limits
    argv = [
        *_limits(int(limits.cpu_s) + 2, limits.disk_mb * 2**20),
        *_base(),
        *_masked(box.hide),
    ]
    for mount in box.mounts:
        argv += ["--bind" if mount.writable else "--ro-bind", mount.host, mount.inside]
    for name, value in environment(names).items():
        argv += ["--setenv", name, value]
    return [*argv, "--chdir", box.cwd, "--", *resolved(box.argv)]


def _limits(cpu_s: int, file_bytes: int) -> list[str]:
    """A backstop by the kernel, one process at a time; the watchdog holds the tree."""
    return [
        _program("prlimit"),
        f"--cpu={cpu_s}:{cpu_s + 1}",
        f"--fsize={file_bytes}",
        f"--nofile={OPEN_FILES}",
        "--core=0",
    ]


@lru_cache(maxsize=8)
def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SandboxFailed(f"{name} is not installed")
    return found


@lru_cache(maxsize=1)
def _base() -> tuple[str, ...]:
    argv = [
        _program("bwrap"),
        "--unshare-all",
        "--unshare-user",
        # no init of bubblewrap's own: then the command itself is waited for, and its usage is exact
        "--as-pid-1",
        "--die-with-parent",
        "--new-session",
        "--clearenv",
        "--cap-drop",
        "ALL",
        "--uid",
        NOBODY,
        "--gid",
        NOBODY,
        "--hostname",
        "upward",
    ]
    # first: an interpreter may lie below /tmp, and what comes later lies on top
    argv += ["--proc", "/proc", "--dev", "/dev", "--size", str(TMP_BYTES), "--tmpfs", "/tmp"]  # noqa: S108
    for root in roots():
        argv += ["--ro-bind", root, root]
    for link in LINKS:
        if Path(link).is_symlink():
            argv += ["--symlink", str(Path(link).readlink()), link]
        elif Path(link).is_dir():
            argv += ["--ro-bind", link, link]
    for name in ETC:
        argv += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return tuple(argv)


@lru_cache(maxsize=8)
def _masked(hide: tuple[str, ...]) -> tuple[str, ...]:
    argv = list[str]()
    for path, is_folder in hidden(hide):
        argv += ["--tmpfs", path, "--remount-ro", path] if is_folder else []
        argv += [] if is_folder else ["--ro-bind", "/dev/null", path]
    return tuple(argv)
