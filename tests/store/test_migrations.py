import sqlite3
from pathlib import Path

import pytest

from upward.core.errors import StoreFailed
from upward.ledger.chain import START, check, link
from upward.store.migrations import APPLICATION_ID, MIGRATIONS, migrate, version_of
from upward.store.sqlite import SqliteLedger
from upward.testing.fakes import FakeClock

AT = "2026-01-01T00:00:00.000Z"


def connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def schema_of(path: Path) -> set[str]:
    connection = connected(path)
    rows = connection.execute(
        "SELECT type || ' ' || name || ' ' || ifnull(sql, '') FROM sqlite_schema"
    ).fetchall()
    connection.close()
    return {text for (text,) in rows}


def oldest_with_rows(path: Path) -> list[str]:
    """A database as the first version of Upward left it, with three entries in it."""
    connection = connected(path)
    for statement in MIGRATIONS[0]:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    hashes = [START]
    for seq in (1, 2, 3):
        entry = link("s", seq, "trial", b"{}", AT, hashes[-1])
        hashes.append(entry.hash)
        connection.execute(
            "INSERT INTO entries (study, seq, kind, body, at, prev, hash) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (entry.study, seq, entry.kind, entry.body, AT, entry.prev, entry.hash),
        )
    connection.close()
    return hashes[1:]


def test_the_oldest_database_is_brought_up_to_date_with_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    hashes = oldest_with_rows(path)
    ledger = SqliteLedger(path, FakeClock())
    entries = list(ledger.entries("s"))
    assert [entry.hash for entry in entries] == hashes
    assert check(entries) is None
    assert ledger.extend("s", [("trial", {})])[0].prev == hashes[-1]
    saved = ledger.save_checkpoint("s")
    assert saved is not None
    assert saved.size == 4
    ledger.close()


def test_a_migrated_database_has_the_schema_of_a_new_one(tmp_path: Path) -> None:
    oldest_with_rows(tmp_path / "old.db")
    for name in ("old.db", "new.db"):
        SqliteLedger(tmp_path / name, FakeClock()).close()
    assert schema_of(tmp_path / "old.db") == schema_of(tmp_path / "new.db")


def test_every_version_on_the_way_is_recorded_with_its_step(tmp_path: Path) -> None:
    connection = connected(tmp_path / "new.db")
    assert version_of(connection, "new.db") == 0
    migrate(connection, "new.db")
    assert version_of(connection, "new.db") == len(MIGRATIONS)
    migrate(connection, "new.db")
    connection.close()


def test_a_step_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    oldest_with_rows(path)
    connection = connected(path)
    # the last statement of the second step will collide with this
    connection.execute(
        "CREATE TRIGGER checkpoints_remain BEFORE DELETE ON entries BEGIN SELECT 1; END"
    )
    before = schema_of(path)
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        migrate(connection, str(path))
    assert schema_of(path) == before
    assert version_of(connection, str(path)) == 1
    connection.close()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path, *, read_only: bool) -> None:
    path = tmp_path / "new.db"
    SqliteLedger(path, FakeClock()).close()
    connection = connected(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(StoreFailed, match="upgrade Upward"):
        SqliteLedger(path, FakeClock(), read_only=read_only)


def test_a_reader_does_not_migrate(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    oldest_with_rows(path)
    before = path.read_bytes()
    with pytest.raises(StoreFailed, match="schema version 1"):
        SqliteLedger(path, FakeClock(), read_only=True)
    assert path.read_bytes() == before
