"""The isolating sandbox: the contract, and everything that a candidate must not reach."""

import hashlib
import os
import pydoc_data.topics
import signal
import subprocess
import sys
import textwrap
import time
from ast import literal_eval
from pathlib import Path

import pytest

from upward.core.ports import Box, Mount
from upward.core.task import Limits
from upward.sandbox import interpreter
from upward.sandbox.bubblewrap import Bubblewrap
from upward.sandbox.choose import best_sandbox
from upward.sandbox.strays import MARK, end_left_behind
from upward.testing.sandbox_bench import LIMITS, STAY, WORK, Bench
from upward.testing.sandbox_contract import SandboxContract

TRIES = (
    "def tries(act):\n    try:\n        return act()\n    except OSError:\n        return None\n"
)


class TestBubblewrap(SandboxContract):
    def make(self) -> Bubblewrap:
        return Bubblewrap()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    work = tmp_path / "work"
    work.mkdir()
    return Bench(Bubblewrap(), work)


def test_everything_that_must_hold_here_does() -> None:
    began_s = time.monotonic()
    found = Bubblewrap().probe()
    assert found.isolated, found
    assert all(found.holds.values())
    assert len(found.holds) == 9
    assert time.monotonic() - began_s < 5.0
    assert best_sandbox().name == "bubblewrap"


# -- files ---------------------------------------------------------------------------------


