import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upward.core.errors import BadEntry
from upward.core.ids import blob_id, tree_id
from upward.core.metric import Direction, Noise
from upward.core.records import (
    UNSELECTED,
    Change,
    Decision,
    Level,
    Outcome,
    Proposal,
    Purpose,
    TrialState,
)
from upward.ledger.replay import SCREEN, StudyState, replay
from upward.testing.strategies import History, a_genesis, a_task, histories


def state_of(history: History) -> StudyState:
    return replay("s", history.entries)


def content(state: StudyState) -> dict[str, Any]:
    return dict(vars(state))


def calibrated(**task: Any) -> History:
    history = History(genesis=a_genesis(a_task(**task)))
    history.session()
    history.measure(history.baseline, Purpose.CALIBRATE, 1.0)
    history.measure(history.baseline, Purpose.CALIBRATE, 1.2)
    history.noise()
    return history


# -- laws --------------------------------------------------------------------------------------


@settings(deadline=None)
@given(histories(), st.integers(0, 60))
def test_a_prefix_and_then_the_rest_gives_the_same_state(history: History, cut: int) -> None:
    cut = min(cut, len(history.entries))
    state = replay("s", history.entries[:cut])
    for entry in history.entries[cut:]:
        state.apply(entry)
    assert content(state) == content(state_of(history))


@settings(deadline=None)
@given(histories())
def test_every_trial_is_running_or_ended_exactly_once(history: History) -> None:
    state = state_of(history)
    assert set(state.pending) | set(state.outcomes) == set(state.trials)
    assert not set(state.pending) & set(state.outcomes)
    assert set(state.ended_at) == set(state.outcomes)


@settings(deadline=None)
@given(histories())
def test_every_measurement_counts_in_exactly_one_place(history: History) -> None:
    state = state_of(history)
    complete = [
        number
        for number, outcome in state.outcomes.items()
        if outcome.measurement and state.trials[number].purpose in (Purpose.SCREEN, *UNSELECTED)
    ]
    records = state.records.values()
    assert sum(len(r.counted) + len(r.screened) for r in records) == len(complete)
    assert sum(r.failed for r in records) == state.failed
    failed = [o for o in state.outcomes.values() if o.state is TrialState.FAILED]
    assert state.failed == len(failed)


@settings(deadline=None)
@given(histories())
def test_the_incumbent_is_the_last_that_was_accepted(history: History) -> None:
    state = state_of(history)
    accepted = [v.candidate for v in state.verdicts if v.decision is Decision.ACCEPTED]
    assert state.incumbent == [history.baseline, *accepted][-1]
    assert [v.candidate for v in state.accepted] == accepted


@settings(deadline=None)
@given(histories())
def test_every_candidate_is_named_by_its_tree(history: History) -> None:
    state = state_of(history)
    assert all(tree_id(state.tree_of(candidate)) == candidate for candidate in state.records)


@settings(deadline=None)
@given(histories())
def test_the_state_knows_where_the_ledger_ends(history: History) -> None:
    state, last = state_of(history), history.entries[-1]
    assert (state.seq, state.head, state.last) == (last.seq, last.hash, last.at)
    assert state.began == history.entries[0].at


@settings(deadline=None)
@given(histories(), st.integers(0, 60))
def test_an_entry_that_is_applied_twice_is_refused(history: History, place: int) -> None:
    entry = history.entries[place % len(history.entries)]
    state = state_of(history)
    if entry.kind in ("study", "proposal", "trial", "outcome"):
        with pytest.raises(BadEntry):
            state.apply(entry)


# -- what is refused ---------------------------------------------------------------------------


def test_nothing_comes_before_the_genesis() -> None:
    history = History()
    history.session()
    with pytest.raises(BadEntry, match="begins with"):
        replay("s", history.entries[1:])


def test_an_empty_study_has_no_task() -> None:
    with pytest.raises(BadEntry, match="no first entry"):
        _ = StudyState("s").task


@pytest.mark.parametrize("kind", ["surprise", "Study", "", "_study", "study2"])
def test_an_unknown_kind_is_refused(kind: str) -> None:
    history = History()
    history.write(kind, {})
    with pytest.raises(BadEntry):
        state_of(history)


def test_an_outcome_needs_a_running_trial() -> None:
    history = History()
    history.write("outcome", Outcome(1, TrialState.FAILED))
    with pytest.raises(BadEntry, match="not running"):
        state_of(history)


