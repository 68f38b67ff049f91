"""A removal is a question about one incumbent: about another one it says nothing."""

from dataclasses import dataclass, replace

from tests.loop.studies import Script, World
from tests.loop.test_simplify import Both, worth

from upward.archive.archive import Archive
from upward.core.codec import plain
from upward.core.metric import Noise
from upward.core.plan import Plan
from upward.core.records import (
    Decision,
    Draft,
    Level,
    Measurement,
    Outcome,
    Proposal,
    Purpose,
    Trial,
    TrialState,
    Usage,
    Verdict,
)
from upward.core.seen import Lesson, Seen
from upward.ledger.replay import OVERTAKEN, RACE, StudyState
from upward.loop.conclude import overtaken
from upward.loop.propose import admit, begin_screen
from upward.loop.side import Side
from upward.loop.simplify import NAME, Simplifier, spent
from upward.loop.study import Study
from upward.research.leave_out import LeaveOut

QUIET = Plan(simplify_share=0.0, publish=0, controls=0.0)
MARGIN = 0.05


@dataclass
class Desk:
    """A study whose incumbent has two parts, and a process that works on it by hand."""

    study: Study
    side: Side

    @property
    def state(self) -> StudyState:
        return self.study.state

    def removal(self) -> tuple[Proposal, Trial]:
        """Begin the screen of the incumbent without its WIDTH."""
        state = self.state
        baseline, incumbent = (self.study.kept(c) for c in (state.start.baseline, state.incumbent))
        drafts = LeaveOut().removals(baseline, incumbent)
        [draft] = [d for d in drafts if [c.knob for c in d.changes] == ["train.py:WIDTH"]]
        proposal = admit(self.study, NAME, draft)
        assert proposal is not None
        proposal = replace(proposal, margin=MARGIN)
        return proposal, begin_screen(self.study, proposal)

    def end(self, trial: Trial, value: float) -> None:
        use = Usage(1.0, 1.0, 1.0)
        self.side.take(Outcome(trial.number, TrialState.COMPLETE, Measurement(value), usage=use))

    def accept(self, rate: float) -> str:
        """Another candidate wins a race."""
        text = self.study.kept(self.state.incumbent).files["train.py"]
        return self.accept_text(text.replace("RATE = 0.5", f"RATE = {rate}"))

    def accept_text(self, text: str) -> str:
        files = {"train.py": text}
        proposal = admit(self.study, "me", Draft(self.state.incumbent, "better", files, "set"))
        assert proposal is not None
        trial = begin_screen(self.study, proposal)
        self.end(trial, 9.0)
        values = (9.0, 9.01)
        verdict = Verdict(
            proposal.candidate,
            self.state.incumbent,
            Decision.ACCEPTED,
            Level.VERIFIED,
            RACE,
            "It won.",
            1.0,
            evidence=100.0,
            candidate_values=values,
        )
        self.study.record(("verdict", plain(verdict)))
        return proposal.candidate

    def worth_of_incumbent(self) -> float:
        value = self.state.value_of(self.state.incumbent)
        assert value is not None
        return value


def desk(plan: Plan = QUIET, noise: Noise = Noise.SEEDED) -> Desk:
    world = World(noise)
    study = world.begin(plan)
    world.pursuit(study, Both(), worth(0.0), trials=30).go()
    assert study.state.incumbent == study.state.proposals[1].candidate
    return Desk(study, Side(study, Script([]), Archive()))


def test_a_removal_that_waits_for_its_race_ends_when_another_candidate_is_accepted() -> None:
    at = desk()
    proposal, trial = at.removal()
    at.end(trial, at.worth_of_incumbent())
    assert proposal.candidate in at.state.contenders
    at.accept(0.4)
    [(_, body)] = [item for item in overtaken(at.state) if item[1]["rule"] == OVERTAKEN]
    assert body["candidate"] == proposal.candidate
    assert "without a part" in body["reason"]


def test_it_ends_even_where_it_looks_as_good_as_the_new_one() -> None:
    at = desk()
    proposal, trial = at.removal()
    at.end(trial, 8.0)
    at.accept(0.4)
    assert [body["candidate"] for _, body in overtaken(at.state)] == [proposal.candidate]


def test_a_removal_whose_screen_ends_after_another_acceptance_is_not_raced() -> None:
    at = desk()
    proposal, trial = at.removal()
    at.accept(0.4)
    at.end(trial, at.worth_of_incumbent())
    verdict = at.state.verdicts[-1]
    assert (verdict.candidate, verdict.rule) == (proposal.candidate, OVERTAKEN)
    assert proposal.candidate not in at.state.contenders
    assert verdict.level is None


def test_a_question_that_was_not_answered_is_asked_of_the_new_incumbent() -> None:
    at = desk(replace(QUIET, simplify_share=0.9))
    _, trial = at.removal()
    at.accept(0.4)
    at.end(trial, at.worth_of_incumbent())
    asked = list[Proposal]()
    state, remover = at.state, Simplifier(LeaveOut())
    while (trial := remover.next(at.study)) is not None:
        asked.append(state.proposals[len(state.proposals)])
        at.end(trial, 20.0)
    assert [[c.knob for c in p.changes] for p in asked].count(["train.py:WIDTH"]) == 1
    assert all(p.parent == state.incumbent for p in asked)


def test_a_removal_that_was_accepted_costs_no_more_than_its_own_question() -> None:
    at = desk()
    proposal, trial = at.removal()
    at.end(trial, at.worth_of_incumbent())
    while proposal.candidate in at.state.contenders:
        trial = at.side.next(1.0)
        assert trial is not None
        luck = 0.001 * (trial.number % 5)
        at.end(trial, 10.5 + luck)
    assert at.state.incumbent == proposal.candidate
    cost = spent(at.state)
    screens = 1
    raced = sum(
        t.purpose is Purpose.RACE and t.about == proposal.candidate
        for t in at.state.trials.values()
    )
    assert cost == screens + raced
    for _ in range(6):  # later trials of the new incumbent are not the question's
        trial = at.side.next(1.0)
        if trial is not None:
            at.end(trial, 10.5)
    assert spent(at.state) == cost


class Coder:
    """Proposes one rewrite of the code."""

    name = "coder"

    def propose(self, seen: Seen) -> Draft | None:
        if seen.number > 1:
            return None
        text = seen.incumbent.files["train.py"].replace("RATE = 1.0", "RATE = 0.5")
        files = {"train.py": f"import math\n{text}print(WIDTH)\n"}
        return Draft(seen.incumbent.candidate, "code", files, "rewrite")

    def learn(self, lesson: Lesson) -> None:
        pass


def asked_until_nothing_is_left(at: Desk) -> list[str]:
    """The new text of every removal that is asked now; each is answered with a loss."""
    remover, texts = Simplifier(LeaveOut()), list[str]()
    while (trial := remover.next(at.study)) is not None:
        blob = at.state.tree_of(trial.candidate)["train.py"]
        texts.append(at.study.blobs.get(blob).decode())
        at.end(trial, 20.0)
    return texts


def test_lines_that_have_moved_are_not_asked_again() -> None:
    world = World()
    study = world.begin(replace(QUIET, simplify_share=0.9))
    world.pursuit(study, Coder(), worth(0.0), trials=60).go()
    at = Desk(study, Side(study, Script([]), Archive()))
    first = asked_until_nothing_is_left(at)
    assert len(first) >= 2
    text = study.kept(at.state.incumbent).files["train.py"]
    at.accept_text(f"import sys\n\n{text}")
    # the new line makes one block with an old one; without both it is a candidate known already
    assert asked_until_nothing_is_left(at) == []
