"""Tries in a sandbox what must fail, and reports what really does.

The probe looks for the effect, not for an error: it reads a file that was made for it, listens
for what should not arrive, and asks for a lock that a process should no longer hold.
"""

import contextlib
import fcntl
import json
import os
import socket
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

from upward.core.canon import parse_strict
from upward.core.errors import EvidenceError, SandboxFailed
from upward.core.ports import Box, Mount, Sandbox
from upward.core.records import Isolation
from upward.core.task import Limits
from upward.sandbox.interpreter import VARIABLES, is_visible, lies_below
from upward.sandbox.processes import look

ADVICE = (
    "Install bubblewrap (apt-get install bubblewrap). Where it is installed and still fails, "
    "user namespaces are switched off: on Ubuntu 24.04 allow them for bwrap with an AppArmor "
    "profile, or run `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`; in a container, "
    "start it with the permission to make them."
)
INSIDE = "/probe"
LOCK = "lock"
LIMITS = Limits(cpu_s=5.0, wall_s=10.0, memory_mb=512)
HERE = Path(__file__).resolve().parent
# what a probe of a sandbox adds to the environment without being asked for it
HARMLESS = ("PATH", "PWD", "UPWARD_BOX", "LC_CTYPE", *VARIABLES)


def probe(sandbox: Sandbox) -> Isolation:
    """Return what a sandbox holds on this machine; never raises for one that cannot start.

    Cost: about half a second.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="upward-probe-") as folder:
            holds = _try(sandbox, Path(folder))
    except (SandboxFailed, EvidenceError, OSError) as error:
        return Isolation(sandbox.name, isolated=False, holds={}, advice=f"{error}. {ADVICE}")
    isolated = all(holds.values())
    advice = "" if isolated else ADVICE
    return Isolation(sandbox.name, isolated=isolated, holds=holds, advice=advice)


def _try(sandbox: Sandbox, folder: Path) -> dict[str, bool]:
    work = folder / "work"
    work.mkdir()
    secret, outside = folder / "secret.txt", folder / "outside.txt"
    secret.write_text("secret", encoding="ascii")
    process = look(os.getpid())
    with _listening() as (stream, datagrams):
        asked = {
            "secret": str(secret),
            "outside": str(outside),
            "private": _private(),
            "tcp": stream.getsockname()[1],
            "udp": datagrams.getsockname()[1],
            "supervisor": process.key if process else (0, 0),
            "variables": HARMLESS,
            "lock": LOCK,
        }
        script = (HERE / "probing.txt").read_text(encoding="ascii")
        found = _told(sandbox.run(_box(script, work, asked)))
        arrived = (_arrives(stream.accept), _arrives(lambda: datagrams.recv(1)))
    holds = {
        "files of this machine cannot be read": not found["read"],
        "nothing outside can be written": not (found["wrote"] or outside.exists()),
        "no network": not any(arrived),
        "other processes cannot be seen": not found["seen"],
        "the environment is clean": not found["variables"],
        "Upward itself is absent": not found["upward"],
        "nothing outlives its run": not _is_locked(work / LOCK),
    }
    return holds | _try_limits(sandbox, work)


def _try_limits(sandbox: Sandbox, work: Path) -> dict[str, bool]:
    hog = "b = []\nwhile True: b.append(bytearray(1 << 22))\n"
    crowd = "import os, time\nfor _ in range(60): os.fork() or time.sleep(20)\ntime.sleep(20)\n"
    small = Limits(cpu_s=5.0, wall_s=10.0, memory_mb=64, processes=8)
    return {
        "memory is limited": sandbox.run(_box(hog, work, {}, small)).exceeded == "memory_mb",
        "processes are limited": sandbox.run(_box(crowd, work, {}, small)).exceeded == "processes",
    }


def _box(script: str, work: Path, asked: dict[str, Any], limits: Limits = LIMITS) -> Box:
    mounts = (Mount(str(work), INSIDE, writable=True),)
    return Box(("python", "-c", script), mounts, INSIDE, limits, json.dumps(asked).encode())


def _told(ran: Any) -> dict[str, Any]:
    if ran.exit_code != 0:
        raise SandboxFailed("the probe did not come back", ran.stderr.decode("utf-8", "replace"))
    return parse_strict(ran.stdout)


@contextlib.contextmanager
def _listening() -> Generator[tuple[socket.socket, socket.socket]]:
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with datagrams, socket.create_server(("127.0.0.1", 0)) as stream:
        datagrams.bind(("127.0.0.1", 0))
        for listener in (stream, datagrams):
            listener.settimeout(0)
        yield stream, datagrams


def _arrives(receive: Any) -> bool:
    try:
        received = receive()
    except BlockingIOError:
        return False
    if isinstance(received, tuple):
        received[0].close()
    return True


def _private() -> list[str]:
    """Return what lies in the user's home and is no part of the interpreter."""
    home = Path.home()
    with contextlib.suppress(OSError):
        paths = [str(path) for path in home.iterdir()]
        return [path for path in paths if not is_visible(path) and not lies_below(path)][:200]
    return []


def _is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
