"""The real thing: processes that are killed, that compete, and that run out of disk."""

from pathlib import Path

import pytest
from tests.store.processes import (
    finished,
    killed_after,
    running,
    small_disk,
)

from upward.core.errors import StudyBusy
from upward.ledger.chain import check
from upward.store.blobs import FolderBlobs
from upward.store.lock import StudyLock, holder
from upward.store.sqlite import SqliteLedger
from upward.testing.fakes import FakeClock

HEADER = """
import itertools, sys
from pathlib import Path
from upward.core.errors import ChainBroken, StoreFailed
from upward.store.blobs import FolderBlobs
from upward.store.clock import SystemClock
from upward.store.lock import StudyLock
from upward.store.sqlite import SqliteLedger
place, clock = Path(sys.argv[1]), SystemClock()
"""

APPEND = (
    HEADER
    + """
ledger = SqliteLedger(place / "upward.db", clock)
list(ledger.entries("s"))
while True:
    made = ledger.extend("s", [("trial", {"text": "x" * 200}), ("outcome", {})])
    print(made[-1].seq, made[-1].hash, flush=True)
"""
)

PUT = (
    HEADER
    + """
blobs = FolderBlobs(place / "blobs")
for number in itertools.count(int(sys.argv[2])):
    print(blobs.put(b"%d " % number * 5000), flush=True)
"""
)


@pytest.mark.slow
def test_every_acknowledged_entry_survives_a_kill(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for _ in range(3):
        acknowledged += killed_after(20, APPEND, tmp_path)
    ledger = SqliteLedger(tmp_path / "upward.db", FakeClock())
    entries = list(ledger.entries("s"))
    assert check(entries) is None
    kept = {(str(entry.seq), entry.hash) for entry in entries}
    assert {tuple(line.split()) for line in acknowledged} <= kept
    # a call is recorded as a whole or not at all
    assert len(entries) % 2 == 0
    assert ledger.extend("s", [("trial", {})])[0].seq == len(entries) + 1
    ledger.close()


@pytest.mark.slow
def test_every_acknowledged_blob_survives_a_kill(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for session in range(3):
        acknowledged += killed_after(20, PUT, tmp_path, session * 1_000_000)
    blobs = FolderBlobs(tmp_path / "blobs")
    assert set(acknowledged) <= set(blobs.ids())
    assert all(blobs.get(blob) for blob in blobs.ids())
    blobs.put(b"one more")
    assert list((tmp_path / "blobs" / "unfinished").iterdir()) == []


@pytest.mark.slow
def test_two_processes_write_their_studies_into_one_file(tmp_path: Path) -> None:
    script = (
        HEADER
        + """
ledger = SqliteLedger(place / "upward.db", clock)
print("ready", flush=True)
sys.stdin.readline()
for number in range(100):
    ledger.extend(sys.argv[2], [("trial", {"number": number})])
"""
    )
    with running(script, tmp_path, "one") as one, running(script, tmp_path, "two") as two:
        for process in (one, two):
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in (one, two):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [one.wait(), two.wait()] == [0, 0]
    ledger = SqliteLedger(tmp_path / "upward.db", FakeClock())
    for study in ("one", "two"):
        entries = list(ledger.entries(study))
        assert len(entries) == 100
        assert check(entries) is None
    ledger.close()


@pytest.mark.slow
def test_two_processes_on_one_study_never_fork_its_chain(tmp_path: Path) -> None:
    script = (
        HEADER
        + """
ledger = SqliteLedger(place / "upward.db", clock)
written = 0
while written < 40:
    list(ledger.entries("s"))
    try:
        ledger.extend("s", [("trial", {"by": sys.argv[2], "number": written})])
        written += 1
    except ChainBroken:
        pass
"""
    )
    with running(script, tmp_path, "one") as one, running(script, tmp_path, "two") as two:
        assert [one.wait(), two.wait()] == [0, 0]
    ledger = SqliteLedger(tmp_path / "upward.db", FakeClock())
    entries = list(ledger.entries("s"))
    ledger.close()
    assert len(entries) == 80
    assert check(entries) is None


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    script = (
        HEADER
        + """
ledger, acknowledged = SqliteLedger(place / "upward.db", clock), 0
try:
    for number in range(10_000):
        acknowledged = ledger.extend("s", [("trial", {"text": "x" * 20_000})])[-1].seq
except StoreFailed as error:
    print(error)
ledger.close()
again = SqliteLedger(place / "upward.db", clock, read_only=True)
print(acknowledged, len(list(again.entries("s"))))
"""
    )
    place = tmp_path / "small"
    said, counts = finished(script, place, under=small_disk(place)).splitlines()
    assert "disk" in said
    assert "Everything recorded before is safe" in said
    acknowledged, kept = map(int, counts.split())
    assert acknowledged == kept > 5


def test_a_full_disk_keeps_no_half_blob(tmp_path: Path) -> None:
    script = (
        HEADER
        + """
blobs, kept = FolderBlobs(place / "blobs"), []
try:
    for number in range(10_000):
        kept.append(blobs.put(b"%d " % number * 30_000 * (number + 1)))
except StoreFailed as error:
    print(error)
assert list(blobs.ids()) == sorted(kept)
assert all(blobs.get(blob) for blob in kept)
assert not any((place / "blobs" / "unfinished").iterdir())
print(len(kept))
"""
    )
    place = tmp_path / "small"
    said, count = finished(script, place, under=small_disk(place)).splitlines()
    assert "No space left" in said or "too large" in said
    assert int(count) > 2


def test_the_right_to_write_ends_with_the_process(tmp_path: Path) -> None:
    script = (
        HEADER
        + """
StudyLock(place, "s", clock).acquire()
print("held", flush=True)
sys.stdin.readline()
"""
    )
    lock = StudyLock(tmp_path, "s", FakeClock())
    with running(script, tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StudyBusy, match=f"process {process.pid} \\(since 20"):
            lock.acquire()
        shown = holder(tmp_path, "s")
        assert shown is not None
        assert shown.pid == process.pid
        process.kill()
        process.wait()
        assert holder(tmp_path, "s") is None
        lock.acquire()
    lock.release()
