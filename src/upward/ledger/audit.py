"""The audit of a study: everything that its ledger claims and that can be checked without running.

Checked are the chain, the checkpoint, the state machine (`upward.ledger.replay`), whether every
candidate has the name that its files give it, and every blob that an entry refers to. Not checked:
whether the measurements repeat; that needs a replay of trials.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from upward.core.canon import parse_strict
from upward.core.codec import restore
from upward.core.errors import BadEntry, BlobChanged, UpwardError
from upward.core.ids import tree_id
from upward.core.records import Entry, Outcome, Proposal
from upward.ledger.chain import faults
from upward.ledger.checkpoint import Checkpoint, Tree
from upward.ledger.facts import Genesis
from upward.ledger.replay import MAX_BODY_BYTES, StudyState

# what reading a body of the wrong shape can raise, besides our own errors
MALFORMED = (UpwardError, KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Args:
        kind: ``chain``, ``checkpoint``, ``state`` or ``blob``.
        where: which entry or file, for people.
        reason: one sentence.
    """

    kind: str
    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


@dataclass(slots=True)
class Audit:
    """What an audit looked at and what it found.

    Args:
        study: its name.
        entries: number of entries that were read.
        blobs: number of different blobs that were checked.
        checkpoint: the checkpoint of what was read; keep it elsewhere to pin it.
        findings: empty when everything is as it was recorded.
    """

    study: str
    entries: int
    blobs: int
    checkpoint: Checkpoint
    findings: list[Finding] = field(default_factory=list[Finding])

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def audit(
    study: str,
    entries: Iterable[Entry],
    checkpoint: Checkpoint | None,
    check_blob: Callable[[str], object],
) -> Audit:
    """Check a whole study in one pass; faults are collected, never raised.

    Args:
        study: its name.
        entries: all of them, in order.
        checkpoint: an earlier one to hold the entries against, or None.
        check_blob: reads one blob and raises `BlobChanged` if it is missing or changed, for
            example ``blobs.get``.

    Returns:
        The audit; every finding names the entry or the blob.
    """
    walk = _Walk(study, checkpoint, check_blob)
    walk.run(entries)
    pinned = walk.tree.checkpoint(study)
    return Audit(study, walk.tree.size, len(walk.blobs), pinned, list(walk.found))


def references(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield (file, blob id) for everything that an entry claims to be kept.

    Raises:
        UpwardError: the body is not what its kind says.
    """
    readers = {"study": _of_genesis, "proposal": _of_proposal, "outcome": _of_outcome}
    reader = readers.get(entry.kind)
    if reader is not None:
        yield from reader(parse_strict(entry.body, limit_bytes=MAX_BODY_BYTES))


def _of_genesis(body: object) -> Iterator[tuple[str, str]]:
    genesis = restore(Genesis, body)
    yield from genesis.task.files.items()
    yield from _under("scorer", genesis.task.scorer_files)
    yield from _under("predictor", genesis.task.predictor_files)
    for part, files in genesis.prepared.items():
        yield from _under(part, files)


def _under(folder: str, files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((f"{folder}/{path}", blob) for path, blob in files.items())


def _of_proposal(body: object) -> Iterator[tuple[str, str]]:
    yield from restore(Proposal, body).files.items()


def _of_outcome(body: object) -> Iterator[tuple[str, str]]:
    outcome = restore(Outcome, body)
    if outcome.kept:
        yield from outcome.outputs.items()


def _check_name(state: StudyState, entry: Entry) -> None:
    """Check that a candidate which an entry introduces is named by its content."""
    if entry.kind == "study":
        named, tree = state.start.baseline, dict(state.task.files)
    elif entry.kind == "proposal":
        proposal = state.proposals[len(state.proposals)]
        if outside := set(proposal.files) - set(state.task.edit):
            raise BadEntry(entry.kind, f"{sorted(outside)} may not be edited in this task")
        named, tree = proposal.candidate, state.tree_of(proposal.candidate)
    else:
        return
    if tree_id(tree) != named:
        raise BadEntry(entry.kind, f"candidate {named} is not what its files are")


class _Walk:
    """One pass over the entries; the chain is followed beside the state."""

    def __init__(
        self, study: str, checkpoint: Checkpoint | None, check_blob: Callable[[str], object]
    ) -> None:
        self.study = study
        self.pinned = checkpoint
        self.check_blob = check_blob
        self.tree = Tree()
        self.blobs: set[str] = set()
        self.found: dict[Finding, None] = {}
        self._state: StudyState | None = StudyState(study)
        self._before: Entry | None = None

    def run(self, entries: Iterable[Entry]) -> None:
        """Take in all entries, then say what is missing behind them."""
        if self.pinned is not None and self.pinned.study != self.study:
            self._report("checkpoint", "checkpoint", f"is of study {self.pinned.study!r}")
            self.pinned = None
        for entry in entries:
            self._take(entry)
        if not self.tree.size:
            self._report("chain", f"study {self.study!r}", "has no entries")
        if self.pinned is not None and self.tree.size < self.pinned.size:
            self._truncated(self.pinned)

    def _take(self, entry: Entry) -> None:
        sound = self._chain(entry)
        self.tree.add(entry.hash)
        self._hold_against_checkpoint()
        if sound:
            self._fold(entry)
            self._references(entry)
        else:
            # what follows from an entry that was tampered with says nothing
            self._state = None

    def _chain(self, entry: Entry) -> bool:
        if self._before is None and entry.study != self.study:
            self._report("chain", f"entry {entry.seq}", f"belongs to study {entry.study!r}")
        broken = list(faults([entry], self._before))
        for fault in broken:
            self._report("chain", f"entry {fault.seq}", fault.reason)
        self._before = entry
        return not broken

    def _hold_against_checkpoint(self) -> None:
        pinned = self.pinned
        if pinned is None or self.tree.size != pinned.size:
            return
        if self.tree.checkpoint(pinned.study) != pinned:
            reason = "differ from what the checkpoint pinned; an entry among them was rewritten"
            self._report("checkpoint", f"entries 1 to {pinned.size}", reason)

    def _truncated(self, pinned: Checkpoint) -> None:
        first, last = self.tree.size + 1, pinned.size
        where = f"entry {first}" if first == last else f"entries {first} to {last}"
        self._report("checkpoint", where, "removed from the end; the checkpoint knows them")

    def _fold(self, entry: Entry) -> None:
        if self._state is None:
            return
        try:
            self._state.apply(entry)
            _check_name(self._state, entry)
        except MALFORMED as error:
            self._report("state", f"entry {entry.seq} ({entry.kind})", _said(error))
            self._state = None

    def _references(self, entry: Entry) -> None:
        try:
            named = list(references(entry))
        except MALFORMED as error:
            self._report("state", f"entry {entry.seq} ({entry.kind})", _said(error))
            return
        for path, blob in named:
            if blob not in self.blobs:
                self.blobs.add(blob)
                self._blob(entry, path, blob)

    def _blob(self, entry: Entry, path: str, blob: str) -> None:
        try:
            self.check_blob(blob)
        except BlobChanged as error:
            where = f"entry {entry.seq} ({entry.kind}), {path}"
            self._report("blob", where, f"blob {blob}: {error.reason}")

    def _report(self, kind: str, where: str, reason: str) -> None:
        self.found[Finding(kind, where, reason)] = None


def _said(error: BaseException) -> str:
    return str(error) if isinstance(error, UpwardError) else f"malformed body ({error!r})"
