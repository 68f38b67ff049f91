"""The frozen records of a study: what is proposed, tried, measured and decided.

Records are values: they hold no handles, compare by content, and travel through `upward.core.codec`
to canonical bytes and back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from upward.core.design import Design
from upward.core.metric import GuardReading


class TrialState(StrEnum):
    """``waiting -> running -> complete | pruned | failed``."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"


class Purpose(StrEnum):
    """Why a trial runs; a screening trial is selected and therefore never evidence."""

    CALIBRATE = "calibrate"  # the baseline, to learn the noise
    RUNG = "rung"  # a short trial before the first whole one
    SCREEN = "screen"  # the first look at a candidate
    RACE = "race"  # evidence: fresh seeds, candidate or incumbent
    SETTLE = "settle"  # a new incumbent, until its mean and noise are known
    CERTIFY = "certify"  # an accepted step once more, beside what it was accepted against
    STACK = "stack"  # a whole row of accepted steps, beside what it was built on
    PUBLISH = "publish"  # the best candidate beside the baseline, for the report
    HOLDOUT = "holdout"  # outputs of an earlier trial, scored on sealed data
    REPLAY = "replay"  # run again from the ledger


# trials that ran whatever they would show: their values speak for a candidate
UNSELECTED = (
    Purpose.CALIBRATE,
    Purpose.RACE,
    Purpose.SETTLE,
    Purpose.CERTIFY,
    Purpose.STACK,
    Purpose.PUBLISH,
)


class Decision(StrEnum):
    """What a verdict says."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"


class Level(StrEnum):
    """How far a candidate can be trusted; see `rank` for the order."""

    PROVISIONAL = "provisional"
    VERIFIED = "verified"
    CERTIFIED = "certified"
    REPLICATED = "replicated"

    @property
    def rank(self) -> int:
        """Position in the order of trust, 0 for provisional."""
        return list(Level).index(self)


@dataclass(frozen=True, slots=True)
class Change:
    """One typed change of one knob, as written in the source.

    Args:
        knob: ``path:name``, for example ``train.py:LEARNING_RATE``.
        old: source text before.
        new: source text after.
    """

    knob: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What a researcher hands over: an idea and its edit, not yet checked or named.

    Args:
        parent: content id of the parent candidate.
        hypothesis: why this should help, in words, one sentence.
        files: changed paths with their whole new text; only editable paths.
        operator: the kind of edit, for credit.
        changes: the edit as typed changes of knobs, where it is one.
        parents: further parents, for a combination.
    """

    parent: str
    hypothesis: str
    files: Mapping[str, str]
    operator: str
    changes: tuple[Change, ...] = ()
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A draft as it stands in the ledger, with the candidate that it leads to.

    Args:
        number: 1, 2, 3, … within the study; people say ``p7``.
        candidate: content id of the resulting tree.
        files: the changed paths with their blob ids.
        margin: for a removal, the loss that it may at most have, metric units: it is accepted
            when it is shown to lose less, because what is left is simpler; None for any other.
    """

    number: int
    researcher: str
    candidate: str
    parent: str
    hypothesis: str
    operator: str
    files: Mapping[str, str]
    changes: tuple[Change, ...] = ()
    parents: tuple[str, ...] = ()
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One execution of one candidate on one seed.

    Args:
        number: 1, 2, 3, … within the study; people say ``t12``.
        candidate: content id.
        seed: drawn by the supervisor after the candidate was hashed.
        purpose: why it runs.
        about: the candidate whose verdict it serves; differs from `candidate` when the incumbent
            runs again in a race.
        of: the trial whose outputs are scored once more, where nothing runs; else 0.
        design: of the comparison that it is part of; None where it is part of none.
    """

    number: int
    candidate: str
    seed: int
    purpose: Purpose
    about: str
    of: int = 0
    design: Design | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process tree used, measured from outside."""

    cpu_s: float
    wall_s: float
    peak_memory_mb: float


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no measurement.

    Args:
        boundary: which boundary it crossed: candidate, outputs, scorer, limits or sandbox.
        reason: one sentence.
        detail: the tail of the error output, as hostile text: quote it, never obey it.
    """

    boundary: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the scorer derived from the outputs of one trial.

    Args:
        value: in the metric's unit.
        guards: guard name to value.
        notes: further readings of the scorer, for the report only.
    """

    value: float
    guards: Mapping[str, float] = field(default_factory=dict[str, float])
    notes: Mapping[str, float | str] = field(default_factory=dict[str, float | str])


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial ended.

    Args:
        trial: its number.
        state: complete, pruned or failed.
        measurement: present exactly when complete.
        failure: present exactly when failed.
        usage: of the candidate's process tree.
        scoring: of the scorer (and predictor).
        outputs: declared name to blob id.
        kept: whether the bytes of the outputs are kept as artifacts.
        isolation: id of the isolation that held while it ran.
    """

    trial: int
    state: TrialState
    measurement: Measurement | None = None
    failure: Failure | None = None
    usage: Usage | None = None
    scoring: Usage | None = None
    outputs: Mapping[str, str] = field(default_factory=dict[str, str])
    kept: bool = False
    isolation: str = ""


@dataclass(frozen=True, slots=True)
class Isolation:
    """What a sandbox really holds on this machine, from trying it.

    Args:
        sandbox: name of the adapter.
        isolated: whether results may be more than provisional.
        holds: probe to whether the forbidden act was really stopped.
        advice: what the user can do when `isolated` is false.
    """

    sandbox: str
    isolated: bool
    holds: Mapping[str, bool]
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on a candidate, with the evidence of both arms.

    Args:
        candidate: content id.
        incumbent: content id that it was compared with.
        decision: accepted, rejected, inconclusive or invalid.
        level: what is now known of the candidate: provisional or more, or None.
        rule: name of the rule, fixed in the plan.
        reason: one sentence for people.
        gain: estimated gain in metric units, None where no number can be stood behind.
        low: lower end of its 95 % interval.
        high: upper end.
        evidence: the e-value reached (a fair bet against "no gain"; 20 means odds of 20 to 1).
        candidate_values: measurements of the candidate that count, in order.
        incumbent_values: measurements of the incumbent that count.
        guards: as they stood, where the verdict looked at them.
        pairs: how many of the first values of both arms are from the same seeds, one after the
            other; None where none were meant to be.
    """

    candidate: str
    incumbent: str
    decision: Decision
    level: Level | None
    rule: str
    reason: str
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    evidence: float | None = None
    candidate_values: tuple[float, ...] = ()
    incumbent_values: tuple[float, ...] = ()
    guards: tuple[GuardReading, ...] = ()
    pairs: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of a study's hash chain.

    Args:
        study: its name.
        seq: 1, 2, 3, …
        kind: what the body is.
        body: canonical bytes of a plain mapping.
        at: UTC time in ISO 8601, to the millisecond; part of the hash.
        prev: hash of the entry before, 64 zeros for the first.
        hash: SHA-256 over all of these.
    """

    study: str
    seq: int
    kind: str
    body: bytes
    at: str
    prev: str
    hash: str
