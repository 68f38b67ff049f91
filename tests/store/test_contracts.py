from pathlib import Path

from upward.store.blobs import FolderBlobs
from upward.store.sqlite import SqliteLedger
from upward.testing.fakes import FakeClock, MemoryBlobs, MemoryLedger, Shelf
from upward.testing.ledger_contract import BlobsContract, LedgerContract, ListedBlobs


class TestSqliteLedger(LedgerContract):
    def setup_method(self) -> None:
        self.opened: list[SqliteLedger] = []

    def teardown_method(self) -> None:
        for ledger in self.opened:
            ledger.close()

    def open(self, place: Path) -> SqliteLedger:
        self.opened.append(SqliteLedger(place / "upward.db", FakeClock()))
        return self.opened[-1]


class TestMemoryLedger(LedgerContract):
    def setup_method(self) -> None:
        self.shelves: dict[Path, Shelf] = {}

    def open(self, place: Path) -> MemoryLedger:
        return MemoryLedger(FakeClock(), self.shelves.setdefault(place, Shelf()))


class TestFolderBlobs(BlobsContract):
    def open(self, place: Path) -> FolderBlobs:
        return FolderBlobs(place / "blobs")

    def damage(self, blobs: ListedBlobs, place: Path, blob: str) -> None:
        file = place / "blobs" / blob[:2] / blob[2:]
        data = file.read_bytes()
        file.write_bytes(bytes([data[0] ^ 1]) + data[1:])

    def remove(self, blobs: ListedBlobs, place: Path, blob: str) -> None:
        (place / "blobs" / blob[:2] / blob[2:]).unlink()


class TestMemoryBlobs(BlobsContract):
    def open(self, place: Path) -> MemoryBlobs:
        return MemoryBlobs()

    def damage(self, blobs: ListedBlobs, place: Path, blob: str) -> None:
        assert isinstance(blobs, MemoryBlobs)
        blobs.damage(blob)

    def remove(self, blobs: ListedBlobs, place: Path, blob: str) -> None:
        assert isinstance(blobs, MemoryBlobs)
        blobs.remove(blob)
