"""Every error of Upward, as one tree with four branches because there are four reactions.

    UpwardError
    ├── UsageError          the caller must change something        (exit code 2, no traceback)
    │   ├── UnknownName         no such task, command target, knob, candidate
    │   ├── ManifestError       task.toml is wrong
    │   ├── EditOutsideSurface  a proposal touches what it may not
    │   ├── UnreadableSource    a file that must be parsed cannot be
    │   ├── StudyBusy           another process works on this study
    │   ├── TaskChanged         the task is not the one that the study began with
    │   ├── MissingTool         a program or package is not installed
    │   ├── CannotWrite         a folder or file cannot be written
    │   ├── BadBudget           a budget that is not more than zero
    │   ├── BadStudyName        a name that a study cannot have
    │   └── BaselineFails       the unedited task does not run
    ├── EvidenceError       the data cannot answer the question     (inconclusive, never a number)
    │   ├── TooFewTrials
    │   └── BadMeasurement
    ├── LedgerError         stop everything                          (exit code 1)
    │   ├── ChainBroken
    │   ├── BlobChanged
    │   ├── BadEntry
    │   └── StoreFailed
    └── TrialError          one trial; recorded as data, the loop goes on
        ├── CandidateFailed
        ├── OutputRefused
        ├── ScorerFailed
        ├── LimitExceeded
        └── SandboxFailed

Fields are arguments, the text lives in ``__str__``; each text says what was needed, what was
found and what to do next.
"""

import difflib
from collections.abc import Sequence


class UpwardError(Exception):
    """Base of everything that Upward raises on purpose."""


class UsageError(UpwardError):
    """The caller must change something; shown as one sentence, exit code 2."""


class UnknownName(UsageError):
    """A name that is not known, with the nearest known one."""

    def __init__(self, kind: str, name: str, known: Sequence[str], hint: str = "") -> None:
        super().__init__(kind, name, tuple(known), hint)
        self.kind, self.name, self.known, self.hint = kind, name, tuple(known), hint

    def __str__(self) -> str:
        near = difflib.get_close_matches(self.name, self.known, n=1)
        if near:
            found = f"Did you mean {near[0]!r}?"
        elif self.known:
            found = "Known: " + ", ".join(self.known[:12]) + ("…" if len(self.known) > 12 else ".")
        else:
            found = "None is known here."
        return f"There is no {self.kind} {self.name!r}. {found} {self.hint}".rstrip()


class ManifestError(UsageError):
    """``task.toml`` does not describe a task."""

    def __init__(self, path: str, problem: str, fix: str) -> None:
        super().__init__(path, problem, fix)
        self.path, self.problem, self.fix = path, problem, fix

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}. {self.fix}"


class EditOutsideSurface(UsageError):
    """A proposal changes a file that the task does not list under ``edit``."""

    def __init__(self, path: str, surface: Sequence[str]) -> None:
        super().__init__(path, tuple(surface))
        self.path, self.surface = path, tuple(surface)

    def __str__(self) -> str:
        allowed = ", ".join(self.surface)
        return f"The edit changes {self.path!r}, but only these may change: {allowed}."


class UnreadableSource(UsageError):
    """A source or configuration file cannot be parsed."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(path, line, reason)
        self.path, self.line, self.reason = path, line, reason

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.reason}. Mend the file, then try again."


class StudyBusy(UsageError):
    """Another process holds the right to write to this study."""

    def __init__(self, study: str, holder: str) -> None:
        super().__init__(study, holder)
        self.study, self.holder = study, holder

    def __str__(self) -> str:
        return (
            f"Study {self.study!r} is already being pursued by {self.holder}. "
            "Watch it with `upward status`, stop that process, or name another with --study."
        )


class TaskChanged(UsageError):
    """The task's files differ from those that the study began with."""

    def __init__(self, study: str, changed: Sequence[str]) -> None:
        super().__init__(study, tuple(changed))
        self.study, self.changed = study, tuple(changed)

    def __str__(self) -> str:
        files = ", ".join(self.changed[:5]) or "its settings"
        return (
            f"The task has changed since study {self.study!r} began ({files}), so its old trials "
            "no longer measure the same thing. Begin a new study with --study NAME."
        )


