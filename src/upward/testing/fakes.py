"""In-memory adapters of the ports, for tests; held to the same contracts as the real ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from upward.core.canon import canonical
from upward.core.errors import BlobChanged
from upward.core.ids import blob_id
from upward.core.ports import Clock
from upward.core.records import Entry
from upward.ledger.chain import START, Heads, link
from upward.ledger.checkpoint import Checkpoint, checkpoint_of

ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """A clock that stands still until a test moves it.

    Args:
        tick_s: how far every reading moves it; 0 for a clock that never moves by itself.
    """

    def __init__(self, tick_s: float = 0.0) -> None:
        self._passed_s = 0.0
        self._set_back_s = 0.0
        self._tick_s = tick_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._passed_s += seconds

    def set_back(self, seconds: float) -> None:
        """Turn the wall clock back, as an administrator would; monotonic time is not touched."""
        self._set_back_s += seconds

    def now(self) -> str:
        """UTC time, ISO 8601 to the millisecond."""
        self._passed_s += self._tick_s
        at = ORIGIN + timedelta(seconds=self._passed_s - self._set_back_s)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def monotonic_s(self) -> float:
        """Seconds that only go up."""
        self._passed_s += self._tick_s
        return self._passed_s


@dataclass(slots=True)
class Shelf:
    """Where a `MemoryLedger` keeps things; two that share one stand for two processes."""

    chains: dict[str, list[Entry]] = field(default_factory=dict[str, list[Entry]])
    pinned: dict[str, Checkpoint] = field(default_factory=dict[str, Checkpoint])


class MemoryLedger:
    """A ledger in memory.

    Args:
        clock: for the time of each entry.
        shelf: where the entries are; an empty one of its own when left out.
    """

    def __init__(self, clock: Clock, shelf: Shelf | None = None) -> None:
        self._clock = clock
        self._heads = Heads()
        self._shelf = shelf if shelf is not None else Shelf()

    def extend(self, study: str, items: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Entry]:
        """Append entries, given as (kind, plain body); all or none."""
        bodies = [(kind, canonical(body)) for kind, body in items]
        if not bodies:
            return []
        chain = self._shelf.chains.get(study, [])
        self._heads.require(study, len(chain), chain[-1].hash if chain else START)
        at, made = self._clock.now(), list[Entry]()
        for kind, body in bodies:
            before = made[-1:] or chain[-1:]
            prev = before[0].hash if before else START
            made.append(link(study, len(chain) + len(made) + 1, kind, body, at, prev))
        self._shelf.chains.pop(study, None)
        self._shelf.chains[study] = chain + made  # back in as the most recently written
        for entry in made:
            self._heads.saw(entry)
        return made

    def entries(self, study: str, after: int = 0) -> Iterator[Entry]:
        """Yield the entries with ``seq > after`` in order."""
        while after < len(chain := self._shelf.chains.get(study, [])):
            entry = chain[after]
            self._heads.saw(entry)
            yield entry
            after += 1

    def head(self, study: str) -> Entry | None:
        """Return the last entry, or None for a study that does not exist."""
        chain = self._shelf.chains.get(study)
        return chain[-1] if chain else None

    def studies(self) -> list[str]:
        """Return the names of all studies, most recently written first."""
        return list(self._shelf.chains)[::-1]

    def save_checkpoint(self, study: str) -> Checkpoint | None:
        """Pin all entries of a study as they are now; None for a study without entries."""
        chain = self._shelf.chains.get(study)
        if chain:
            self._shelf.pinned[study] = checkpoint_of(study, chain)
        return self.checkpoint(study) if chain else None

    def checkpoint(self, study: str) -> Checkpoint | None:
        """Return the newest checkpoint that was saved, or None."""
        return self._shelf.pinned.get(study)


class MemoryBlobs:
    """Blobs in memory; `damage` and `remove` do what a failing disk does."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        """Keep bytes and return their id."""
        blob = blob_id(data)
        self._kept.setdefault(blob, bytes(data))
        return blob

    def get(self, blob: str) -> bytes:
        """Return the bytes, after checking that they still have this content."""
        if blob not in self._kept:
            raise BlobChanged(blob, "missing in memory")
        data = self._kept[blob]
        if (found := blob_id(data)) != blob:
            raise BlobChanged(blob, f"changed in memory, its bytes now have the id {found}")
        return data

    def has(self, blob: str) -> bool:
        """Whether bytes are kept under this id (not whether they are intact)."""
        return blob in self._kept

    def ids(self) -> Iterator[str]:
        """Yield the id of everything that is kept, in order."""
        yield from sorted(self._kept)

    def damage(self, blob: str) -> None:
        """Flip one bit of what is kept, or add a byte to nothing."""
        data = self._kept[blob]
        self._kept[blob] = bytes([data[0] ^ 1]) + data[1:] if data else b"\x00"

    def remove(self, blob: str) -> None:
        """Lose what is kept."""
        del self._kept[blob]
