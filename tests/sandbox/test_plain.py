"""The sandbox that isolates nothing: it keeps the contract, and says that it does not isolate."""

from pathlib import Path

import pytest

from upward.core.errors import SandboxFailed
from upward.core.ports import Box, Mount
from upward.core.task import Limits
from upward.sandbox.plain import PlainProcess
from upward.testing.sandbox_contract import SandboxContract


class TestPlainProcess(SandboxContract):
    def make(self) -> PlainProcess:
        return PlainProcess()


def test_its_probe_sees_that_nothing_is_isolated() -> None:
    found = PlainProcess().probe()
    assert not found.isolated
    assert "apt-get install bubblewrap" in found.advice
    broken = {name for name, holds in found.holds.items() if not holds}
    # a process that hides well may be caught, but only by chance
    assert broken - {"nothing outlives its run"} == {
        "files of this machine cannot be read",
        "nothing outside can be written",
        "no network",
        "other processes cannot be seen",
        "Upward itself is absent",
    }


def test_a_box_that_works_outside_of_its_mounts_is_refused(tmp_path: Path) -> None:
    box = Box(("python", "-c", "pass"), (Mount(str(tmp_path), "/trial"),), "/tmp", Limits(1, 1))
    with pytest.raises(SandboxFailed, match="only work in a mount"):
        PlainProcess().run(box)
