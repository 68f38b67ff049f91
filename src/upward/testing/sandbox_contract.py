"""What every adapter of the port `Sandbox` promises, as a test suite.

Inherit from the suite in a test module, say how to make the adapter, and pytest runs all of it::

    class TestMySandbox(SandboxContract):
        def make(self) -> Sandbox:
            return MySandbox()

Isolation is not part of it: what an adapter stops beyond this is told by its probe.
"""

# ruff: noqa: S101  (a contract is made of assertions; it never runs outside of tests)

import abc
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from upward.core.errors import SandboxFailed
from upward.core.ports import Box, Mount, Ran, Sandbox
from upward.core.task import Limits
from upward.testing.sandbox_bench import LIMITS, STAY, VARIABLES, WORK, Bench


class SandboxContract(abc.ABC):
    """The promises of a sandbox."""

    @abc.abstractmethod
    def make(self) -> Sandbox:
        """Make a new adapter."""

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        """A new adapter and an empty folder."""
        work = tmp_path / "work"
        work.mkdir()
        return Bench(self.make(), work)

    # -- commands --------------------------------------------------------------------------

    def test_the_exit_code_comes_back(self, bench: Bench) -> None:
        """Zero and others alike."""
        assert bench.run("pass").exit_code == 0
        assert bench.run("raise SystemExit(7)").exit_code == 7

    def test_a_signal_is_a_negative_exit_code(self, bench: Bench) -> None:
        """A crash differs from any code that a program can choose."""
        assert bench.run("import os; os.kill(os.getpid(), 11)").exit_code == -11

    def test_a_command_that_does_not_exist_never_looks_like_a_success(self, bench: Bench) -> None:
        """It is an error, or an exit code that is not zero."""
        box = Box(("/no/such/program",), bench.box("").mounts, WORK, LIMITS)
        with suppress(SandboxFailed):
            assert bench.sandbox.run(box).exit_code != 0

    def test_it_reads_its_whole_input_and_then_the_end(self, bench: Bench) -> None:
        """More than fits into a pipe."""
        ran = bench.run("import sys; print(len(sys.stdin.buffer.read()))", stdin=b"x" * 300_000)
        assert ran.stdout == b"300000\n"

    def test_it_works_in_its_folder_and_what_it_writes_stays(self, bench: Bench) -> None:
        """The writable mount is the folder of this machine."""
        (bench.work / "in.txt").write_text("seen")
        assert bench.run("open('out.txt', 'w').write(open('in.txt').read())").exit_code == 0
        assert (bench.work / "out.txt").read_text() == "seen"

    def test_a_folder_and_a_file_are_mounted_below_the_working_folder(
        self, bench: Bench, tmp_path: Path
    ) -> None:
        """Scripts there find the modules beside them."""
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "a.txt").write_text("data")
        (tmp_path / "main.py").write_text("import mine; print(mine.X, open('data/a.txt').read())")
        (bench.work / "mine.py").write_text("X = 'mine'")
        mounts = (
            Mount(str(bench.work), WORK, writable=True),
            Mount(str(tmp_path / "data"), f"{WORK}/data"),
            Mount(str(tmp_path / "main.py"), f"{WORK}/main.py"),
        )
        ran = bench.sandbox.run(Box(("python", "main.py"), mounts, WORK, LIMITS))
        assert (ran.stdout, ran.stderr) == (b"mine data\n", b"")

    def test_a_word_of_the_command_can_name_a_mounted_file(
        self, bench: Bench, tmp_path: Path
    ) -> None:
        """Also outside of the working folder."""
        (tmp_path / "tools").mkdir()
        (tmp_path / "tools" / "say.py").write_text("print('said')")
        mounts = (*bench.box("").mounts, Mount(str(tmp_path / "tools"), "/tools"))
        ran = bench.sandbox.run(Box(("python", "/tools/say.py"), mounts, WORK, LIMITS))
        assert ran.stdout == b"said\n"

    def test_a_flood_of_output_is_cut_and_holds_nothing_up(self, bench: Bench) -> None:
        """The first MiB of one, the last 64 KiB of the other."""
        ran = bench.run("""
            import os, sys
            for n in range(48):
                os.write(1, b"%02d" % n * 32768)
                os.write(2, b"%02d" % n * 32768)
        """)
        assert ran.exit_code == 0
        assert len(ran.stdout) == 2**20
        assert ran.stdout.startswith(b"00")
        assert ran.stderr == b"47" * 32768

    # -- what it is given ------------------------------------------------------------------

    def test_the_environment_is_cleared(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing of ours, and all that the protocol promises."""
        monkeypatch.setenv("A_SECRET", "of ours")
        names = set(bench.run("import os; print(*os.environ)").stdout.decode().split())
        assert names >= VARIABLES
        assert names <= VARIABLES | {"PWD", "LC_CTYPE", "UPWARD_BOX"}

    def test_no_descriptor_is_inherited(self, bench: Bench, tmp_path: Path) -> None:
        """Not even one that was marked to be."""
        (tmp_path / "open.txt").write_text("open")
        with (tmp_path / "open.txt").open() as file:
            os.set_inheritable(file.fileno(), True)  # noqa: FBT003
            ran = bench.run("""
                import os
                for n in range(3, 256):
                    try:
                        os.fstat(n)
                        print(n)
                    except OSError:
                        pass
            """)
        assert (ran.stdout, ran.exit_code) == (b"", 0)

    # -- limits ----------------------------------------------------------------------------

    def test_cpu_time_is_limited(self, bench: Bench) -> None:
        """An endless loop ends soon after its limit."""
        ran = bench.run("while True: pass", Limits(cpu_s=0.3, wall_s=30.0))
        assert ran.exceeded == "cpu_s"
        assert 0.3 <= ran.usage.cpu_s < 0.6

    def test_cpu_time_of_children_counts_even_when_nobody_waits_for_them(
        self, bench: Bench
    ) -> None:
        """Each child stays below the limit; together they do not."""
        ran = bench.run(
            """
            import os, signal, time
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            while True:
                if os.fork() == 0:
                    while time.process_time() < 0.1: pass
                    os._exit(0)
                try:
                    os.wait()
                except ChildProcessError:
                    pass
            """,
            Limits(cpu_s=0.3, wall_s=30.0, processes=16),
        )
        assert ran.exceeded == "cpu_s"

    def test_wall_time_is_limited(self, bench: Bench) -> None:
        """Doing nothing is not free."""
        ran = bench.run("import time; time.sleep(60)", Limits(cpu_s=10.0, wall_s=0.3))
        assert ran.exceeded == "wall_s"
        assert ran.usage.cpu_s < 0.3 <= ran.usage.wall_s < 5.0

    def test_memory_is_limited(self, bench: Bench) -> None:
        """Without end, in steps."""
        ran = bench.run(
            "b = []\nwhile True: b.append(bytearray(2**20))", Limits(10.0, 30.0, memory_mb=64)
        )
        assert ran.exceeded == "memory_mb"
        assert ran.usage.peak_memory_mb > 64

    def test_memory_of_all_processes_counts_together(self, bench: Bench) -> None:
        """Four times a bit less than the limit."""
        ran = bench.run(
            """
            import os, time
            for _ in range(3): os.fork()
            held = os.urandom(20 * 2**20)
            time.sleep(20)
            """,
            Limits(10.0, 30.0, memory_mb=80, processes=16),
        )
        assert ran.exceeded == "memory_mb"

    def test_memory_that_belongs_to_a_file_without_a_name_counts(self, bench: Bench) -> None:
        """It is mapped by nobody."""
        ran = bench.run(
            """
            import os, time
            for n in range(8):
                f = os.memfd_create(str(n))
                os.write(f, bytes(12 * 2**20))
            time.sleep(20)
            """,
            Limits(10.0, 30.0, memory_mb=64, disk_mb=16),
        )
        assert ran.exceeded == "memory_mb"

    def test_disk_is_limited(self, bench: Bench) -> None:
        """One file that grows, or many."""
        one = bench.run(
            "f = open('x', 'wb')\nwhile True: f.write(bytes(2**20))", Limits(10.0, 30.0, disk_mb=4)
        )
        assert one.exceeded == "disk_mb"
        (bench.work / "x").unlink()
        many = bench.run(
            "n = 0\nwhile True:\n open(str(n), 'wb').write(bytes(2**20))\n n += 1",
            Limits(10.0, 30.0, disk_mb=8),
        )
        assert many.exceeded == "disk_mb"

    def test_disk_that_is_held_by_a_deleted_file_counts(self, bench: Bench) -> None:
        """It appears in no folder."""
        ran = bench.run(
            """
            import os, time
            held = []
            for n in range(8):
                held.append(open("x", "wb", 0))
                held[-1].write(bytes(2**20))
                os.unlink("x")
            time.sleep(20)
            """,
            Limits(10.0, 30.0, disk_mb=4),
        )
        assert ran.exceeded == "disk_mb"

    def test_a_folder_that_hides_what_it_holds_counts_as_full(self, bench: Bench) -> None:
        """Deeper than anybody needs."""
        ran = bench.run("import os\nfor n in range(100):\n os.mkdir('d')\n os.chdir('d')")
        assert ran.exceeded == "disk_mb"

    def test_processes_are_limited(self, bench: Bench) -> None:
        """A crowd that only waits."""
        ran = bench.run(
            "import os, time\nfor _ in range(40): os.fork() or time.sleep(20)\ntime.sleep(20)",
            Limits(10.0, 30.0, processes=8),
        )
        assert ran.exceeded == "processes"

    def test_a_bomb_of_processes_is_bounded(self, bench: Bench) -> None:
        """It doubles nine times if nothing stops it."""
        ran = bench.run(
            """
            import os, time
            for _ in range(9):
                try:
                    os.fork()
                except OSError:
                    pass
            time.sleep(20)
            """,
            Limits(10.0, 30.0, processes=8),
        )
        assert ran.exceeded == "processes"
        assert ran.usage.wall_s < 10.0

    def test_a_run_within_its_limits_exceeds_none(self, bench: Bench) -> None:
        """And what it used is measured, children included."""
        ran = bench.run("""
            import os, time
            held = bytearray(60 * 2**20)
            if os.fork() == 0:
                while time.process_time() < 0.2: pass
                os._exit(0)
            os.wait()
        """)
        assert (ran.exceeded, ran.exit_code) == ("", 0)
        assert 0.2 <= ran.usage.cpu_s < 2.0
        assert 60 <= ran.usage.peak_memory_mb < 200
        assert ran.usage.wall_s >= 0.1

    # -- ends ------------------------------------------------------------------------------

    def test_nothing_outlives_its_run(self, bench: Bench) -> None:
        """Not even a process that detached itself."""
        assert bench.run(STAY).exit_code == 0
        assert (bench.work / "held").exists()
        assert bench.is_free()

    def test_nothing_outlives_a_limit(self, bench: Bench) -> None:
        """The same, when the end is a violent one."""
        ran = bench.run(STAY + "time.sleep(60)", Limits(10.0, wall_s=1.0))
        assert ran.exceeded == "wall_s"
        assert bench.is_free()

    def test_stop_ends_what_runs_and_only_that(self, bench: Bench) -> None:
        """From another thread; later runs are not concerned."""
        ended = list[Ran]()
        script = "open('began', 'w'); import time; time.sleep(60)"
        thread = threading.Thread(target=lambda: ended.append(bench.run(script)))
        thread.start()
        _wait_for((bench.work / "began").exists)
        bench.sandbox.stop()
        thread.join(timeout=10.0)
        assert [ran.exit_code != 0 for ran in ended] == [True]
        assert bench.run("pass").exit_code == 0

    # -- a second process beside it --------------------------------------------------------

    def test_two_processes_talk_to_each_other(self, bench: Bench) -> None:
        """Back and forth, more than once."""
        ran = bench.with_peer(
            'for n in range(3):\n write.write(b"%d\\n" % n)\n print(read.readline())',
            "import sys\nfor line in sys.stdin: print(int(line) * 7, flush=True)",
        )
        assert ran.stdout == b"b'0\\n'\nb'7\\n'\nb'14\\n'\n"
        assert (ran.exit_code, ran.stderr) == (0, b"")

    def test_the_second_ends_with_the_first(self, bench: Bench) -> None:
        """Whatever it is doing."""
        ran = bench.with_peer("read.read(1)", STAY + "\nos.write(1, b'x')\ntime.sleep(60)")
        assert ran.usage.wall_s < 10.0
        assert bench.is_free()

    def test_the_second_has_a_limit_of_its_own(self, bench: Bench) -> None:
        """Both end when it is reached, and what both used is added up."""
        ran = bench.with_peer("read.read()", "while True: pass", Limits(0.3, 30.0))
        assert ran.exceeded == "cpu_s"
        assert ran.usage.cpu_s >= 0.3

    def test_a_crash_of_the_second_is_told(self, bench: Bench) -> None:
        """The first sees the end of the channel, and the error output says why."""
        ran = bench.with_peer("assert read.read() == b''", "raise ValueError('of the peer')")
        assert ran.exit_code == 0
        assert b"ValueError: of the peer" in ran.stderr

    def test_the_channel_ends_when_the_first_closes_it(self, bench: Bench) -> None:
        """No copy of its ends is left open anywhere."""
        ran = bench.with_peer(
            "write.close(); print(read.read())",
            "import sys; sys.stdin.read(); print('over', flush=True)",
        )
        assert ran.stdout == b"b'over\\n'\n"


def _wait_for(happened: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 10.0
    while not happened():
        assert time.monotonic() < until_s, "it did not happen"
        time.sleep(0.005)
