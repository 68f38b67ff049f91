"""What every adapter of the ports `Ledger` and `Blobs` promises, as test suites.

Inherit from a suite in a test module, say how to open the adapter, and pytest runs all of it::

    class TestMyLedger(LedgerContract):
        def open(self, place: Path) -> MyLedger:
            return MyLedger(place / "ledger")
"""

# ruff: noqa: S101  (a contract is made of assertions; it never runs outside of tests)

import abc
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from upward.core.canon import canonical
from upward.core.errors import BadMeasurement, BlobChanged, ChainBroken
from upward.core.ids import blob_id
from upward.core.ports import Blobs, Ledger
from upward.ledger.chain import START, check
from upward.ledger.checkpoint import Checkpoint, checkpoint_of


class PinningLedger(Ledger, Protocol):
    """A ledger that also keeps checkpoints."""

    def save_checkpoint(self, study: str) -> Checkpoint | None:
        """Pin all entries of a study as they are now."""
        ...

    def checkpoint(self, study: str) -> Checkpoint | None:
        """Return the newest checkpoint that was saved."""
        ...


class ListedBlobs(Blobs, Protocol):
    """Blobs that can also be listed."""

    def ids(self) -> Iterator[str]:
        """Yield every id that is kept, in order."""
        ...


class LedgerContract(abc.ABC):
    """The promises of a ledger; opening one place twice stands for two processes."""

    @abc.abstractmethod
    def open(self, place: Path) -> PinningLedger:
        """Open the ledger of this place, empty the first time; twice gives two handles."""

    def test_a_new_ledger_knows_no_study(self, tmp_path: Path) -> None:
        """Nothing is invented for a name that was never written."""
        ledger = self.open(tmp_path)
        assert ledger.studies() == []
        assert ledger.head("s") is None
        assert list(ledger.entries("s")) == []
        assert ledger.save_checkpoint("s") is None
        assert ledger.checkpoint("s") is None

    def test_entries_come_back_as_they_were_returned(self, tmp_path: Path) -> None:
        """What `extend` returns is what `entries` and `head` give."""
        ledger = self.open(tmp_path)
        made = ledger.extend("s", [("study", {"a": 1}), ("trial", {"b": [1.5, "ü", None]})])
        made += ledger.extend("s", [("outcome", {})])
        assert list(ledger.entries("s")) == made
        assert ledger.head("s") == made[-1]
        assert [(e.seq, e.kind, e.body) for e in made] == [
            (1, "study", canonical({"a": 1})),
            (2, "trial", canonical({"b": [1.5, "ü", None]})),
            (3, "outcome", b"{}"),
        ]

    def test_entries_form_a_chain_from_the_start(self, tmp_path: Path) -> None:
        """Also across several calls, and the first one has no predecessor."""
        ledger = self.open(tmp_path)
        ledger.extend("s", [("study", {}), ("trial", {})])
        ledger.extend("s", [("trial", {})])
        entries = list(ledger.entries("s"))
        assert entries[0].prev == START
        assert check(entries) is None

    def test_entries_after_a_number_begin_behind_it(self, tmp_path: Path) -> None:
        """`after` is the number of the last entry that is already known."""
        ledger = self.open(tmp_path)
        ledger.extend("s", [("trial", {"n": n}) for n in range(5)])
        assert [e.seq for e in ledger.entries("s", after=3)] == [4, 5]
        assert list(ledger.entries("s", after=5)) == []
        assert list(ledger.entries("s", after=99)) == []

    def test_more_entries_than_one_read_fetches_come_in_order(self, tmp_path: Path) -> None:
        """A long study is read in pieces, without loss at their borders."""
        ledger = self.open(tmp_path)
        ledger.extend("s", [("trial", {"n": n}) for n in range(1000)])
        assert [e.seq for e in ledger.entries("s")] == list(range(1, 1001))

    def test_an_entry_may_be_appended_while_entries_are_read(self, tmp_path: Path) -> None:
        """A reader sees it too, and the writer is not kept waiting."""
        ledger = self.open(tmp_path)
        ledger.extend("s", [("trial", {})])
        reading = ledger.entries("s")
        next(reading)
        ledger.extend("s", [("trial", {})])
        assert [e.seq for e in reading] == [2]

    def test_extending_by_nothing_changes_nothing(self, tmp_path: Path) -> None:
        """No study comes into being without an entry."""
        ledger = self.open(tmp_path)
        assert ledger.extend("s", []) == []
        assert ledger.studies() == []

    def test_studies_do_not_mix(self, tmp_path: Path) -> None:
        """Each has its own numbers and its own chain."""
        ledger = self.open(tmp_path)
        ledger.extend("a", [("study", {})])
        ledger.extend("b", [("study", {})])
        ledger.extend("a", [("trial", {})])
        assert [e.seq for e in ledger.entries("a")] == [1, 2]
        assert [e.seq for e in ledger.entries("b")] == [1]
        assert check(ledger.entries("a")) is None

    def test_the_study_written_last_comes_first(self, tmp_path: Path) -> None:
        """So that a command without a name means the newest."""
        ledger = self.open(tmp_path)
        for study in ("a", "c", "b", "a"):
            ledger.extend(study, [("trial", {})])
        assert ledger.studies() == ["a", "b", "c"]

    def test_any_text_can_be_the_name_of_a_study(self, tmp_path: Path) -> None:
        """Names are data, never part of a statement or a path."""
        ledger = self.open(tmp_path)
        names = ["a b", "ü/../x", "'; DROP TABLE entries; --", "日本", "%", "A", "a"]
        for name in names:
            ledger.extend(name, [("study", {"name": name})])
        assert ledger.studies() == names[::-1]
        assert [ledger.head(name) is not None for name in names] == [True] * len(names)

    def test_a_body_without_canonical_form_records_nothing(self, tmp_path: Path) -> None:
        """All entries of a call are recorded or none."""
        ledger = self.open(tmp_path)
        ledger.extend("s", [("study", {})])
        with pytest.raises(BadMeasurement):
            ledger.extend("s", [("trial", {}), ("outcome", {"value": float("nan")})])
        assert [e.seq for e in ledger.entries("s")] == [1]
        assert [e.seq for e in ledger.extend("s", [("trial", {})])] == [2]

    def test_a_second_handle_sees_what_the_first_wrote(self, tmp_path: Path) -> None:
        """Reading needs no permission of the writer."""
        first, second = self.open(tmp_path), self.open(tmp_path)
        made = first.extend("s", [("study", {})])
        assert list(second.entries("s")) == made
        assert second.studies() == ["s"]

    def test_a_writer_whose_view_is_old_is_refused(self, tmp_path: Path) -> None:
        """Of two writers the second learns that it does not know the end of the ledger."""
        first, second = self.open(tmp_path), self.open(tmp_path)
        first.extend("s", [("study", {})])
        list(second.entries("s"))
        second.extend("s", [("trial", {})])
        with pytest.raises(ChainBroken, match="another process"):
            first.extend("s", [("trial", {})])
        assert [e.seq for e in first.entries("s")] == [1, 2]
        assert [e.seq for e in first.extend("s", [("trial", {})])] == [3]

    def test_a_study_that_exists_cannot_be_begun_unread(self, tmp_path: Path) -> None:
        """Two processes that begin the same study do not both succeed."""
        first, second = self.open(tmp_path), self.open(tmp_path)
        first.extend("s", [("study", {})])
        with pytest.raises(ChainBroken, match="entry 1"):
            second.extend("s", [("study", {})])

    def test_looking_at_the_head_is_not_reading(self, tmp_path: Path) -> None:
        """Whoever only looked at the end does not know the state that leads to it."""
        first, second = self.open(tmp_path), self.open(tmp_path)
        first.extend("s", [("study", {}), ("trial", {})])
        next(second.entries("s"))
        second.head("s")
        with pytest.raises(ChainBroken, match="entry 2"):
            second.extend("s", [("trial", {})])

    def test_a_checkpoint_pins_what_was_there_when_it_was_saved(self, tmp_path: Path) -> None:
        """And the newest is the one that is returned."""
        ledger = self.open(tmp_path)
        ledger.extend("s", [("study", {}), ("trial", {})])
        saved = ledger.save_checkpoint("s")
        assert saved == ledger.save_checkpoint("s") == checkpoint_of("s", ledger.entries("s"))
        ledger.extend("s", [("outcome", {})])
        assert ledger.checkpoint("s") == saved
        assert ledger.save_checkpoint("s") == checkpoint_of("s", ledger.entries("s"))
        assert self.open(tmp_path).checkpoint("s") == checkpoint_of("s", ledger.entries("s"))


