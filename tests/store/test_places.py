import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from upward.core.errors import CannotWrite
from upward.store.clock import SystemClock
from upward.store.home import Home
from upward.store.places import network_kind
from upward.testing.fakes import FakeClock

MOUNTS = """\
/dev/sda1 / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/export /mnt/team nfs4 rw 0 0
me@host:/ /mnt/far fuse.sshfs rw 0 0
/dev/sdb1 /mnt/team/scratch xfs rw 0 0
lustre /mnt/my\\040cluster lustre rw 0 0
tmpfs /mnt/over nfs rw 0 0
tmpfs /mnt/over tmpfs rw 0 0
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/.upward", None),
        ("/mnt/team", "nfs4"),
        ("/mnt/team/project/.upward/upward.db", "nfs4"),
        ("/mnt/teams/x", None),
        ("/mnt/team/scratch/x", None),
        ("/mnt/far/x", "fuse.sshfs"),
        ("/mnt/my cluster/x", "lustre"),
        ("/mnt/over/x", None),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(path: str, kind: str | None) -> None:
    assert network_kind(Path(path), MOUNTS) == kind


def test_without_a_list_of_mounts_a_disk_is_local() -> None:
    assert network_kind(Path("/x"), "") is None


def test_this_machine_has_a_list_of_mounts(tmp_path: Path) -> None:
    assert network_kind(tmp_path) is None


def test_a_workspace_is_made_on_demand(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / ".upward")
    assert not home.exists
    assert list(tmp_path.iterdir()) == []
    home.create()
    for folder in (home.blobs, home.locks, home.tmp, home.reports):
        assert folder.is_dir()
        assert list(folder.iterdir()) == []
    assert not home.exists
    home.database.touch()
    assert home.exists


def test_making_a_workspace_again_changes_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / ".upward")
    home.create()
    (home.path / ".gitignore").write_text("mine\n")
    (home.blobs / "kept").touch()
    home.create()
    assert (home.path / ".gitignore").read_text() == "mine\n"
    assert (home.blobs / "kept").exists()


def test_a_workspace_is_invisible_to_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    home = Home(tmp_path / ".upward")
    home.create()
    home.database.touch()
    status = ["git", "-C", tmp_path, "status", "--porcelain", "--untracked-files=all"]
    assert subprocess.run(status, check=True, capture_output=True).stdout == b""


def test_a_workspace_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite, match="file"):
        Home(tmp_path / "file" / ".upward").create()


def test_the_real_clock_says_utc_to_the_millisecond() -> None:
    said = SystemClock().now()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", said)
    assert abs(datetime.fromisoformat(said) - datetime.now(UTC)) < timedelta(minutes=1)


def test_monotonic_time_only_goes_up() -> None:
    clock = SystemClock()
    readings = [clock.monotonic_s() for _ in range(100)]
    assert readings == sorted(readings)


def test_the_fake_clock_reads_like_the_real_one_and_moves_when_told() -> None:
    clock = FakeClock()
    assert len(clock.now()) == len(SystemClock().now())
    assert clock.now() == clock.now()
    before, clock_before = clock.monotonic_s(), clock.now()
    clock.advance(1.5)
    assert clock.monotonic_s() - before == 1.5
    clock.set_back(3600)
    assert clock.now() < clock_before
    assert clock.monotonic_s() - before == 1.5


def test_a_ticking_fake_clock_moves_with_every_reading() -> None:
    clock = FakeClock(tick_s=1.0)
    assert clock.now() < clock.now()
    assert clock.monotonic_s() < clock.monotonic_s()
