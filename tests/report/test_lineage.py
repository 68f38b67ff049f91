"""The lineage shows every kept candidate once, below its parent, in lanes that do not cross."""

import pytest
from tests.report.pages import page_of

from upward.report.curve import beyond, curve, domain
from upward.report.facts import figures
from upward.report.tree import chosen, kept, nodes
from upward.testing.sample_study import empty_state, exact_state, sample_state


@pytest.mark.parametrize("seed", range(6))
def test_every_kept_candidate_has_one_row_below_its_parent(seed: int) -> None:
    state, _ = sample_state(60, seed=seed)
    rows = nodes(state, kept(state))
    assert sorted(node.candidate for node in rows) == sorted(kept(state))
    for row, node in enumerate(rows[1:], start=1):
        assert node.parent is not None
        assert node.parent < row
        proposal = state.proposal_of(node.candidate)
        assert proposal is not None
        assert rows[node.parent].candidate == proposal.parent


@pytest.mark.parametrize("seed", range(6))
def test_the_main_line_leads_straight_from_the_baseline_to_the_incumbent(seed: int) -> None:
    state, _ = sample_state(60, seed=seed)
    main = [node for node in nodes(state, kept(state)) if node.main]
    way = [state.start.baseline, *(p.candidate for p in state.lineage(state.incumbent))]
    assert [node.candidate for node in main] == way
    assert {node.lane for node in main} == {0}


@pytest.mark.parametrize("seed", range(6))
def test_no_line_runs_through_the_mark_of_another_candidate(seed: int) -> None:
    state, _ = sample_state(60, seed=seed)
    rows = nodes(state, kept(state))
    for row, node in enumerate(rows):
        if node.parent is None:
            continue
        lane = rows[node.parent].lane
        between = range(node.parent + 1, row)
        assert all(rows[i].lane > lane for i in between if not rows[i].main or lane > 0)


def test_a_cut_lineage_keeps_the_main_line_and_all_ancestors() -> None:
    state, _ = sample_state(200, seed=1)
    assert len(kept(state)) > 20
    some = set(chosen(state, 15))
    assert {p.candidate for p in state.lineage(state.incumbent)} <= some
    for candidate in some:
        assert {p.candidate for p in state.lineage(candidate)} <= some


def test_the_curve_shows_every_step_and_every_screening_trial() -> None:
    state, _ = sample_state(40, seed=0, failing=0.3)
    found = curve(state, figures(state))
    assert len(found.steps) == len(state.steps)
    assert len(found.failed) == state.failed > 0
    assert len(found.screened) == sum(len(r.screened) for r in state.records.values())
    low, high = domain(found)
    assert all(low <= step.value <= high for step in found.steps if step.value is not None)


def test_trials_far_away_are_counted_not_drawn_to_scale() -> None:
    state, read = sample_state(40, seed=0)
    found = curve(state, figures(state))
    low, high = domain(found)
    outside = sum(not low <= v <= high for r in state.records.values() for v in r.screened)
    assert beyond(found) == outside
    assert (f"outside of the plot ({outside})" in page_of((state, read)).text) == (outside > 0)


def test_an_interval_at_an_acceptance_holds_the_gain_that_was_found() -> None:
    state, _ = sample_state(40, seed=0)
    found = [step for step in curve(state, figures(state)).steps if step.interval]
    assert len(found) == len(state.accepted)
    for step, verdict in zip(found, state.accepted, strict=True):
        assert step.interval is not None
        assert verdict.gain is not None
        at = sum(verdict.incumbent_values) / len(verdict.incumbent_values) - verdict.gain
        assert step.interval[0] < at < step.interval[1]


def test_a_study_without_trials_has_a_lineage_of_one() -> None:
    state, _ = empty_state()
    assert len(nodes(state, kept(state))) == 1


def test_maximised_steps_rise() -> None:
    state, _ = exact_state()
    values = [step.value for step in curve(state, figures(state)).steps]
    assert values == sorted(values, key=lambda v: v or 0.0)
    assert len(values) > 1