class BlobsContract(abc.ABC):
    """The promises of a blob store."""

    @abc.abstractmethod
    def open(self, place: Path) -> ListedBlobs:
        """Open the store of this place, empty the first time."""

    @abc.abstractmethod
    def damage(self, blobs: ListedBlobs, place: Path, blob: str) -> None:
        """Change the bytes that are kept under an id behind the store's back."""

    @abc.abstractmethod
    def remove(self, blobs: ListedBlobs, place: Path, blob: str) -> None:
        """Lose the bytes that are kept under an id behind the store's back."""

    @pytest.mark.parametrize("data", [b"", b"\x00", b"text", bytes(range(256)) * 4096])
    def test_bytes_come_back_as_they_were(self, tmp_path: Path, data: bytes) -> None:
        """Under the id that their content gives them."""
        blobs = self.open(tmp_path)
        blob = blobs.put(data)
        assert blob == blob_id(data)
        assert blobs.get(blob) == data
        assert blobs.has(blob)

    def test_putting_the_same_bytes_twice_keeps_them_once(self, tmp_path: Path) -> None:
        """The second time returns the same id."""
        blobs = self.open(tmp_path)
        assert blobs.put(b"same") == blobs.put(b"same")
        assert list(blobs.ids()) == [blob_id(b"same")]

    def test_missing_bytes_are_named(self, tmp_path: Path) -> None:
        """Never an empty answer."""
        blobs = self.open(tmp_path)
        absent = blob_id(b"absent")
        assert not blobs.has(absent)
        with pytest.raises(BlobChanged, match=f"{absent}.*missing"):
            blobs.get(absent)

    def test_changed_bytes_are_refused_and_named(self, tmp_path: Path) -> None:
        """What comes back always has the content of its id."""
        blobs = self.open(tmp_path)
        blob = blobs.put(b"original")
        self.damage(blobs, tmp_path, blob)
        with pytest.raises(BlobChanged, match=f"{blob}.*changed"):
            blobs.get(blob)

    def test_lost_bytes_can_be_put_again(self, tmp_path: Path) -> None:
        """Loss is found at reading, and mended by whoever has the bytes."""
        blobs = self.open(tmp_path)
        blob = blobs.put(b"original")
        self.remove(blobs, tmp_path, blob)
        assert not blobs.has(blob)
        assert blobs.put(b"original") == blob
        assert blobs.get(blob) == b"original"

    def test_all_ids_are_listed_in_order(self, tmp_path: Path) -> None:
        """A store that was never written to lists none."""
        blobs = self.open(tmp_path)
        assert list(blobs.ids()) == []
        made = {blobs.put(b"%d" % number) for number in range(40)}
        assert list(blobs.ids()) == sorted(made)
