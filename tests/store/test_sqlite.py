import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store.processes import finished, read_only

from upward.core.errors import CannotWrite, ChainBroken, StoreFailed, UnknownName
from upward.ledger.audit import audit
from upward.ledger.chain import check
from upward.store.sqlite import SqliteLedger
from upward.testing.fakes import FakeClock

OPENED: list[SqliteLedger] = []


@pytest.fixture(autouse=True)
def all_are_closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def ledger_at(path: Path, busy_s: float = 30.0, *, read_only: bool = False) -> SqliteLedger:
    OPENED.append(SqliteLedger(path, FakeClock(), read_only=read_only, busy_s=busy_s))
    return OPENED[-1]


def reader_at(path: Path) -> SqliteLedger:
    return ledger_at(path, read_only=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "upward.db"


@pytest.fixture
def ledger(path: Path) -> SqliteLedger:
    ledger = ledger_at(path)
    for number in range(5):
        ledger.extend("s", [("trial", {"number": number})])
    return ledger


def tamper(path: Path, *statements: str) -> None:
    """What somebody does who has the file and no respect for triggers."""
    connection = sqlite3.connect(path)
    for trigger in ("entries_stay", "entries_remain", "entries_follow"):
        connection.execute(f"DROP TRIGGER {trigger}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def found(ledger: SqliteLedger) -> list[tuple[str, str]]:
    result = audit("s", ledger.entries("s"), ledger.checkpoint("s"), lambda _: None)
    return [(f.kind, f.where) for f in result.findings if f.kind in ("chain", "checkpoint")]


# -- what is durable ---------------------------------------------------------------------------


def test_everything_is_there_after_closing_and_opening(ledger: SqliteLedger, path: Path) -> None:
    before = list(ledger.entries("s"))
    ledger.close()
    assert list(ledger_at(path).entries("s")) == before


def test_every_commit_reaches_the_disk(ledger: SqliteLedger) -> None:
    assert ledger._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert ledger._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_closing_twice_changes_nothing(ledger: SqliteLedger) -> None:
    ledger.close()
    ledger.close()
    with pytest.raises(StoreFailed):
        ledger.head("s")


def test_entries_carry_the_time_of_the_clock(path: Path) -> None:
    clock = FakeClock()
    OPENED.append(ledger := SqliteLedger(path, clock))
    first = ledger.extend("s", [("a", {})])[0]
    clock.advance(90.5)
    second, third = ledger.extend("s", [("b", {}), ("c", {})])
    assert first.at == "2026-01-01T00:00:00.000Z"
    assert second.at == third.at == "2026-01-01T00:01:30.500Z"


def test_a_clock_that_is_turned_back_breaks_nothing(path: Path) -> None:
    clock = FakeClock()
    OPENED.append(ledger := SqliteLedger(path, clock))
    ledger.extend("s", [("a", {})])
    clock.set_back(3600)
    ledger.extend("s", [("b", {})])
    assert [entry.seq for entry in ledger.entries("s")] == [1, 2]
    assert check(ledger.entries("s")) is None


def test_the_cost_of_an_entry_does_not_grow_with_the_ledger(path: Path) -> None:
    ledger = ledger_at(path)

    def instructions_of(items: int) -> int:
        count = 0

        def one_more() -> int:
            nonlocal count
            count += 1
            return 0

        ledger._db.set_progress_handler(one_more, 1)
        ledger.extend("s", [("trial", {"number": 1})] * items)
        ledger.studies()
        ledger.head("s")
        ledger._db.set_progress_handler(None, 1)
        return count

    first = instructions_of(3)
    instructions_of(3000)
    assert instructions_of(3) < 2 * first


# -- append only -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET body = x'00' WHERE seq = 2",
        "DELETE FROM entries WHERE seq = 5",
        "DELETE FROM entries",
        "INSERT INTO entries (study, seq, kind, body, at, prev, hash) "
        "VALUES ('s', 9, 'trial', x'00', '', '', '')",
        "INSERT INTO entries (study, seq, kind, body, at, prev, hash) "
        "VALUES ('s', 6, 'trial', x'00', '', 'not the last hash', '')",
        "INSERT OR REPLACE INTO entries SELECT * FROM entries WHERE seq = 5",
        "INSERT INTO entries (study, seq, kind, body, at, prev, hash) "
        "VALUES ('new', 2, 'trial', x'00', '', '', '')",
        "UPDATE checkpoints SET root = ''",
        "DELETE FROM checkpoints",
    ],
)
def test_sql_cannot_change_what_was_recorded(
    ledger: SqliteLedger, path: Path, statement: str
) -> None:
    ledger.save_checkpoint("s")
    before = list(ledger.entries("s"))
    connection = sqlite3.connect(path, isolation_level=None)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    connection.close()
    assert list(ledger.entries("s")) == before


def test_a_flipped_byte_in_the_file_is_found_in_its_entry(ledger: SqliteLedger, path: Path) -> None:
    tamper(path, "UPDATE entries SET body = x'7b7d' WHERE seq = 3")
    assert found(ledger) == [("chain", "entry 3")]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET kind = 'x' WHERE seq = 3",
        "UPDATE entries SET at = 'x' WHERE seq = 3",
        "UPDATE entries SET prev = 'x' WHERE seq = 3",
        "UPDATE entries SET hash = 'x' WHERE seq = 3",
    ],
)
def test_every_column_is_part_of_the_chain(
    ledger: SqliteLedger, path: Path, statement: str
) -> None:
    tamper(path, statement)
    assert ("chain", "entry 3") in found(ledger)


