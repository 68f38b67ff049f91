"""The hash chain: how an entry follows from the one before it, and how a break is found and named.

The hash of an entry is SHA-256 over a domain tag and all its fields, each with its length before
it, so that no two different entries share the bytes that are hashed.

What the chain alone does not show: that the newest entries were removed, or that someone rewrote
everything and computed all hashes again. `upward.ledger.checkpoint` shows both.
"""

import hashlib
from collections.abc import Iterable, Iterator

from upward.core.errors import ChainBroken
from upward.core.records import Entry

START = "0" * 64
DOMAIN = b"upward entry 1"


def link(study: str, seq: int, kind: str, body: bytes, at: str, prev: str) -> Entry:
    """Return the entry with its hash.

    Args:
        study: name of the study.
        seq: 1, 2, 3, …
        kind: what the body is.
        body: canonical bytes.
        at: UTC time, ISO 8601.
        prev: hash of the entry before; `START` for the first.
    """
    return Entry(study, seq, kind, body, at, prev, _digest(study, seq, kind, body, at, prev))


def _digest(study: str, seq: int, kind: str, body: bytes, at: str, prev: str) -> str:
    digest = hashlib.sha256()
    for part in (DOMAIN, _utf8(study), b"%d" % seq, _utf8(kind), body, _utf8(at), _utf8(prev)):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def _utf8(text: str) -> bytes:
    # a damaged database may return text that is no proper Unicode; it must hash to a mismatch
    return text.encode("utf-8", "surrogatepass")


def faults(entries: Iterable[Entry], after: Entry | None = None) -> Iterator[ChainBroken]:
    """Yield at most one fault for each entry that does not follow from the one before it.

    After a fault the walk goes on from the entry as it stands, so that one flipped byte is one
    fault and not one for every later entry.

    Args:
        entries: of one study, in the order in which they are kept.
        after: the entry before the first of them, when they are not the whole study.
    """
    before = after
    for entry in entries:
        fault = _fault(entry, before)
        if fault is not None:
            yield fault
        before = entry


def check(entries: Iterable[Entry], after: Entry | None = None) -> ChainBroken | None:
    """Return the first fault of a chain, or None when every entry follows."""
    return next(faults(entries, after), None)


def checked(entries: Iterable[Entry], after: Entry | None = None) -> Iterator[Entry]:
    """Yield the entries as long as they form a chain; for whoever is about to build on them.

    Raises:
        ChainBroken: at the first entry that does not follow.
    """
    before = after
    for entry in entries:
        fault = _fault(entry, before)
        if fault is not None:
            raise fault
        yield entry
        before = entry


def _fault(entry: Entry, before: Entry | None) -> ChainBroken | None:
    expected = before.seq + 1 if before else 1
    if before is not None and entry.study != before.study:
        return ChainBroken(
            before.study, expected, f"an entry of study {entry.study!r} stands in its place"
        )
    if entry.seq > expected:
        more = f" with all up to {entry.seq - 1}" if entry.seq > expected + 1 else ""
        reason = f"removed{more}, entry {entry.seq} stands in its place"
        return ChainBroken(entry.study, expected, reason)
    if entry.seq < expected:
        return ChainBroken(entry.study, entry.seq, f"out of order, it stands at place {expected}")
    return _content_fault(entry, before.hash if before else START)


def _content_fault(entry: Entry, prev: str) -> ChainBroken | None:
    content = (entry.study, entry.seq, entry.kind, entry.body, entry.at, entry.prev)
    if _digest(*content) != entry.hash:
        return ChainBroken(
            entry.study, entry.seq, "its content was changed, it no longer has its hash"
        )
    if entry.prev != prev:
        return ChainBroken(
            entry.study, entry.seq, f"does not follow from entry {entry.seq - 1}, its link is wrong"
        )
    return None


class Heads:
    """How far one holder of a ledger has read or written each study.

    A writer may only extend what it has read: if another process has appended in between, its
    next entry would rest on a state that it does not know.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, str]] = {}

    def saw(self, entry: Entry) -> None:
        """Note an entry that was handed out or written; an older one changes nothing."""
        if entry.seq > self._known.get(entry.study, (0, START))[0]:
            self._known[entry.study] = (entry.seq, entry.hash)

    def require(self, study: str, seq: int, head: str) -> None:
        """Check that the end of the ledger is what was read or written last.

        Raises:
            ChainBroken: entries were added or removed by someone else.
        """
        known, digest = self._known.get(study, (0, START))
        if seq > known:
            reason = f"another process added it; this one has read {known} entries, read them first"
            raise ChainBroken(study, known + 1, reason)
        if (seq, head) != (known, digest):
            raise ChainBroken(study, known, "removed or replaced since it was read")
