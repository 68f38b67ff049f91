"""Publication: the best candidate beside the baseline, on fresh seeds that decide nothing.

Every number that led to an acceptance was selected and flatters. Before a study ends, its best
candidate and its baseline therefore run a few times more in turn, and the report stands on these.
"""

from dataclasses import replace

from upward.core.codec import plain
from upward.core.design import Design
from upward.core.errors import EvidenceError
from upward.core.metric import Noise
from upward.core.records import Outcome, Purpose
from upward.ledger.facts import Beside, Publication
from upward.ledger.replay import StudyState
from upward.loop.design import design_for
from upward.loop.study import Item, Planned
from upward.stats.sequential import Gain, interval
from upward.stats.shared import Layout, compare
from upward.stats.verdict import Arm, next_arm


def owed(state: StudyState) -> int:
    """Return how many trials the publication of the best candidate still needs.

    None where nothing was accepted, it is published already, or the metric is exact and needs
    no more than the one trial.
    """
    best, plan = state.incumbent, state.start.plan
    settled = best == state.start.baseline or best in state.publications
    if settled or state.task.metric.noise is Noise.EXACT:
        return 0
    return max(0, 2 * plan.publish - sum(_begun(state, best)))


def next_publishing(state: StudyState) -> Planned | None:
    """Return the next trial of the publication, A B B A, or None."""
    if not owed(state):
        return None
    best, baseline = state.incumbent, state.start.baseline
    plan = replace(state.start.plan, race_cap=state.start.plan.publish)
    arm = next_arm(*_begun(state, best), plan=plan)
    if arm is None:
        return None
    design = design_for(state, best, Purpose.PUBLISH)
    chosen = best if arm is Arm.CANDIDATE else baseline
    return Planned(chosen, Purpose.PUBLISH, best, design=design)


def published(state: StudyState, outcome: Outcome) -> list[Item]:
    """Return the publication that this outcome completes, if it does."""
    trial = state.trials[outcome.trial]
    best, wanted = trial.about, state.start.plan.publish
    if trial.purpose is not Purpose.PUBLISH or best in state.publications:
        return []
    arms = [state.arm_trials(c, best, Purpose.PUBLISH) for c in (best, state.start.baseline)]
    ended = [[o for t in arm if (o := state.outcomes.get(t.number))] for arm in arms]
    if min(len(arm) for arm in ended) < wanted:
        return []
    beside = state.beside(best, state.start.baseline, Purpose.PUBLISH)
    found = _gain(state, beside)
    record = Publication(
        candidate=best,
        values=beside.mine,
        baseline_values=beside.theirs,
        failed=sum(not o.measurement for arm in ended for o in arm),
        attempts=len(state.proposals),
        gain=found.estimate if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
    )
    return [("published", plain(record))]


def _gain(state: StudyState, beside: Beside) -> Gain | None:
    """The gain with its interval; calibration tells how much the baseline varies."""
    earlier = state.arm(state.start.baseline, state.start.baseline, Purpose.CALIBRATE)
    metric, plan, mine, theirs = state.task.metric, state.start.plan, beside.mine, beside.theirs
    try:
        if beside.design is Design.PAIRED:
            layout = Layout(beside.design, beside.pairs)
            return compare(
                mine, theirs, metric=metric, plan=plan, layout=layout, earlier=earlier
            ).gain
        return interval(mine, theirs, metric=metric, earlier=earlier)
    except EvidenceError:
        return None


def _begun(state: StudyState, best: str) -> tuple[int, int]:
    mine, theirs = (
        len(state.arm_trials(c, best, Purpose.PUBLISH)) for c in (best, state.start.baseline)
    )
    return mine, theirs
