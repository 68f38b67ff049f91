"""The ledger in one SQLite file: append-only, durable at every commit, readable while written."""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from upward.core.canon import canonical
from upward.core.errors import CannotWrite, LedgerError, StoreFailed, UnknownName
from upward.core.ports import Clock
from upward.core.records import Entry
from upward.ledger.chain import START, Heads, link
from upward.ledger.checkpoint import Checkpoint, checkpoint_of_hashes
from upward.store.migrations import MIGRATIONS, migrate, version_of
from upward.store.places import network_kind

PAGE = 256
COLUMNS = "study, seq, kind, body, at, prev, hash"


class SqliteLedger:
    """Adapter of the port `Ledger` on the standard library's sqlite3.

    Every `extend` is one transaction that is on the disk when it returns (write-ahead log,
    ``synchronous=FULL``), so a process may be killed at any moment. Triggers forbid changing and
    removing entries through SQL; whoever edits the file itself is found by the chain and the
    checkpoints. Use one object per thread and process.

    A writer may only extend a study whose entries it has read to the end (or that is new).

    Args:
        path: the database file; made if missing, unless read-only.
        clock: for the time of each entry.
        read_only: for readers beside a running study; never makes or changes a file's content.
        busy_s: how long to wait for another process's transaction.
        network: tells the network file system that a path is on, or None.

    Raises:
        CannotWrite: the file or its folder cannot be written to.
        StoreFailed: not a database, damaged, or of a newer version.
        UnknownName: read-only, and there is no such file.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        read_only: bool = False,
        busy_s: float = 30.0,
        network: Callable[[Path], str | None] = network_kind,
    ) -> None:
        self._path = path
        self._clock = clock
        self._busy_s = busy_s
        self._heads = Heads()
        self.warning = ""
        with self._named_errors():
            self._db = self._open_reader() if read_only else self._open_writer()
            try:
                self._accept() if read_only else self._prepare(network(path))
            except (sqlite3.Error, LedgerError):
                self._db.close()
                raise

    # -- the port ----------------------------------------------------------------------------

    def extend(self, study: str, items: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Entry]:
        """Append entries, given as (kind, plain body), in one durable transaction.

        Raises:
            StoreFailed: nothing of this call was recorded; everything before it is safe.
            ChainBroken: another process has written to the study since this one read it.
            BadMeasurement: a body has no canonical form; nothing was recorded.
        """
        bodies = [(kind, canonical(body)) for kind, body in items]
        if not bodies:
            return []
        with self._named_errors(), self._transaction():
            entries = self._chained(study, bodies)
            self._db.executemany(
                f"INSERT INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                [(e.study, e.seq, e.kind, e.body, e.at, e.prev, e.hash) for e in entries],
            )
        for entry in entries:
            self._heads.saw(entry)
        return entries

    def entries(self, study: str, after: int = 0) -> Iterator[Entry]:
        """Yield the entries with ``seq > after`` in order, as they are stored.

        They are not checked here; `upward.ledger.chain.checked` does that. Entries that are
        appended while it runs are included. Memory does not grow with their number.
        """
        while page := self._page(study, after):
            for entry in page:
                self._heads.saw(entry)
                yield entry
            after = page[-1].seq

    def head(self, study: str) -> Entry | None:
        """Return the last entry, or None for a study that does not exist."""
        with self._named_errors():
            row = self._db.execute(
                f"SELECT {COLUMNS} FROM entries WHERE study = ? ORDER BY seq DESC LIMIT 1",  # noqa: S608
                (study,),
            ).fetchone()
        return Entry(*row) if row else None

    def studies(self) -> list[str]:
        """Return the names of all studies, most recently written first."""
        with self._named_errors():
            rows = self._db.execute(
                """
                WITH RECURSIVE names (study) AS (
                    SELECT min(study) FROM entries
                    UNION ALL
                    SELECT (SELECT min(study) FROM entries WHERE study > names.study)
                    FROM names WHERE names.study IS NOT NULL
                )
                SELECT study FROM names WHERE study IS NOT NULL ORDER BY (
                    SELECT id FROM entries WHERE study = names.study ORDER BY seq DESC LIMIT 1
                ) DESC
                """
            ).fetchall()
        return [study for (study,) in rows]

    # -- checkpoints -------------------------------------------------------------------------

    def save_checkpoint(self, study: str) -> Checkpoint | None:
        """Pin all entries of a study as they are now; None for a study without entries.

        Call it when a session ends. Cost: one hash per entry, about 2 µs each.

        Raises:
            StoreFailed: nothing was recorded.
        """
        with self._named_errors(), self._transaction():
            rows = self._db.execute(
                "SELECT hash FROM entries WHERE study = ? ORDER BY seq", (study,)
            )
            made = checkpoint_of_hashes(study, (digest for (digest,) in rows))
            if made.size:
                self._db.execute(
                    "INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (made.study, made.size, made.root, made.head, self._clock.now()),
                )
        return made if made.size else None

    def checkpoint(self, study: str) -> Checkpoint | None:
        """Return the newest checkpoint that was saved here, or None."""
        with self._named_errors():
            row = self._db.execute(
                "SELECT study, size, root, head FROM checkpoints WHERE study = ? "
                "ORDER BY size DESC LIMIT 1",
                (study,),
            ).fetchone()
        return Checkpoint(*row) if row else None

    def close(self) -> None:
        """Close the file; doing it again changes nothing."""
        with self._named_errors():
            self._db.close()

    # -- inside ------------------------------------------------------------------------------

    def _chained(self, study: str, bodies: list[tuple[str, bytes]]) -> list[Entry]:
        row = self._db.execute(
            "SELECT seq, hash FROM entries WHERE study = ? ORDER BY seq DESC LIMIT 1", (study,)
        ).fetchone()
        seq, prev = row or (0, START)
        self._heads.require(study, seq, prev)
        at, made = self._clock.now(), list[Entry]()
        for kind, body in bodies:
            seq += 1
            made.append(link(study, seq, kind, body, at, prev))
            prev = made[-1].hash
        return made

    def _page(self, study: str, after: int) -> list[Entry]:
        with self._named_errors():
            rows = self._db.execute(
                f"SELECT {COLUMNS} FROM entries WHERE study = ? AND seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
                (study, after, PAGE),
            ).fetchall()
        return [Entry(*row) for row in rows]

    @contextlib.contextmanager
    def _transaction(self) -> Generator[None]:
        # IMMEDIATE: a transaction that begins by reading cannot wait for the right to write
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")

    def _open_writer(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWrite(str(self._path.parent), error.strerror or str(error)) from error
        return self._connect("rwc")

    def _prepare(self, network: str | None) -> None:
        version_of(self._db, str(self._path))
        self._db.execute(f"PRAGMA journal_mode = {self._journal_mode(network)}")
        self._db.execute("PRAGMA synchronous = FULL")
        migrate(self._db, str(self._path))

    def _open_reader(self) -> sqlite3.Connection:
        if not self._path.is_file():
            hint = "Nothing was recorded there yet; begin with `upward run TASK`."
            raise UnknownName("ledger", str(self._path), (), hint)
        return self._connect("ro" + self._frozen())

    def _accept(self) -> None:
        version = version_of(self._db, str(self._path))
        if version < len(MIGRATIONS):
            reason = f"it has schema version {version}, which `upward run` will bring up to date"
            raise StoreFailed(str(self._path), reason)

    def _connect(self, mode: str) -> sqlite3.Connection:
        # autocommit: transactions begin where this file says so
        return sqlite3.connect(
            f"file:{quote(str(self._path.absolute()))}?mode={mode}",
            uri=True,
            timeout=self._busy_s,
            isolation_level=None,
        )

    def _frozen(self) -> str:
        """Tell SQLite that nobody can write, where it could not make its shared memory file."""
        log = self._path.with_name(self._path.name + "-wal")
        return "" if log.exists() or os.access(self._path.parent, os.W_OK) else "&immutable=1"

    def _journal_mode(self, network: str | None) -> str:
        if network is None:
            return "WAL"
        self.warning = (
            f"{self._path.parent} is on a network file system ({network}): the ledger is kept "
            "without write-ahead log, which is slower; only one machine may write to it. "
            "A local folder is better: choose one with --home."
        )
        return "DELETE"

    @contextlib.contextmanager
    def _named_errors(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _named(self._path, error, self._busy_s) from error


def _named(path: Path, error: sqlite3.Error, busy_s: float) -> LedgerError | CannotWrite:
    """Give an error of SQLite the name and the words of ours."""
    name = getattr(error, "sqlite_errorname", "") or ""
    for prefix, reason in _REASONS.items():
        if name.startswith(prefix):
            return StoreFailed(str(path), reason.format(name=name, busy_s=busy_s))
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
        return CannotWrite(str(path), str(error))
    return StoreFailed(str(path), f"{error} ({name or type(error).__name__})")


_REASONS = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR": "the disk reported an error ({name})",
    "SQLITE_CORRUPT": "the file is damaged; restore it from a copy",
    "SQLITE_NOTADB": "the file is not a database or its beginning is damaged",
    "SQLITE_BUSY": "another process has kept it locked for {busy_s:g} s",
    "SQLITE_LOCKED": "it is locked by this process",
    "SQLITE_CONSTRAINT": "the database refused what is not an append",
}
