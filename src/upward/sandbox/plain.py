"""A process of its own with limits but without isolation, for machines that offer nothing better.

It holds the limits on CPU, wall time, memory, processes and disk, gives a clean environment, no
inherited descriptors and its own session. It does NOT stop: reading or writing any file of the
user, the network, seeing and signalling other processes, or a grandchild in a session of its own
that outlives the trial. Results are marked `unisolated` and never more than provisional.

Paths inside a box become paths of this machine: words of the command that begin with the place of
a mount are rewritten, and mounts below the working folder become links in it.
"""

import contextlib
import os
import shutil
from pathlib import Path

from upward.core.errors import SandboxFailed
from upward.core.ports import Box, Mount, Ran
from upward.core.records import Isolation
from upward.sandbox.probe import probe
from upward.sandbox.supervise import Launch, Supervisor
from upward.sandbox.view import environment, resolved


class PlainProcess:
    """Adapter of the port `Sandbox` that isolates nothing and says so."""

    def __init__(self, advice: str = "") -> None:
        """Begin.

        Args:
            advice: why nothing better is used here.
        """
        self._supervisor = Supervisor()
        self._advice = advice
        self._isolation: Isolation | None = None

    @property
    def name(self) -> str:
        """Name of the adapter."""
        return "plain"

    def probe(self) -> Isolation:
        """Report what holds anyway; `isolated` is always false."""
        if self._isolation is None:
            found = probe(self)
            advice = self._advice or found.advice
            self._isolation = Isolation(self.name, isolated=False, holds=found.holds, advice=advice)
        return self._isolation

    def run(self, box: Box, peer: Box | None = None) -> Ran:
        """Run to the end; see `upward.core.ports.Sandbox.run`."""
        if peer is None:
            return self._supervisor.finish(self._supervisor.run(_launch(box)))
        to_peer, to_main = os.pipe(), os.pipe()
        try:
            other = self._supervisor.run(_launch(peer, stdin=to_peer[0], stdout=to_main[1]))
            main = self._supervisor.run(_launch(box, ends=(to_main[0], to_peer[1])))
        finally:
            for descriptor in (*to_peer, *to_main):
                os.close(descriptor)
        return self._supervisor.finish(main, other)

    def stop(self) -> None:
        """End everything that runs now."""
        self._supervisor.stop()


def _launch(
    box: Box,
    *,
    stdin: int | None = None,
    stdout: int | None = None,
    ends: tuple[int, int] | None = None,
) -> Launch:
    places = {mount.inside: mount.host for mount in box.mounts}
    cwd = places.get(box.cwd)
    if cwd is None:
        raise SandboxFailed(f"no mount at {box.cwd} to work in")
    for mount in box.mounts:
        _link(mount, box.cwd, cwd)
    argv = [*_limits(box), *resolved(tuple(_rewritten(word, places) for word in box.argv))]
    names = (
        {}
        if ends is None
        else {
            "UPWARD_PEER_READ": str(ends[0]),
            "UPWARD_PEER_WRITE": str(ends[1]),
        }
    )
    return Launch(argv, box, ends or (), stdin, stdout, environment(names), cwd)


def _limits(box: Box) -> list[str]:
    found = shutil.which("prlimit")
    if found is None:
        return []  # the watchdog holds the limits alone
    seconds, size = int(box.limits.cpu_s) + 2, box.limits.disk_mb * 2**20
    return [found, f"--cpu={seconds}:{seconds + 1}", f"--fsize={size}", "--core=0"]


def _link(mount: Mount, inside: str, cwd: str) -> None:
    if not mount.inside.startswith(f"{inside}/"):
        return
    link = Path(cwd) / mount.inside.removeprefix(f"{inside}/")
    with contextlib.suppress(FileNotFoundError, IsADirectoryError):
        link.unlink()
    with contextlib.suppress(OSError):
        link.rmdir()
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(mount.host)


def _rewritten(word: str, places: dict[str, str]) -> str:
    for inside, host in places.items():
        if word == inside or word.startswith(f"{inside}/"):
            return host + word.removeprefix(inside)
    return word