def test_only_what_is_allowed_can_be_seen(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    ran = bench.run(f"""
        import os
        print(sorted(os.listdir("/")), os.path.lexists({str(tmp_path / "secret.txt")!r}))
        print(sorted(os.listdir("/etc")), open("/etc/passwd").read())
    """)
    top, etc = ran.stdout.decode().splitlines()[:2]
    assert not {"home", "var", "sys", "run", "opt", "srv", "mnt", "boot"} & set(
        literal_eval(top[:-6])
    )
    assert top.endswith("False")
    assert etc.startswith("['alternatives', 'group', 'ld.so.cache', 'passwd'] user:x:1000")


def test_nothing_but_the_writable_mount_can_be_written(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "fixed").mkdir()
    (tmp_path / "fixed" / "a.txt").write_text("fixed")
    script = f"""
        import os
        places = ["/x", "/usr/x", "/etc/x", "/dev/x", "/proc/x", "{WORK}/fixed/x",
                  "{WORK}/fixed/a.txt", {sys.prefix!r} + "/x", "/bin/x", "/etc/passwd"]
        for place in places:
            try:
                open(place, "w")
                print(place)
            except OSError:
                pass
        for place in ("{WORK}/fixed/a.txt", "{WORK}/fixed"):
            try:
                os.rename(place, "{WORK}/moved")
                print(place)
            except OSError:
                pass
    """
    mounts = (*bench.box("").mounts, Mount(str(tmp_path / "fixed"), f"{WORK}/fixed"))
    box = bench.box(script)
    ran = bench.sandbox.run(Box(box.argv, mounts, WORK, LIMITS))
    assert (ran.stdout, ran.exit_code) == (b"", 0)
    assert (tmp_path / "fixed" / "a.txt").read_text() == "fixed"


def test_the_folders_in_memory_are_small(bench: Bench) -> None:
    ran = bench.run(
        TRIES
        + """
for folder in ("/tmp", "/dev/shm"):
    with open(folder + "/x", "wb", 0) as f:
        while tries(lambda: f.write(bytes(2**20))):
            pass
        print(f.tell() // 2**20)
""",
        Limits(10.0, 30.0, memory_mb=16, disk_mb=8),
    )
    assert [int(n) for n in ran.stdout.split()] == [8, 4]


def test_an_interpreter_below_the_working_folder_still_runs(tmp_path: Path) -> None:
    inside = str(Path(sys.prefix).parent)
    mounts = (Mount(str(tmp_path), inside, writable=True),)
    ran = Bubblewrap().run(Box(("python", "-c", "import numpy"), mounts, inside, LIMITS))
    assert (ran.exit_code, ran.stderr) == (0, b"")


# -- hidden packages -----------------------------------------------------------------------


@pytest.mark.slow
def test_a_hidden_package_cannot_be_imported(bench: Bench) -> None:
    box = bench.box("import pydoc_data.topics")
    ran = bench.sandbox.run(Box(box.argv, box.mounts, WORK, LIMITS, hide=("pydoc_data",)))
    assert ran.exit_code == 1
    assert b"ModuleNotFoundError" in ran.stderr


@pytest.mark.slow
def test_a_hidden_module_cannot_be_imported(bench: Bench) -> None:
    box = bench.box("import this")
    assert bench.sandbox.run(box).exit_code == 0
    ran = bench.sandbox.run(Box(box.argv, box.mounts, WORK, LIMITS, hide=("this",)))
    assert ran.exit_code == 1
    assert b"ModuleNotFoundError" in ran.stderr


@pytest.mark.slow
def test_a_hidden_package_can_be_read_nowhere_whichever_python_it_belongs_to(
    bench: Bench,
) -> None:
    text = Path(pydoc_data.topics.__file__).read_bytes()
    box = bench.box(f"""
        import hashlib, os
        for root in {interpreter.roots()!r}:
            for folder, _, names in os.walk(root):
                if folder.endswith("pydoc_data"):
                    print(*names)
                for name in names:
                    if name == "topics.py":
                        with open(os.path.join(folder, name), "rb") as f:
                            print(hashlib.sha256(f.read()).hexdigest())
    """)
    ran = bench.sandbox.run(Box(box.argv, box.mounts, WORK, LIMITS, hide=("pydoc_data",)))
    lines = ran.stdout.decode().splitlines()
    assert (ran.exit_code, ran.stderr) == (0, b"")
    assert lines.count("__init__.py") == len(interpreter.hidden_paths("pydoc_data")[0]) > 0
    assert hashlib.sha256(text).hexdigest() not in lines


def test_upward_itself_is_absent(bench: Bench) -> None:
    ran = bench.run(f"""
        import importlib.metadata, os, sys
        print(os.path.lexists({str(Path(interpreter.__file__))!r}))
        try:
            print(importlib.metadata.version("upward"))
        except Exception as error:
            print(type(error).__name__)
        try:
            import upward
        except ModuleNotFoundError:
            print("absent")
    """)
    found = ran.stdout.decode().splitlines()
    assert found[0] == "False"
    assert found[1] in ("PackageNotFoundError", "None", "KeyError", "AttributeError")
    assert found[2] == "absent"


# -- other processes, the network, privileges ------------------------------------------------


def test_the_first_process_tells_nothing_about_us(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "of-ours")
    ran = bench.run("""
        import os
        print(sorted(int(n) for n in os.listdir("/proc") if n.isdigit()))
        for n in (1, os.getppid()):
            print(open(f"/proc/{n}/environ", "rb").read(), open(f"/proc/{n}/cmdline", "rb").read())
    """)
    assert ran.exit_code == 0
    assert len(ran.stdout.splitlines()[0].split()) <= 3
    assert b"of-ours" not in ran.stdout
    assert str(bench.work).encode() not in ran.stdout


def test_there_is_no_network_and_no_privilege(bench: Bench) -> None:
    ran = bench.run("""
        import ctypes, os, socket
        print([name for _, name in socket.if_nameindex()])
        status = open("/proc/self/status").read()
        print({line.split()[1] for line in status.splitlines() if line.startswith("Cap")})
        print("NoNewPrivs:\\t1" in status)
        print(ctypes.CDLL(None, use_errno=True).unshare(0x10000000))
        print(os.uname().nodename)
    """)
    assert ran.stdout.decode().splitlines() == [
        "['lo']",
        "{'0000000000000000'}",
        "True",
        "-1",
        "box",
    ]


def test_a_process_that_hides_in_every_way_still_ends(bench: Bench) -> None:
    hides = STAY.replace("os.setsid()", "os.setsid(); import ctypes; ctypes.CDLL(None).prctl(1, 0)")
    assert bench.run("import os\nos.environ.clear()\n" + hides).exit_code == 0
    assert bench.is_free()


def test_a_first_process_that_is_attacked_still_ends(bench: Bench) -> None:
    ran = bench.run(
        """
        import os, signal, time
        for sign in set(signal.Signals) - {signal.SIGKILL}:
            try:
                os.kill(1, sign)
            except OSError:
                pass
        """
        + STAY.replace("\n", "\n        ")
        + "time.sleep(60)",
        Limits(10.0, wall_s=1.0),
    )
    assert ran.exit_code < 0
    assert bench.is_free()


def test_a_killed_upward_leaves_nothing_running(bench: Bench) -> None:
    until_s = time.monotonic() + 20.0
    kill_while_it_runs(bench, "upward.sandbox.bubblewrap", "Bubblewrap")
    while not bench.is_free():
        assert time.monotonic() < until_s, "it outlived us"
        time.sleep(0.01)


def test_a_start_that_nobody_watches_never_reaches_the_command(bench: Bench) -> None:
    """Upward may be killed while bubblewrap starts, before its processes are bound to each other.

    Then one of them waits for the other forever; the next use of Upward ends it.
    """
    read, write = os.pipe()
    os.close(read)
    dead = f"{Path('/proc/self/ns/pid').stat().st_ino}-{2**30}-1-dead"
    process = subprocess.Popen(
        [
            *("bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/"),
            *("--bind", str(bench.work), f"{WORK}", "--json-status-fd", str(write)),
            *("--", "touch", f"{WORK}/began"),
        ],
        env={"PATH": os.environ["PATH"], MARK: dead},
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    assert process.wait() != 0
    assert not (bench.work / "began").exists()
    end_left_behind()
    until_s = time.monotonic() + 20.0
    while end_left_behind():
        assert time.monotonic() < until_s


def test_what_a_killed_upward_left_without_isolation_is_ended_by_the_next(bench: Bench) -> None:
    kill_while_it_runs(bench, "upward.sandbox.plain", "PlainProcess")
    assert not bench.is_free()
    assert end_left_behind()
    until_s = time.monotonic() + 20.0
    while not bench.is_free():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def kill_while_it_runs(bench: Bench, module: str, adapter: str) -> None:
    """Run a box that holds its lock in a process of its own, and kill that process."""
    code = f"""
        from upward.core.ports import Box, Mount
        from upward.core.task import Limits
        from {module} import {adapter}
        script = {STAY + "time.sleep(60)"!r}
        mounts = (Mount({str(bench.work)!r}, "{WORK}", writable=True),)
        {adapter}().run(Box(("python", "-c", script), mounts, "{WORK}", Limits(60, 60)))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": str(Path(interpreter.__file__).parents[2])},
    )
    until_s = time.monotonic() + 20.0
    while not (bench.work / "held").exists():
        assert process.poll() is None
        assert time.monotonic() < until_s
        time.sleep(0.01)
    assert not bench.is_free()
    process.send_signal(signal.SIGKILL)
    process.wait()
