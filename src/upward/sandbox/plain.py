"""A process with limits but without isolation, for machines that offer nothing better.

It holds the limits on CPU time, wall time, memory, disk and processes, gives a clean environment
and no inherited descriptors, and ends what it started. Its results are marked `unisolated` and
are never more than provisional.

What it does not stop: reading or writing any file of the user, also those that should be
read-only or hidden; the network; seeing and signalling other processes; a process that clears its
environment, detaches itself and so outlives its trial; anything when Upward itself is killed.

How a box is realised: mounts are not possible, so the command works in the folder of this machine
that would have been mounted at the working folder. What would have been mounted below that is
linked (a folder) or copied (a file) into it, and words of the command that begin with the inside
path of a mount are rewritten. A program that spells such a path in its own code does not find it.
"""

import contextlib
import os
import shutil
from pathlib import Path

from upward.core.errors import SandboxFailed
from upward.core.ports import Box, Mount, Ran
from upward.core.records import Isolation
from upward.sandbox import cage, interpreter
from upward.sandbox.launch import Launch
from upward.sandbox.limits import limited, most_tasks
from upward.sandbox.probe import probe
from upward.sandbox.strays import MARK, new_mark
from upward.sandbox.supervise import READ, WRITE, Supervisor


class PlainProcess:
    """Adapter of the port `Sandbox` that isolates nothing and says so.

    Args:
        advice: why nothing better is used here, and what to do.
    """

    def __init__(self, advice: str = "") -> None:
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
        """Run to the end; see `upward.core.ports.Sandbox.run`.

        Raises:
            SandboxFailed: the command could not be started, or its working folder is no mount.
        """
        if peer is None:
            return self._supervisor.run(_launch(box, box.stdin))
        to_peer, to_main = os.pipe(), os.pipe()
        ends = {READ: to_main[0], WRITE: to_peer[1]}
        main = _launch(box, box.stdin, ends=ends)
        return self._supervisor.run(main, _launch(peer, to_peer[0], stdout=to_main[1]))

    def stop(self) -> None:
        """End everything that runs now, from any thread."""
        self._supervisor.stop()


def _launch(
    box: Box, stdin: bytes | int, *, stdout: int | None = None, ends: dict[str, int] | None = None
) -> Launch:
    places = {mount.inside: mount.host for mount in box.mounts}
    cwd = places.get(box.cwd)
    if cwd is None:
        raise SandboxFailed(f"without isolation, a box can only work in a mount, not in {box.cwd}")
    for mount in sorted(box.mounts, key=lambda mount: mount.inside):
        if mount.inside.startswith(f"{box.cwd}/"):
            _place(mount, Path(cwd, mount.inside.removeprefix(f"{box.cwd}/")))
    mark, home = new_mark(), cage.build(most_tasks(box.limits))
    command = interpreter.resolved([_rewritten(word, places) for word in box.argv])
    variables = interpreter.environment() | {MARK: mark}
    return Launch(
        argv=(*limited(box.limits, home), *command),
        env=variables | {name: str(end) for name, end in (ends or {}).items()},
        stdin=stdin,
        stdout=stdout,
        limits=box.limits,
        watch=box.watch,
        cwd=cwd,
        descriptors=tuple((ends or {}).values()),
        cage=home,
        mark=mark,
    )


def _place(mount: Mount, target: Path) -> None:
    """Put what would have been mounted where it would have been.

    A file is copied: Python looks for the modules beside a script where its link leads to.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        target.rmdir() if target.is_dir() and not target.is_symlink() else target.unlink()
    if Path(mount.host).is_dir():
        target.symlink_to(mount.host)
    else:
        shutil.copyfile(mount.host, target)


def _rewritten(word: str, places: dict[str, str]) -> str:
    for inside in sorted(places, key=len, reverse=True):
        if word == inside or word.startswith(f"{inside}/"):
            return places[inside] + word.removeprefix(inside)
    return word
