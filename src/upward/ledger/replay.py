"""The state of a study, folded from its entries: nothing is known that the ledger does not say.

Kinds of entry, and the body of each:

    study      the genesis: task, plan, secret, baseline, prepared data, isolation, software
    session    a process began to work on it: workers, budget
    stopped    that process ended on purpose: reason
    proposal   `Proposal`
    trial      `Trial`, before it runs
    outcome    `Outcome`, after it ran
    noise      `NoiseLevel`, after calibration
    verdict    `Verdict`; a screen that was passed is a verdict too (inconclusive, provisional)
    certificate  `Certificate`, whenever other accepted steps hold than before
    stack      `StackCheck`; a verdict follows on every step that fell by it
    rung       `Rung`: what follows from a candidate's short trial
    holdout    `Answer`: what sealed data say of an accepted candidate
    published  `Publication`: the best candidate beside the baseline
    refused    a draft that was not turned into a candidate: researcher, hypothesis, reason

The cost of one entry does not grow with the length of the ledger.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from upward.core.canon import parse_strict
from upward.core.codec import restore
from upward.core.errors import BadEntry, BadMeasurement
from upward.core.noise import NoiseLevel
from upward.core.records import (
    UNSELECTED,
    Decision,
    Entry,
    Level,
    Outcome,
    Proposal,
    Purpose,
    Trial,
    TrialState,
    Verdict,
)
from upward.ledger.facts import (
    Answer,
    Certificate,
    Genesis,
    Publication,
    Record,
    Rung,
    Session,
    StackCheck,
    Step,
)
from upward.ledger.reading import Reading

SCREEN = "screen"
RACE = "race"
OVERTAKEN = "overtaken"
STACK = "stack"
RUNG = "rung"

MAX_BODY_BYTES = 16 * 1024 * 1024


class StudyState(Reading):
    """What the entries so far say; `apply` is the only way to change it."""

    def apply(self, entry: Entry) -> None:
        """Take in the next entry.

        Raises:
            BadEntry: the state machine does not allow it here.
        """
        body = _body_of(entry)
        if (self.genesis is None) != (entry.kind == "study"):
            raise BadEntry(entry.kind, "a study begins with exactly one 'study' entry")
        fold = getattr(self, f"_fold_{entry.kind}", None)
        if fold is None:
            raise BadEntry(entry.kind, "this version of Upward does not know the kind")
        fold(body, entry)
        self.seq, self.head, self.last = entry.seq, entry.hash, entry.at
        self.began = self.began or entry.at

    def _fold_study(self, body: dict[str, Any], _: Entry) -> None:
        self.genesis = restore(Genesis, body)
        self.incumbent = self.genesis.baseline
        self.records[self.incumbent] = Record(self.incumbent)

    def _fold_session(self, body: dict[str, Any], entry: Entry) -> None:
        self.sessions.append(restore(Session, {"at": entry.at, **body}))
        self.stopped = None

    def _fold_stopped(self, body: dict[str, Any], _: Entry) -> None:
        self.stopped = _reason_of("stopped", body)

    def _fold_proposal(self, body: dict[str, Any], _: Entry) -> None:
        self.unsettled = None
        proposal = restore(Proposal, body)
        if proposal.number != len(self.proposals) + 1:
            raise BadEntry("proposal", f"number {proposal.number} is out of order")
        if proposal.candidate in self.records:
            raise BadEntry("proposal", f"candidate {proposal.candidate} was proposed before")
        self.record(proposal.parent)
        self.proposals[proposal.number] = proposal
        self.records[proposal.candidate] = Record(proposal.candidate, proposal.number)

    def _fold_trial(self, body: dict[str, Any], _: Entry) -> None:
        trial = restore(Trial, body)
        if trial.number != len(self.trials) + 1:
            raise BadEntry("trial", f"number {trial.number} is out of order")
        self.record(trial.candidate).trials.append(trial.number)
        self.trials[trial.number] = trial
        self.begun[trial.purpose] += 1
        if trial.design is not None:
            self.designs.setdefault((trial.purpose, trial.about), trial.design)
        if trial.purpose is Purpose.RACE:
            self.races[trial.about] = None
        if trial.purpose is Purpose.SCREEN:
            self.promoted.pop(trial.candidate, None)
        if trial.purpose is not Purpose.REPLAY:  # a check, no part of the work
            self.unsettled = None
        self.pending[trial.number] = trial

    def _fold_outcome(self, body: dict[str, Any], entry: Entry) -> None:
        outcome = restore(Outcome, body)
        trial = self.pending.pop(outcome.trial, None)
        if trial is None:
            raise BadEntry("outcome", f"trial {outcome.trial} is not running")
        if (outcome.state is TrialState.COMPLETE) != (outcome.measurement is not None):
            raise BadEntry("outcome", "a measurement exists exactly for a complete trial")
        self.outcomes[outcome.trial] = outcome
        if trial.purpose is not Purpose.REPLAY:
            self.unsettled = outcome
        self.ended_at[outcome.trial] = entry.at
        if outcome.trial > self.start.inherited:
            self.cpu_s += sum(u.cpu_s for u in (outcome.usage, outcome.scoring) if u)
        self._count(trial, outcome)

    def _count(self, trial: Trial, outcome: Outcome) -> None:
        record = self.record(trial.candidate)
        failed = outcome.state is TrialState.FAILED
        if failed:
            self.seeds_lost.add(trial.seed)
        record.failed += failed
        self.failed += failed
        self.failed_in_a_row = self.failed_in_a_row + 1 if failed else 0
        if outcome.measurement is None:
            return
        if trial.purpose is Purpose.SCREEN:
            record.screened.append(outcome.measurement.value)
        elif trial.purpose in UNSELECTED:
            record.counted.append(outcome.measurement.value)

    def _fold_noise(self, body: dict[str, Any], _: Entry) -> None:
        self.unsettled = None
        self.noise = restore(NoiseLevel, body)

    def _fold_certificate(self, body: dict[str, Any], _: Entry) -> None:
        self.unsettled = None
        certificate = restore(Certificate, body)
        accepted = {verdict.candidate for verdict in self.accepted}
        if not accepted.issuperset(certificate.evidence):
            raise BadEntry("certificate", "it names a candidate that was not accepted")
        for candidate in self.certificate.evidence if self.certificate else ():
            if candidate in accepted:  # one that fell has no level any more
                self.record(candidate).level = Level.VERIFIED
        for candidate in certificate.evidence:
            self.record(candidate).level = Level.CERTIFIED
        self.certificate = certificate

    def _fold_stack(self, body: dict[str, Any], _: Entry) -> None:
        self.unsettled = None
        check = restore(StackCheck, body)
        row = [step.candidate for step in self.ascent()]
        if check.tip not in row or check.stands not in {self.start.baseline, *row}:
            raise BadEntry("stack", "it is about steps that the incumbent was not built on")
        self.stack_checks.append(check)
        if check.stands != check.tip:
            stay = row[: row.index(check.stands) + 1] if check.stands in row else []
            falls = set(row) - set(stay)
            self.acceptances = [
                position
                for position in self.acceptances
                if self.verdicts[position].candidate not in falls
            ]
            self.incumbent = check.stands

    def _fold_rung(self, body: dict[str, Any], _: Entry) -> None:
        self.unsettled = None
        rung = restore(Rung, body)
        self.record(rung.candidate)
        self.rungs[rung.candidate] = rung
        if rung.passed or rung.survivor:
            self.promoted[rung.candidate] = None

    def _fold_holdout(self, body: dict[str, Any], _: Entry) -> None:
        self.unsettled = None
        answer = restore(Answer, body)
        self.record(answer.candidate)
        if not 0 <= answer.holdout < len(self.task.holdouts):
            raise BadEntry("holdout", "the task has no such holdout")
        self.answers.append(answer)

    def _fold_published(self, body: dict[str, Any], _: Entry) -> None:
        self.unsettled = None
        publication = restore(Publication, body)
        self.record(publication.candidate)
        self.publications[publication.candidate] = publication

    def _fold_refused(self, body: dict[str, Any], _: Entry) -> None:
        self.unsettled = None
        self.refused.append(_reason_of("refused", body))

    def _fold_verdict(self, body: dict[str, Any], entry: Entry) -> None:
        verdict = restore(Verdict, body)
        record = self.record(verdict.candidate)
        before = self.value_of(self.incumbent)
        record.verdict, record.level = len(self.verdicts), verdict.level
        self.unsettled = verdict
        self.verdicts.append(verdict)
        self.verdict_at.append(entry.at)
        if verdict.pairs is not None and verdict.pairs > 1:
            self.decided_in_pairs.append(verdict)
        self._contend(verdict)
        value = self.value_of(verdict.candidate)
        if verdict.level is not None and value is not None:
            self._step(verdict, verdict.level, value, before, entry)
        if verdict.rule == STACK:
            self._step_back(entry)
        if verdict.decision is Decision.ACCEPTED:
            self.incumbent = verdict.candidate
            self.acceptances.append(len(self.verdicts) - 1)

    def _contend(self, verdict: Verdict) -> None:
        """A passed screen waits for its race; any other verdict ends the waiting."""
        if verdict.rule == SCREEN and verdict.level is Level.PROVISIONAL:
            self.contenders[verdict.candidate] = None
        else:
            self.contenders.pop(verdict.candidate, None)

    def _step(
        self, verdict: Verdict, level: Level, value: float, before: float | None, entry: Entry
    ) -> None:
        best = [before] if before is not None else []
        best += [step.value for step in self.steps[-1:] if step.level is Level.PROVISIONAL]
        gain = self.task.metric.gain
        if verdict.decision is Decision.ACCEPTED or all(gain(value, old) > 0 for old in best):
            done, index = len(self.outcomes), len(self.verdicts) - 1
            self.steps.append(Step(entry.at, done, verdict.candidate, value, index, level))

    def _step_back(self, entry: Entry) -> None:
        value, done = self.value_of(self.incumbent), len(self.outcomes)
        if value is not None and self.steps and self.steps[-1].candidate != self.incumbent:
            level = self.record(self.incumbent).level or Level.VERIFIED
            index = len(self.verdicts) - 1
            self.steps.append(Step(entry.at, done, self.incumbent, value, index, level))


def _body_of(entry: Entry) -> dict[str, Any]:
    try:
        body = parse_strict(entry.body, limit_bytes=MAX_BODY_BYTES)
    except BadMeasurement as error:
        # in doubt is the ledger, not a measurement
        raise BadEntry(entry.kind, error.reason) from None
    if not isinstance(body, dict):
        raise BadEntry(entry.kind, "its body is not a mapping")
    return body  # pyright: ignore[reportUnknownVariableType]


def _reason_of(kind: str, body: Mapping[str, Any]) -> str:
    reason = body.get("reason")
    if not isinstance(reason, str):
        raise BadEntry(kind, "it gives no reason")
    return reason


def replay(name: str, entries: Iterable[Entry]) -> StudyState:
    """Fold all entries of a study into its state."""
    state = StudyState(name)
    for entry in entries:
        state.apply(entry)
    return state