def test_a_removed_entry_is_found(ledger: SqliteLedger, path: Path) -> None:
    tamper(path, "DELETE FROM entries WHERE seq = 2")
    assert found(ledger) == [("chain", "entry 2")]


def test_a_removed_entry_is_found_also_when_the_rest_is_renumbered(
    ledger: SqliteLedger, path: Path
) -> None:
    tamper(path, "DELETE FROM entries WHERE seq = 2", "UPDATE entries SET seq = 2 WHERE seq = 3")
    assert found(ledger)[0] == ("chain", "entry 2")


def test_a_truncated_tail_is_found_against_the_checkpoint(ledger: SqliteLedger, path: Path) -> None:
    ledger.save_checkpoint("s")
    tamper(path, "DELETE FROM entries WHERE seq > 3")
    assert found(ledger) == [("checkpoint", "entries 4 to 5")]


def test_a_writer_notices_that_its_tail_was_cut(ledger: SqliteLedger, path: Path) -> None:
    tamper(path, "DELETE FROM entries WHERE seq > 3")
    with pytest.raises(ChainBroken, match="entry 5: removed"):
        ledger.extend("s", [("trial", {})])


# -- readers -----------------------------------------------------------------------------------


def test_a_reader_sees_what_is_written_beside_it(ledger: SqliteLedger, path: Path) -> None:
    reader = reader_at(path)
    before = len(list(reader.entries("s")))
    ledger.extend("s", [("trial", {})])
    assert len(list(reader.entries("s", after=before))) == 1


def test_a_reader_does_not_wait_for_a_writer(ledger: SqliteLedger, path: Path) -> None:
    reader = reader_at(path)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert len(list(reader.entries("s"))) == 5
    writer.close()


def test_a_reader_cannot_write(ledger: SqliteLedger, path: Path) -> None:
    reader = reader_at(path)
    list(reader.entries("s"))
    with pytest.raises(CannotWrite):
        reader.extend("s", [("trial", {})])
    assert len(list(ledger.entries("s"))) == 5


def test_a_reader_makes_no_file(path: Path) -> None:
    with pytest.raises(UnknownName, match="begin with"):
        reader_at(path)
    assert not path.exists()


def test_a_finished_study_can_be_read_where_nobody_can_write(
    ledger: SqliteLedger, path: Path
) -> None:
    ledger.close()
    script = (
        "import os, sys; from pathlib import Path; "
        "from upward.store.sqlite import SqliteLedger; from upward.store.clock import SystemClock; "
        "path = Path(sys.argv[1]); assert not os.access(path.parent, os.W_OK); "
        "ledger = SqliteLedger(path, SystemClock(), read_only=True); "
        "print(len(list(ledger.entries('s'))), ledger.studies())"
    )
    assert finished(script, path, under=read_only(path.parent)) == "5 ['s']\n"


# -- what goes wrong -----------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite, match="file"):
        ledger_at(tmp_path / "file" / "upward.db")


def test_a_folder_in_place_of_the_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite):
        ledger_at(tmp_path)


@pytest.mark.parametrize("content", [b"no database at all " * 100, b"SQLite format 3\x00" * 300])
def test_a_file_that_is_no_database_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreFailed, match="damaged"):
        ledger_at(path)
    assert path.read_bytes() == content


def test_a_damaged_database_is_named_and_not_believed(ledger: SqliteLedger, path: Path) -> None:
    ledger.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    with pytest.raises(StoreFailed, match="damaged"):
        list(reader_at(path).entries("s"))


def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreFailed, match="another program"):
        ledger_at(path)
    assert path.read_bytes() == before


def test_a_lock_that_is_held_too_long_is_named(ledger: SqliteLedger, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    impatient = ledger_at(path, busy_s=0.01)
    list(impatient.entries("s"))
    with pytest.raises(StoreFailed, match=r"locked for 0\.01 s"):
        impatient.extend("s", [("trial", {})])
    other.execute("ROLLBACK")
    other.close()
    assert impatient.extend("s", [("trial", {})])[0].seq == 6


def test_strange_characters_in_a_path_are_only_characters(tmp_path: Path) -> None:
    path = tmp_path / "a b?mode=memory#%20ü" / "upward.db"
    made = ledger_at(path).extend("s", [("trial", {})])
    assert path.is_file()
    assert list(reader_at(path).entries("s")) == made


def test_a_network_file_system_is_warned_about(tmp_path: Path, ledger: SqliteLedger) -> None:
    assert ledger.warning == ""
    remote = SqliteLedger(tmp_path / "remote.db", FakeClock(), network=lambda _: "nfs4")
    OPENED.append(remote)
    assert "nfs4" in remote.warning
    assert remote._db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    [entry] = remote.extend("s", [("trial", {})])
    assert remote.head("s") == entry == reader_at(tmp_path / "remote.db").head("s")
