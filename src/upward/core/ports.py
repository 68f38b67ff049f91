"""The ports: what the loop needs from the world, as protocols. Adapters meet here and only here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from upward.core.records import Draft, Entry, Isolation, Outcome, Trial, Usage
from upward.core.seen import Kept, Lesson, Seen
from upward.core.task import Limits, Task


class Clock(Protocol):
    """Time, so that tests need not wait."""

    def now(self) -> str:
        """UTC time, ISO 8601 to the millisecond."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that only go up."""
        ...


class Blobs(Protocol):
    """Bytes by content id."""

    def put(self, data: bytes) -> str:
        """Keep bytes, durably, and return their id; putting the same bytes twice is free."""
        ...

    def get(self, blob: str) -> bytes:
        """Return the bytes, after checking that they still have this content.

        Raises:
            BlobChanged: missing, or the bytes no longer match their id.
        """
        ...

    def has(self, blob: str) -> bool:
        """Whether bytes are kept under this id (not whether they are intact)."""
        ...


class Ledger(Protocol):
    """An append-only hash chain per study."""

    def extend(self, study: str, items: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Entry]:
        """Append entries, given as (kind, plain body), in one durable transaction.

        Raises:
            StoreFailed: nothing of this call was recorded; everything before it is safe.
        """
        ...

    def entries(self, study: str, after: int = 0) -> Iterator[Entry]:
        """Yield the entries with ``seq > after`` in order."""
        ...

    def head(self, study: str) -> Entry | None:
        """Return the last entry, or None for a study that does not exist."""
        ...

    def studies(self) -> list[str]:
        """Return the names of all studies, most recently written first."""
        ...


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder of this machine that a sandbox may see.

    Args:
        host: path on this machine.
        inside: absolute path in the sandbox.
        writable: read-only unless true.
    """

    host: str
    inside: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """One command to run in a sandbox, with all that it may see and use.

    Args:
        argv: the command; a first word ``python`` means the interpreter that runs Upward.
        mounts: what it sees besides the interpreter and the system's libraries.
        cwd: absolute path inside.
        stdin: bytes that it can read, then end of file.
        limits: held from outside.
        hide: Python packages that are masked wherever an interpreter would find them.
        watch: host path of the writable folder whose size counts against ``limits.disk_mb``.
    """

    argv: tuple[str, ...]
    mounts: tuple[Mount, ...]
    cwd: str
    limits: Limits
    stdin: bytes = b""
    hide: tuple[str, ...] = ()
    watch: str = ""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a sandboxed command ended.

    Args:
        exit_code: its exit code; negative is the signal that ended it.
        usage: of the whole process tree.
        stdout: at most the first MiB.
        stderr: at most the last 64 KiB.
        exceeded: name of the limit that ended it (``cpu_s``, ``wall_s``, ``memory_mb``,
            ``disk_mb``, ``processes``), or empty.
    """

    exit_code: int
    usage: Usage
    stdout: bytes
    stderr: bytes
    exceeded: str = ""


class Sandbox(Protocol):
    """Runs a command so that it sees and uses only what its box says."""

    @property
    def name(self) -> str:
        """Name of the adapter."""
        ...

    def probe(self) -> Isolation:
        """Try what must fail and report what really holds on this machine."""
        ...

    def run(self, box: Box, peer: Box | None = None) -> Ran:
        """Run to the end, whatever the end is; nothing of the process tree is left.

        Args:
            box: the command.
            peer: a second box that runs beside it. The first finds in its environment the
                descriptors ``UPWARD_PEER_READ`` and ``UPWARD_PEER_WRITE``, joined to the peer's
                standard output and input. The peer ends with it, and its usage is added.

        Raises:
            SandboxFailed: the command could not be started at all.
        """
        ...

    def stop(self) -> None:
        """End everything that runs now, from any thread; the runs return as failed."""
        ...


@dataclass(frozen=True, slots=True)
class Rescore:
    """Outputs of an earlier trial that are scored once more.

    Args:
        run: the scorer's command.
        outputs: declared name to blob id.
        usage: what the candidate used when it made them.
    """

    run: tuple[str, ...]
    outputs: Mapping[str, str]
    usage: Usage


@dataclass(frozen=True, slots=True)
class Job:
    """A trial with all that an executor needs to run it anywhere.

    Args:
        trial: what to run.
        files: path to blob id of the candidate's whole tree.
        keep: whether the bytes of the outputs are kept as artifacts.
        rescore: what is scored in place of a run of the candidate, or None.
        share: of the task's budget that the candidate gets.
    """

    trial: Trial
    files: Mapping[str, str]
    keep: bool = False
    rescore: Rescore | None = None
    share: float = 1.0


class Executor(Protocol):
    """Runs trials of one task, several at a time."""

    @property
    def workers(self) -> int:
        """How many trials run at the same time."""
        ...

    def start(self, job: Job) -> None:
        """Begin a trial; never more than `workers` at a time."""
        ...

    def finished(self, timeout_s: float) -> list[Outcome]:
        """Wait for at least one running trial to end, at most this long, and return what ended."""
        ...

    def active(self) -> list["Activity"]:
        """What every worker does now."""
        ...

    def close(self) -> None:
        """End all running trials without an outcome and free everything."""
        ...


@dataclass(frozen=True, slots=True)
class Activity:
    """What one worker does now.

    Args:
        worker: 0, 1, 2, …
        trial: that it runs.
        phase: running or scoring.
        for_s: seconds in this phase.
        study: the study of the trial, where the loop knows it.
    """

    worker: int
    trial: Trial
    phase: str
    for_s: float
    study: str = ""


class Remover(Protocol):
    """Knows how to take a part of what was changed back out."""

    def removals(self, baseline: Kept, incumbent: Kept) -> Iterator[Draft]:
        """Yield the incumbent without some of its parts, each question once, the broadest first.

        Nothing where less than two parts were changed: the baseline answers that already.
        """
        ...


class Researcher(Protocol):
    """Whoever proposes."""

    @property
    def name(self) -> str:
        """Name for the ledger."""
        ...

    def propose(self, seen: Seen) -> Draft | None:
        """Return a draft, or None when there is nothing left to propose."""
        ...

    def learn(self, lesson: Lesson) -> None:
        """Take in one verdict; called once for each, in ledger order, also after a restart."""
        ...


class TaskSource(Protocol):
    """Finds tasks by the name or path that a user types."""

    def load(self, name: str, blobs: Blobs) -> Task:
        """Return the task with its files put into the blob store.

        Raises:
            UnknownName: no lab, folder or known format of this name.
            ManifestError: the folder does not describe a task.
        """
        ...

    def names(self) -> Iterable[str]:
        """Names of the built-in labs."""
        ...
