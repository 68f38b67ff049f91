"""A control group that bounds how many processes a sandbox can have at once, held by the kernel.

For root, whose processes the kernel counts nowhere else. An ordinary user needs none of this: see
`upward.sandbox.limits.limited_inside`.
"""

import contextlib
import itertools
import os
from functools import cache
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
CONTROLLER = "pids"
NAME = "upward"

_count = itertools.count()


def build(tasks: int) -> Path | None:
    """Make a control group for at most so many processes and threads, or None where it cannot be.

    Cost: about 0.1 ms.
    """
    base = _base()
    if base is None:
        return None
    cage = base / f"{NAME}-{os.getpid()}-{next(_count)}"
    try:
        cage.mkdir()
        (cage / "pids.max").write_text(str(tasks), encoding="ascii")
    except OSError:
        remove(cage)
        return None
    return cage


def remove(cage: Path | None) -> None:
    """Remove a control group in which nothing lives any more."""
    if cage is not None:
        with contextlib.suppress(OSError):
            cage.rmdir()


@cache
def _base() -> Path | None:
    """Find a control group in which others can be made, and clear what killed processes left."""
    for base in _possible():
        trial = base / f"{NAME}-{os.getpid()}-trial"
        try:
            trial.mkdir()
        except OSError:
            continue
        works = (trial / "pids.max").exists() and (trial / "cgroup.procs").exists()
        trial.rmdir()
        if works:
            _clear(base)
            return base
    return None


def _clear(base: Path) -> None:
    for left in base.glob(f"{NAME}-*"):
        maker = left.name.split("-")[1]
        if maker.isdigit() and not Path("/proc", maker).exists():
            remove(left)


def _possible() -> list[Path]:
    """Our own groups and those above: in version 2, only a group without processes has children."""
    if os.geteuid() != 0:
        return []
    found = list[Path]()
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if CONTROLLER in controllers.split(","):
            found.append(MOUNT / CONTROLLER / path.lstrip("/"))
        elif not controllers:
            own = MOUNT / path.lstrip("/")
            found += [folder for folder in (own, *own.parents) if folder.is_relative_to(MOUNT)]
    return found
