"""The sandbox for Linux with bubblewrap: namespaces, an allow-list of files, limits from outside.

What it stops: reading any file of this machine but the interpreter, the system's libraries and
what the box mounts; writing anything but the box's writable folders; any network; seeing,
signalling or outliving other processes; inherited descriptors and variables; new privileges; more
CPU time, wall time, memory, disk or processes than the box allows.

What it does not stop:

- an attack on the kernel itself: system calls are not filtered;
- reading figures of the whole machine that ``/proc`` shows to everyone (load, uptime, CPU type),
  and the host paths of its own mounts;
- when Upward is killed (-9) in the few milliseconds in which bubblewrap starts: the command never
  begins, but a waiting bubblewrap stays until Upward is used again;
- timing channels between trials that share a core or a cache;
- CPU time of processes that live for less than one look of the watchdog and whose parent refuses
  to wait for them;
- memory beyond its limit between two looks of the watchdog, and files in its ``/tmp`` and
  ``/dev/shm``, which are bounded separately (``disk_mb`` and a quarter of ``memory_mb``);
- as root where no control group can be made, a burst of processes between two looks;
- accelerators: no device of the machine is visible;
- files that a user keeps inside the interpreter's own folders or those of ``/usr`` that programs
  need: all of these are visible;
- copies of hidden modules in archives or under other names.
"""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from upward.core.ports import Box, Mount, Ran
from upward.core.records import Isolation
from upward.core.task import Limits
from upward.sandbox import cage, interpreter
from upward.sandbox.launch import Launch
from upward.sandbox.limits import limited, limited_inside, most_tasks, program
from upward.sandbox.probe import probe
from upward.sandbox.strays import MARK, new_mark
from upward.sandbox.supervise import READ, WRITE, Supervisor

HERE = Path(__file__).resolve().parent
ETC = ("ld.so.cache", "alternatives")
TOP = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


class Bubblewrap:
    """Adapter of the port `Sandbox` for Linux with user namespaces.

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
        """Run to the end; see `upward.core.ports.Sandbox.run`.

        Raises:
            SandboxFailed: the command could not be started at all.
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
    ends = ends or {}
    status, status_end = os.pipe()
    words = [*_arguments(box, ends), "--json-status-fd", str(status_end)]
    arguments = _memory_file("\0".join([*words, ""]).encode())
    command = ("--", *limited_inside(box.limits), *interpreter.resolved(box.argv))
    mark, home = new_mark(), cage.build(most_tasks(box.limits))
    return Launch(
        argv=(*limited(box.limits, home), program("bwrap"), "--args", str(arguments), *command),
        env={MARK: mark},  # what bubblewrap itself is given can be read inside
        stdin=stdin,
        stdout=stdout,
        limits=box.limits,
        watch=box.watch,
        descriptors=(arguments, *ends.values()),
        status=status,
        status_end=status_end,
        cage=home,
        mark=mark,
    )


def _memory_file(data: bytes) -> int:
    handle = os.memfd_create("arguments", os.MFD_CLOEXEC)
    os.write(handle, data)
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


def _arguments(box: Box, ends: dict[str, int]) -> Iterator[str]:
    yield from _namespaces()
    yield from _devices(box.limits)
    mounts = sorted(box.mounts, key=lambda mount: mount.inside.count("/"))
    # an interpreter that is installed below a mount is mounted into it, or it would be covered
    early = [mount for mount in mounts if interpreter.lies_below(mount.inside)]
    for mount in early:
        yield from _mount(mount)
    yield from _system()
    for name in box.hide:
        yield from _mask(*interpreter.hidden_paths(name))
    yield from _mask(*interpreter.own_paths())
    for mount in mounts:
        if mount not in early:
            yield from _mount(mount)
    yield from ("--remount-ro", "/", "--chdir", box.cwd, "--clearenv")
    variables = interpreter.environment() | {name: str(end) for name, end in ends.items()}
    for name, value in variables.items():
        yield from ("--setenv", name, value)


def _namespaces() -> Iterator[str]:
    yield from ("--unshare-all", "--unshare-user", "--disable-userns", "--cap-drop", "ALL")
    yield from ("--die-with-parent", "--new-session")
    yield from ("--uid", "1000", "--gid", "1000", "--hostname", "box")


@cache
def _system() -> tuple[str, ...]:
    words = list[str]()
    for path in interpreter.roots():
        words += ["--ro-bind", path, path]
    for path, within in interpreter.not_shown().items():
        words += _not_shown(path, within)
    for link, file in interpreter.links():
        words += ["--ro-bind", file, link]
    for name in TOP:
        words += _top(Path("/", name))
    for name in ETC:
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    words += ["--ro-bind", str(HERE / "passwd.txt"), "/etc/passwd"]
    return (*words, "--ro-bind", str(HERE / "group.txt"), "/etc/group")


def _not_shown(path: str, within: tuple[str, ...]) -> list[str]:
    if not within:
        return ["--ro-bind", str(HERE / "nothing"), path]
    words = ["--tmpfs", path]
    for inner in within:
        words += ["--ro-bind", inner, inner]
    return [*words, "--remount-ro", path]


def _top(path: Path) -> list[str]:
    if path.is_symlink():
        return ["--symlink", str(path.readlink()), str(path)]
    return ["--ro-bind", str(path), str(path)] if path.is_dir() else []


def _devices(limits: Limits) -> Iterator[str]:
    shared = max(limits.memory_mb // 4, 1) * 2**20
    yield from ("--proc", "/proc", "--dev", "/dev")
    yield from ("--perms", "1777", "--size", str(shared), "--tmpfs", "/dev/shm")  # noqa: S108
    yield from ("--remount-ro", "/dev")
    yield from ("--perms", "1777", "--size", str(limits.disk_mb * 2**20), "--tmpfs", "/tmp")  # noqa: S108


def _mask(folders: tuple[str, ...], files: tuple[str, ...]) -> Iterator[str]:
    """Cover a package with one that says it does not exist, and a module with nothing."""
    for folder in folders:
        yield from ("--ro-bind", str(HERE / "nothing"), folder)
    for file in files:
        yield from ("--ro-bind", "/dev/null", file)


def _mount(mount: Mount) -> tuple[str, str, str]:
    return ("--bind" if mount.writable else "--ro-bind", mount.host, mount.inside)
