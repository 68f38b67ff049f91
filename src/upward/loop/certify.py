"""Certification: which accepted steps hold when every race of the study is counted.

One race errs at most once in twenty; a study of many races errs somewhere. So accepted steps run
again beside what they were accepted against, on a share of the trials; what that shows multiplies
into their evidence; and e-BH over all races says which of them stand.
"""

from upward.core.codec import plain
from upward.core.errors import EvidenceError
from upward.core.records import Level, Purpose, TrialState, Verdict
from upward.ledger.facts import Certificate
from upward.ledger.replay import StudyState
from upward.loop.design import design_for
from upward.loop.ease import eased
from upward.loop.study import Item, Planned
from upward.stats.sequential import MOST
from upward.stats.several import e_bh
from upward.stats.shared import Layout
from upward.stats.verdict import Arm, next_arm, race


def certificate(state: StudyState) -> list[Item]:
    """Return the entry that says which accepted steps hold now, where that has changed."""
    plan, won = state.start.plan, {v.candidate: v for v in state.accepted if _counts(v)}
    raced = list(state.races)
    found = [total_evidence(state, won[c]) if c in won else _lost(state, c) for c in raced]
    held = {raced[i]: found[i] for i in e_bh(found, alpha=plan.certify_alpha) if raced[i] in won}
    before = state.certificate.evidence if state.certificate else {}
    if held.keys() == before.keys():
        return []
    return [("certificate", plain(Certificate(held, len(raced), plan.certify_alpha)))]


def next_rerun(state: StudyState) -> Planned | None:
    """Return the trial that brings an accepted step nearer to its certificate, or None.

    The step with the most evidence comes first: it needs the fewest trials.
    """
    plan = state.start.plan
    if state.begun[Purpose.CERTIFY] + 1 > plan.certify_share * len(state.trials):
        return None
    waiting = sorted(_waiting(state), key=lambda v: -total_evidence(state, v))
    for verdict in waiting:
        mine, theirs = verdict.candidate, verdict.incumbent
        arm = next_arm(_begun(state, mine, mine), _begun(state, theirs, mine), plan=plan)
        if arm is not None:
            chosen = mine if arm is Arm.CANDIDATE else theirs
            design = design_for(state, mine, Purpose.CERTIFY)
            return Planned(chosen, Purpose.CERTIFY, mine, design=design)
    return None


def total_evidence(state: StudyState, verdict: Verdict) -> float:
    """Return the e-value of an accepted step: of its race, times that of its re-runs.

    A candidate that failed in a re-run has none: it must not win by failing on hard seeds.
    """
    mine, theirs = verdict.candidate, verdict.incumbent
    if _failed(state, mine):
        return 0.0
    beside = state.beside(mine, theirs, Purpose.CERTIFY)
    try:
        again = race(
            beside.mine,
            eased(state, mine, beside.theirs),
            metric=state.task.metric,
            plan=state.start.plan,
            earlier=state.before_race(mine, theirs),
            layout=Layout(beside.design, beside.pairs),
        ).evidence
    except EvidenceError:
        again = None
    return min(MOST, (verdict.evidence or 0.0) * (1.0 if again is None else again))


def _waiting(state: StudyState) -> list[Verdict]:
    """Accepted steps that the best candidate stands on and that are not certified yet."""
    held = state.certificate.evidence if state.certificate else {}
    steps = [v for v in state.ascent() if v.candidate not in held]
    return [v for v in steps if _counts(v) and not _failed(state, v.candidate)]


def _counts(verdict: Verdict) -> bool:
    """Exact proofs need no certificate, and what is not isolated gets none."""
    return verdict.evidence is not None and verdict.level is Level.VERIFIED


def _lost(state: StudyState, candidate: str) -> float:
    position = state.record(candidate).verdict
    evidence = None if position is None else state.verdicts[position].evidence
    return evidence or 0.0


def _begun(state: StudyState, candidate: str, about: str) -> int:
    return len(state.arm_trials(candidate, about, Purpose.CERTIFY))


def _failed(state: StudyState, candidate: str) -> bool:
    trials = state.arm_trials(candidate, candidate, Purpose.CERTIFY)
    ended = (state.outcomes.get(trial.number) for trial in trials)
    return any(outcome and outcome.state is TrialState.FAILED for outcome in ended)
