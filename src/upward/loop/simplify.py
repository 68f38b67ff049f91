"""Leave one out: which parts of what was kept are needed, and which are dead weight.

A part whose removal costs nothing is taken out again: what is left is simpler, and says more about
why it works. "Nothing" cannot be shown, so the bar is the smallest gain that the study can see: a
removal is accepted when its loss, if there is one, is shown to be less than that.

Where a metric is exact and repeats never differ, one trial answers: equal is enough, and nothing
less is. Where repeats differ by luck, one trial of a removal would say nothing about the part; and
timings are not asked at all.
"""

from collections.abc import Iterator
from dataclasses import replace
from difflib import unified_diff
from itertools import islice

from upward.core.metric import Noise
from upward.core.ports import Remover
from upward.core.records import Draft, Proposal, Purpose, Trial
from upward.ledger.replay import OVERTAKEN, StudyState
from upward.loop.propose import Refused, admit, begin_screen
from upward.loop.spread import resolution_now
from upward.loop.study import Study

NAME = "leave-one-out"
QUESTION = 8  # trials that one question is likely to need
EXACT_QUESTION = 1

Question = frozenset[tuple[str, str]]


class Simplifier:
    """Asks one removal after the other, on a share of the trials.

    Args:
        remover: makes the candidates.
    """

    def __init__(self, remover: Remover) -> None:
        self._remover = remover
        self._answered = ""  # incumbent about which there is nothing left to ask

    def next(self, study: Study) -> Trial | None:
        """Record the next removal with its first trial, or return None."""
        state = study.state
        if state.incumbent == self._answered or not _affordable(state):
            return None
        baseline, incumbent = study.kept(state.start.baseline), study.kept(state.incumbent)
        asked = {_question(study, p) for p in removals(state) if not unanswered(state, p)}
        for draft in self._remover.removals(baseline, incumbent):
            known = _question(study, draft) in asked
            proposal = None if known else _admitted(study, draft)
            if proposal is not None:
                return begin_screen(study, replace(proposal, margin=_margin(state)))
        self._answered = state.incumbent
        return None


def _admitted(study: Study, draft: Draft) -> Proposal | None:
    try:
        return admit(study, NAME, draft)
    except Refused:
        return None


def removals(state: StudyState) -> list[Proposal]:
    """Return the removals that were asked so far, oldest first."""
    return [proposal for proposal in state.proposals.values() if proposal.margin is not None]


def unanswered(state: StudyState, removal: Proposal) -> bool:
    """Whether another incumbent came before the answer: the question is open again."""
    position = state.record(removal.candidate).verdict
    return position is not None and state.verdicts[position].rule == OVERTAKEN


def spent(state: StudyState) -> int:
    """Return how many trials the questions so far have cost.

    A removal that was accepted goes on to run as the incumbent: that is no cost of its question.
    """
    return sum(_cost(state, proposal) for proposal in removals(state))


def _question(study: Study, about: Proposal | Draft) -> Question:
    """What is asked about, whatever else the candidate has and wherever it stands.

    Values of knobs, or the lines that are put back.
    """
    if about.changes:
        return frozenset((change.knob, change.old) for change in about.changes)
    before = study.state.tree_of(about.parent)
    found = set[tuple[str, str]]()
    for path, content in about.files.items():
        # a draft has the text itself, a proposal where it is kept
        now = content if isinstance(about, Draft) else _text(study, content)
        found |= {(path, line) for line in _differing(_text(study, before[path]), now)}
    return frozenset(found)


def _text(study: Study, blob: str) -> str:
    return study.blobs.get(blob).decode("utf-8")


def _differing(before: str, now: str) -> Iterator[str]:
    """Lines that come or go, with a sign, without their place."""
    lines = unified_diff(before.splitlines(), now.splitlines(), n=0, lineterm="")
    return (line for line in islice(lines, 2, None) if not line.startswith("@@"))


def _affordable(state: StudyState) -> bool:
    """Whether the share covers one more question; one at a time."""
    if state.incumbent == state.start.baseline or not _answerable(state):
        return False
    exact = state.task.metric.noise is Noise.EXACT
    needed = EXACT_QUESTION if exact else QUESTION
    share = state.start.plan.simplify_share * len(state.trials)
    if share < needed:
        return False
    candidates = [proposal.candidate for proposal in removals(state)]
    if any(c in state.contenders or state.records[c].verdict is None for c in candidates):
        return False
    return spent(state) + needed <= share


def _answerable(state: StudyState) -> bool:
    """Whether trials can tell what a part is worth."""
    kind, noise = state.task.metric.noise, state.noise
    if noise is None or kind is Noise.TIMING:
        return False
    return noise.sd == 0.0 if kind is Noise.EXACT else _margin(state) > 0.0


def _margin(state: StudyState) -> float:
    """The loss that may be: none where every difference is seen."""
    return 0.0 if state.task.metric.noise is Noise.EXACT else resolution_now(state)


def _cost(state: StudyState, removal: Proposal) -> int:
    """Trials of a removal and of what ran beside it."""
    mine, beside = removal.candidate, removal.parent
    screens = state.arm_trials(mine, mine, Purpose.SCREEN)
    raced = [state.arm_trials(c, mine, Purpose.RACE) for c in (mine, beside)]
    return len(screens) + sum(map(len, raced))
