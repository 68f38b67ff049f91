"""Tries in a sandbox what must fail, and reports what really does.

The probe looks for the effect, not for an error: it reads a file that was made for it, connects
to a port that listens, and looks for a process that should be dead.
"""

import json
import os
import socket
import tempfile
import time
from pathlib import Path

from upward.core.canon import parse_strict
from upward.core.errors import EvidenceError, SandboxFailed
from upward.core.ports import Box, Mount, Sandbox
from upward.core.records import Isolation, Limits

ADVICE = (
    "Install bubblewrap (apt-get install bubblewrap). Where it is installed and still fails, "
    "user namespaces are switched off: on Ubuntu 24.04 allow them for bwrap with an AppArmor "
    "profile, or run `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`."
)
SCRIPT = """
import json, os, socket, subprocess, sys
asked = json.loads(sys.stdin.readline())

def fails(act):
    try:
        act()
    except Exception:
        return True
    return False

def connect(kind):
    with socket.socket(socket.AF_INET, kind) as s:
        s.settimeout(0.5)
        s.connect(("127.0.0.1", asked["port"]))
        s.send(b"x")

def sees(pid):
    with open(f"/proc/{pid}/environ", "rb") as f:
        assert asked["mark"].encode() in f.read()

def write(path):
    with open(path, "w") as f:
        f.write("x")

subprocess.Popen([sys.executable, "-c", asked["daemon"]], start_new_session=True,
                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(json.dumps({
    "hidden files cannot be read": fails(lambda: open(asked["hidden"]).read()),
    "nothing outside can be written": fails(lambda: write(asked["outside"])),
    "no network (TCP)": fails(lambda: connect(socket.SOCK_STREAM)),
    "the supervisor cannot be seen": fails(lambda: sees(asked["pid"])),
    "the environment is empty": asked["mark"] not in repr(dict(os.environ)),
    "Upward cannot be imported": fails(lambda: __import__("upward")),
}))
"""
DAEMON = "import time, pathlib\ntime.sleep(0.3)\npathlib.Path('/trial/alive').write_text('x')\n"
HOG = "b = []\nwhile True: b.append(bytearray(1 << 22))\n"
LIMITS = Limits(cpu_s=5.0, wall_s=10.0, memory_mb=512)


def probe(sandbox: Sandbox) -> Isolation:
    """Return what a sandbox holds on this machine; never raises for a sandbox that cannot start."""
    mark = "UPWARD_PROBE_MARK"
    os.environ[mark] = mark
    try:
        with tempfile.TemporaryDirectory(prefix="upward-probe-") as folder:
            holds = _try(sandbox, Path(folder), mark)
    except (SandboxFailed, EvidenceError, OSError) as error:
        return Isolation(sandbox.name, isolated=False, holds={}, advice=f"{error}. {ADVICE}")
    finally:
        os.environ.pop(mark, None)
    isolated = all(holds.values())
    return Isolation(
        sandbox.name, isolated=isolated, holds=holds, advice="" if isolated else ADVICE
    )


def _try(sandbox: Sandbox, folder: Path, mark: str) -> dict[str, bool]:
    work = folder / "work"
    work.mkdir()
    hidden = folder / "hidden.txt"
    hidden.write_text("hidden")
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked = {
            "hidden": str(hidden),
            "outside": str(folder / "outside.txt"),
            "port": server.getsockname()[1],
            "pid": os.getpid(),
            "mark": mark,
            "daemon": DAEMON,
        }
        ran = sandbox.run(_box(SCRIPT, work, json.dumps(asked).encode() + b"\n"))
    found = parse_strict(ran.stdout)
    holds = {str(name): bool(value) for name, value in found.items()}
    holds["nothing outside can be written"] &= not (folder / "outside.txt").exists()
    hog = sandbox.run(_box(HOG, work, b"", memory_mb=64))
    holds["memory is limited"] = hog.exceeded == "memory_mb"
    time.sleep(0.4)  # the daemon would have written by now
    holds["nothing outlives its trial"] = not (work / "alive").exists()
    return holds


def _box(script: str, work: Path, stdin: bytes, memory_mb: int = LIMITS.memory_mb) -> Box:
    return Box(
        argv=("python", "-c", script),
        mounts=(Mount(str(work), "/trial", writable=True),),
        cwd="/trial",
        limits=Limits(LIMITS.cpu_s, LIMITS.wall_s, memory_mb),
        stdin=stdin,
    )
