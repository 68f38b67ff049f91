"""The schema of the database, as the list of steps that lead to it.

Never edit a step that was released; add one. Each is applied in one transaction with its record
(SQLite's ``user_version``), so a database is never between two versions.
"""

import sqlite3

from upward.core.errors import StoreFailed

# marks the file as ours: "UPWD"
APPLICATION_ID = 0x55505744

_ENTRIES = (
    """
    CREATE TABLE entries (
        id    INTEGER PRIMARY KEY,
        study TEXT NOT NULL CHECK (study <> ''),
        seq   INTEGER NOT NULL,
        kind  TEXT NOT NULL,
        body  BLOB NOT NULL,
        at    TEXT NOT NULL,
        prev  TEXT NOT NULL,
        hash  TEXT NOT NULL,
        UNIQUE (study, seq)
    ) STRICT
    """,
    """
    CREATE TRIGGER entries_follow BEFORE INSERT ON entries
    WHEN (new.seq, new.prev) IS NOT (
        ifnull((SELECT seq FROM entries WHERE study = new.study ORDER BY seq DESC LIMIT 1), 0) + 1,
        ifnull(
            (SELECT hash FROM entries WHERE study = new.study ORDER BY seq DESC LIMIT 1),
            printf('%064d', 0)
        )
    )
    BEGIN SELECT RAISE(ABORT, 'an entry must follow the last one'); END
    """,
    """
    CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END
    """,
    """
    CREATE TRIGGER entries_remain BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'entries are never removed'); END
    """,
)

_CHECKPOINTS = (
    """
    CREATE TABLE checkpoints (
        study TEXT NOT NULL,
        size  INTEGER NOT NULL,
        root  TEXT NOT NULL,
        head  TEXT NOT NULL,
        at    TEXT NOT NULL,
        PRIMARY KEY (study, size)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TRIGGER checkpoints_stay BEFORE UPDATE ON checkpoints
    BEGIN SELECT RAISE(ABORT, 'checkpoints are never changed'); END
    """,
    """
    CREATE TRIGGER checkpoints_remain BEFORE DELETE ON checkpoints
    BEGIN SELECT RAISE(ABORT, 'checkpoints are never removed'); END
    """,
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_ENTRIES, _CHECKPOINTS)


def version_of(connection: sqlite3.Connection, path: str) -> int:
    """Return the schema version of an open database, 0 for a new one.

    Raises:
        StoreFailed: the file belongs to another program, or to a newer version of Upward.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if owner != APPLICATION_ID and not _is_empty(connection):
        raise StoreFailed(path, "this is the database of another program, choose another --home")
    if version > len(MIGRATIONS):
        raise StoreFailed(
            path,
            f"it has schema version {version}, this Upward knows {len(MIGRATIONS)} and older; "
            "upgrade Upward",
        )
    return version


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Bring a database to the newest schema; safe when two processes do it at the same time.

    Args:
        connection: writable, in autocommit mode.
        path: for the error text.

    Raises:
        StoreFailed: see `version_of`.
    """
    while version_of(connection, path) < len(MIGRATIONS):
        connection.execute("BEGIN IMMEDIATE")
        try:
            _apply_next(connection, path)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def _apply_next(connection: sqlite3.Connection, path: str) -> None:
    # read again: another process may have migrated while this one waited for the right to write
    version = version_of(connection, path)
    if version >= len(MIGRATIONS):
        return
    for statement in MIGRATIONS[version]:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {version + 1}")


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