def test_a_second_outcome_of_a_trial_is_refused() -> None:
    history = History()
    trial = history.trial(history.baseline, Purpose.CALIBRATE)
    history.complete(trial, 1.0)
    history.complete(trial, 0.5)
    with pytest.raises(BadEntry, match="trial 1 is not running"):
        state_of(history)


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.FAILED, TrialState.PRUNED])
def test_a_measurement_exists_exactly_for_a_complete_trial(state: TrialState) -> None:
    history = History()
    trial = history.trial(history.baseline, Purpose.CALIBRATE)
    outcome = dataclasses.replace(history.complete(trial, 1.0), state=state)
    if state is TrialState.COMPLETE:
        outcome = dataclasses.replace(outcome, measurement=None)
    history.entries.pop()
    history.write("outcome", outcome)
    with pytest.raises(BadEntry, match="measurement"):
        state_of(history)


def test_trials_are_numbered_without_gaps() -> None:
    history = History()
    trial = history.trial(history.baseline, Purpose.RACE)
    history.write("trial", dataclasses.replace(trial, number=3))
    with pytest.raises(BadEntry, match="number 3 is out of order"):
        state_of(history)


def test_proposals_are_numbered_without_gaps() -> None:
    history = History()
    files = {"train.py": blob_id(b"x")}
    history.write("proposal", Proposal(2, "x", "c", history.baseline, "h", "o", files))
    with pytest.raises(BadEntry, match="number 2 is out of order"):
        state_of(history)


def test_a_candidate_is_proposed_once() -> None:
    history = History()
    history.propose(history.baseline, "LR = 2")
    history.propose(history.baseline, "LR = 2")
    with pytest.raises(BadEntry, match="before"):
        state_of(history)


@pytest.mark.parametrize("kind", ["proposal", "trial", "verdict"])
def test_a_candidate_that_nobody_proposed_is_refused(kind: str) -> None:
    history = History()
    match kind:
        case "proposal":
            history.write(kind, Proposal(1, "x", "new", "stranger", "h", "o", {}))
        case "trial":
            history.trial("stranger", Purpose.RACE)
        case _:
            history.verdict("stranger", history.baseline, Decision.ACCEPTED, Level.VERIFIED)
    with pytest.raises(BadEntry, match="stranger"):
        state_of(history)


@pytest.mark.parametrize("kind", ["session", "stopped", "proposal", "trial", "outcome", "refused"])
@pytest.mark.parametrize("body", [{}, [], None, "text", {"surprise": 1}])
def test_a_malformed_body_is_a_bad_entry(kind: str, body: object) -> None:
    history = History()
    history.write(kind, body)
    with pytest.raises(BadEntry):
        state_of(history)


# -- what it says ------------------------------------------------------------------------------


def test_screening_trials_are_never_evidence_where_others_exist() -> None:
    history = calibrated()
    candidate = history.propose(history.baseline, "LR = 2").candidate
    history.measure(candidate, Purpose.SCREEN, 0.1)
    assert state_of(history).record(candidate).values == [0.1]
    history.measure(candidate, Purpose.RACE, 0.7)
    history.measure(candidate, Purpose.RACE, 0.9)
    assert state_of(history).record(candidate).values == [0.7, 0.9]
    assert state_of(history).value_of(candidate) == pytest.approx(0.8)


def test_a_replayed_trial_changes_no_value() -> None:
    history = calibrated()
    history.measure(history.baseline, Purpose.REPLAY, 99.0)
    assert state_of(history).value_of(history.baseline) == pytest.approx(1.1)


def test_a_candidate_without_measurement_has_no_value() -> None:
    history = calibrated()
    candidate = history.propose(history.baseline, "LR = 2").candidate
    history.fail(history.trial(candidate, Purpose.SCREEN))
    state = state_of(history)
    assert state.value_of(candidate) is None
    assert state.record(candidate).failed == 1


@pytest.mark.parametrize(
    ("direction", "best"), [(Direction.MINIMIZE, 0.4), (Direction.MAXIMIZE, 0.9)]
)
def test_an_exact_metric_takes_the_best_that_was_made(direction: Direction, best: float) -> None:
    history = calibrated(noise=Noise.EXACT, direction=direction)
    candidate = history.propose(history.baseline, "LR = 2").candidate
    for value in (0.6, 0.4, 0.9):
        history.measure(candidate, Purpose.SCREEN, value)
    assert state_of(history).value_of(candidate) == best


def test_a_tree_is_the_baseline_with_all_edits_of_its_lineage() -> None:
    history = History()
    first = history.propose(history.baseline, "LR = 2")
    second = history.propose(first.candidate, "LR = 3")
    other = history.propose(history.baseline, "LR = 4")
    state = state_of(history)
    data = blob_id(b"pass")
    assert state.tree_of(history.baseline) == {"train.py": blob_id(b"LR = 1"), "data.py": data}
    assert state.tree_of(second.candidate) == {"train.py": blob_id(b"LR = 3"), "data.py": data}
    assert state.tree_of(other.candidate) == {"train.py": blob_id(b"LR = 4"), "data.py": data}
    assert state.lineage(second.candidate) == [first, second]
    assert state.lineage(history.baseline) == []