class MissingTool(UsageError):
    """A program or package that is needed is not installed."""

    def __init__(self, tool: str, needed_for: str, fix: str) -> None:
        super().__init__(tool, needed_for, fix)
        self.tool, self.needed_for, self.fix = tool, needed_for, fix

    def __str__(self) -> str:
        return f"{self.tool} is needed for {self.needed_for} and was not found. {self.fix}"


class CannotWrite(UsageError):
    """A place that must be written to cannot be."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return (
            f"Cannot write to {self.path}: {self.reason}. "
            "Free space there, mend its permissions, or choose another folder with --home."
        )


class BadBudget(UsageError):
    """A budget that is zero, negative, or not a number."""

    def __init__(self, name: str, value: float) -> None:
        super().__init__(name, value)
        self.name, self.value = name, value

    def __str__(self) -> str:
        return f"--{self.name} must be more than 0, not {self.value:g}. Example: --{self.name} 10"


class BadStudyName(UsageError):
    """A name that a study cannot have."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class BaselineFails(UsageError):
    """The task fails without any edit, so there is nothing to compare with."""

    def __init__(self, reason: str, trial: int) -> None:
        super().__init__(reason, trial)
        self.reason, self.trial = reason, trial

    def __str__(self) -> str:
        fix = "Mend the task, then begin a new study with --study NAME."
        if "ModuleNotFoundError" in self.reason:
            fix = (
                "Install it beside Upward (the built-in labs need `pip install 'upward[labs]'`), "
                "then run the same command again."
            )
        return (
            f"The unedited task gives no measurement: {self.reason.rstrip('. ')} "
            f"(more: `upward show t{self.trial}`). {fix}"
        )


class EvidenceError(UpwardError):
    """The data cannot answer the question; no number is invented."""


class TooFewTrials(EvidenceError):
    """Fewer measurements than the method needs."""

    def __init__(self, what: str, needed: int, found: int) -> None:
        super().__init__(what, needed, found)
        self.what, self.needed, self.found = what, needed, found

    def __str__(self) -> str:
        return f"{self.what} needs at least {self.needed} measurements, found {self.found}."


class BadMeasurement(EvidenceError):
    """A value that must not be used as a number."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"The measurement {self.name!r} is invalid: {self.reason}."


class LedgerError(UpwardError):
    """The record itself is in doubt; everything stops, exit code 1."""


class ChainBroken(LedgerError):
    """An entry does not follow from the one before it."""

    def __init__(self, study: str, seq: int, reason: str) -> None:
        super().__init__(study, seq, reason)
        self.study, self.seq, self.reason = study, seq, reason

    def __str__(self) -> str:
        return f"Study {self.study!r}, entry {self.seq}: {self.reason}."


class BlobChanged(LedgerError):
    """Bytes that are kept under a content id no longer have that content."""

    def __init__(self, blob: str, reason: str) -> None:
        super().__init__(blob, reason)
        self.blob, self.reason = blob, reason

    def __str__(self) -> str:
        return f"Blob {self.blob}: {self.reason}."


class BadEntry(LedgerError):
    """An entry that the state machine does not allow at this point."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(kind, reason)
        self.kind, self.reason = kind, reason

    def __str__(self) -> str:
        return f"A {self.kind!r} entry is not possible here: {self.reason}."


class StoreFailed(LedgerError):
    """The database or the disk refused; nothing that was recorded before is lost."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return (
            f"Could not record in {self.path}: {self.reason}. Everything recorded before is safe; "
            "mend this and run the same command again."
        )


class TrialError(UpwardError):
    """One trial failed; becomes a `Failure` record at the trial boundary."""

    boundary = "trial"

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail

    def __str__(self) -> str:
        return self.reason


class CandidateFailed(TrialError):
    """The candidate's own command ended badly."""

    boundary = "candidate"


class OutputRefused(TrialError):
    """A declared output is missing, too large, or not a regular file."""

    boundary = "outputs"


class ScorerFailed(TrialError):
    """The scorer crashed or did not write exactly one valid measurement."""

    boundary = "scorer"


class LimitExceeded(TrialError):
    """A limit that is held from outside was reached."""

    boundary = "limits"


class SandboxFailed(TrialError):
    """The sandbox itself could not start or broke."""

    boundary = "sandbox"
