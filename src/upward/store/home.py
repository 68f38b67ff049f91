"""The workspace folder in which Upward keeps everything of the studies begun beside it."""

import os
import tempfile
from pathlib import Path

from upward.core.errors import CannotWrite

NAME = ".upward"


class Home:
    """Layout of the folder ``.upward``; nothing is made before `create`.

    It ignores itself in git, so that a user's repository stays clean without being edited.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def database(self) -> Path:
        """The ledger."""
        return self.path / "upward.db"

    @property
    def blobs(self) -> Path:
        """Artifacts and sources by content id."""
        return self.path / "blobs"

    @property
    def locks(self) -> Path:
        """The rights to write to a study."""
        return self.path / "locks"

    @property
    def tmp(self) -> Path:
        """Scratch space of running trials; may be emptied whenever nothing runs."""
        return self.path / "tmp"

    @property
    def reports(self) -> Path:
        """Reports that were made for people."""
        return self.path / "reports"

    @property
    def exists(self) -> bool:
        """Whether a study was ever begun here."""
        return self.database.is_file()

    def create(self) -> None:
        """Make what is missing and try to write; doing it again changes nothing.

        Raises:
            CannotWrite: the folder cannot be made or written to.
        """
        try:
            for folder in (self.path, self.blobs, self.locks, self.tmp, self.reports):
                folder.mkdir(parents=True, exist_ok=True)
            self._ignore_itself()
            # a folder that exists may still be on a disk that is full or read-only
            with tempfile.TemporaryFile(dir=self.tmp) as probe:
                probe.write(b"probe")
                probe.flush()
        except OSError as error:
            raise CannotWrite(str(self.path), error.strerror or str(error)) from error

    def _ignore_itself(self) -> None:
        try:
            handle = os.open(self.path / ".gitignore", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            return
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("*\n")