def test_a_very_long_lineage_is_followed_to_its_end() -> None:
    history = History()
    parent = history.baseline
    for number in range(2, 1500):
        parent = history.propose(parent, f"LR = {number}").candidate
    assert len(state_of(history).lineage(parent)) == 1498


def test_the_changes_of_a_candidate_are_those_of_its_lineage_in_order() -> None:
    history, parent, changes = History(), "", list[Change]()
    parent = history.baseline
    for number in (1, 2):
        changes.append(Change("train.py:LR", str(number), str(number + 1)))
        name = f"c{number}"
        history.write(
            "proposal",
            Proposal(number, "x", name, parent, "h", "o", {}, changes=(changes[-1],)),
        )
        parent = name
    assert state_of(history).changes_of("c2") == tuple(changes)


def test_an_acceptance_makes_a_step_and_an_incumbent() -> None:
    history = calibrated()
    candidate = history.propose(history.baseline, "LR = 2").candidate
    history.measure(candidate, Purpose.RACE, 0.5)
    history.verdict(candidate, history.baseline, Decision.ACCEPTED, Level.VERIFIED)
    state = state_of(history)
    assert state.incumbent == candidate
    [step] = state.steps
    assert (step.candidate, step.value, step.level) == (candidate, 0.5, Level.VERIFIED)
    assert (step.trials, step.verdict, step.at) == (3, 0, history.entries[-1].at)
    assert state.record(candidate).level is Level.VERIFIED


@pytest.mark.parametrize("decision", [Decision.REJECTED, Decision.INCONCLUSIVE, Decision.INVALID])
def test_without_acceptance_the_incumbent_stays(decision: Decision) -> None:
    history = calibrated()
    candidate = history.propose(history.baseline, "LR = 2").candidate
    history.measure(candidate, Purpose.RACE, 0.5)
    history.verdict(candidate, history.baseline, decision)
    state = state_of(history)
    assert (state.incumbent, state.steps, state.accepted) == (history.baseline, [], [])


@pytest.mark.parametrize(("value", "steps"), [(0.5, 1), (1.1, 0), (2.0, 0)])
def test_a_provisional_step_is_better_than_the_incumbent(value: float, steps: int) -> None:
    history = calibrated()
    candidate = history.propose(history.baseline, "LR = 2").candidate
    history.measure(candidate, Purpose.SCREEN, value)
    history.verdict(
        candidate, history.baseline, Decision.INCONCLUSIVE, Level.PROVISIONAL, rule=SCREEN
    )
    state = state_of(history)
    assert len(state.steps) == steps
    assert state.incumbent == history.baseline


def test_a_passed_screen_waits_until_its_race_is_decided() -> None:
    history = calibrated()
    candidate = history.propose(history.baseline, "LR = 2").candidate
    history.measure(candidate, Purpose.SCREEN, 0.5)
    history.verdict(
        candidate, history.baseline, Decision.INCONCLUSIVE, Level.PROVISIONAL, rule=SCREEN
    )
    assert list(state_of(history).contenders) == [candidate]
    history.verdict(candidate, history.baseline, Decision.REJECTED)
    assert list(state_of(history).contenders) == []


def test_failures_in_a_row_end_with_a_complete_trial() -> None:
    history = calibrated()
    for _ in range(3):
        history.fail(history.trial(history.baseline, Purpose.RACE))
    assert state_of(history).failed_in_a_row == 3
    history.measure(history.baseline, Purpose.RACE, 1.0)
    assert (state_of(history).failed_in_a_row, state_of(history).failed) == (0, 3)


def test_a_session_ends_the_stop_before_it() -> None:
    history = History()
    history.session()
    history.write("stopped", {"reason": "budget"})
    assert state_of(history).stopped == "budget"
    history.session()
    state = state_of(history)
    assert state.stopped is None
    assert [session.at for session in state.sessions] == [
        history.entries[1].at,
        history.entries[3].at,
    ]


def test_cpu_time_of_candidates_and_of_scoring_is_summed() -> None:
    history = calibrated()
    assert state_of(history).cpu_s == pytest.approx(2 * (1.0 + 0.5))


def test_a_refused_draft_is_remembered_with_its_reason() -> None:
    history = calibrated()
    history.write("refused", {"researcher": "x", "hypothesis": "h", "reason": "no change"})
    assert state_of(history).refused == ["no change"]
