"""The page shows what was shown of each guard, and what a gain in the metric costs."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.loop.studies import Script, World, rate_of
from tests.report.pages import Page, page_of

from upward.core.metric import Direction, Guard, Metric, Noise
from upward.core.records import Measurement
from upward.ledger.replay import StudyState
from upward.report.facts import figures
from upward.report.pareto import Kind, Spot, draw, front, spots
from upward.testing.sample_study import exact_state, sample_state

SIZE = Guard("size_bytes", Direction.MINIMIZE, 60.0)
SPEED = Guard("speed<b>", Direction.MAXIMIZE, 5.0)
LOSS = Metric("loss", "nats", Direction.MINIMIZE)


def measure(files: Mapping[str, str], seed: int) -> Measurement:
    """A lower RATE is better; its size grows, below 0.2 by far too much; speed is noise."""
    rate, luck = rate_of(files), np.random.default_rng(seed)
    size = round(100.0 + 50.0 * (1.0 - rate) + (500.0 if rate < 0.2 else 0.0))
    speed = float(luck.normal(20.0, 0.5))
    loss = 10.0 + rate + float(luck.normal(0.0, 0.05))
    return Measurement(loss, {"size_bytes": size, "speed<b>": speed})


def study(rates: tuple[float, ...], trials: int = 100) -> StudyState:
    world = World(guards=(SIZE, SPEED))
    begun = world.begin()
    world.pursuit(begun, Script(rates), measure, trials=trials).go()
    return begun.state


def page(state: StudyState) -> Page:
    return page_of((state, lambda blob: ""))


def test_the_table_says_of_each_guard_what_was_shown() -> None:
    found = page(study((0.6, 0.1, 2.0)))
    assert "holdsthe step to p1: worse by 20 against the one before 60 any" in found.text
    assert "60 any 100 120 20exact 1 " in found.text
    assert "higher is better holdsthe step to p1" in found.text
    assert "at 95 %" in found.text
    assert "<b>" not in found.markup
    assert [a for a in found.find("a") if a["href"] == "#guards"]


def test_before_anything_is_accepted_no_bound_is_claimed() -> None:
    found = page(study((3.0,)))
    assert found.text.count("Nothing was accepted yet.") == 2
    assert "at 95 %" not in found.text


def test_steps_that_add_up_to_more_than_one_tolerance_are_told() -> None:
    state = study((0.6, 0.3))
    assert len(state.accepted) == 2
    assert "steps add up" not in page(state).text
    tight = World(guards=(Guard("size_bytes", Direction.MINIMIZE, 22.0), SPEED))
    begun = tight.begin()
    tight.pursuit(begun, Script((0.6, 0.3)), measure).go()
    text = page(begun.state).text
    assert "size_bytes is worse than the baseline's by 35, more than one tolerance" in text


def test_a_task_without_guards_has_no_such_part() -> None:
    for state in (exact_state()[0], sample_state(5)[0]):
        found = page(state)
        assert bool(found.find("section", id="guards")) == bool(state.task.guards)
        assert bool([a for a in found.find("a") if a["href"] == "#guards"]) == bool(
            state.task.guards
        )


def test_a_study_that_has_only_begun_draws_no_plane() -> None:
    world = World(guards=(SIZE, SPEED))
    state = world.begin().state
    assert draw(state, SIZE, figures(state)) is None
    assert "Guards" in page(state).text


# -- the plane -------------------------------------------------------------------------------


def test_every_kind_of_candidate_is_told_apart() -> None:
    state = study((0.6, 0.1, 0.55, 2.0))
    found = {spot.candidate: spot for spot in spots(state, SIZE, figures(state))}
    kind = {n: found.get(p.candidate) for n, p in state.proposals.items()}
    assert found[state.start.baseline].kind is Kind.BASE
    assert kind[1] is not None
    assert (kind[1].kind, kind[1].counts) == (Kind.ACCEPTED, True)
    assert kind[2] is not None
    assert (kind[2].kind, kind[2].counts) == (Kind.BROKEN, False)
    assert kind[4] is None  # rejected for its metric: it says nothing about a guard
    record = state.record(state.proposals[1].candidate)
    assert kind[1].value == pytest.approx(np.mean(record.counted))
    assert record.screened[0] not in record.counted


def test_the_plane_names_its_axes_its_front_and_what_is_allowed_now() -> None:
    found = page(study((0.6, 0.1)))
    assert found.find("svg", aria_label="loss against size_bytes, with the Pareto front")
    assert len(found.find("path", class_="front")) >= 2
    assert found.find("line", class_="limit")
    for words in ("size_bytes (lower is better)", "allowed now", "incumbent p1", "baseline"):
        assert words in found.text
    assert "rejected because it broke a guard" in found.text
    assert "provisional: one screening trial" not in found.text  # there is none here


def test_an_exact_metric_counts_its_best_trial() -> None:
    world = World(Noise.EXACT, guards=(SIZE,))
    begun = world.begin()

    def exact(files: Mapping[str, str], seed: int) -> Measurement:
        rate = rate_of(files)
        return Measurement(10.0 + rate, {"size_bytes": 100.0 + 50.0 * (1.0 - rate)})

    world.pursuit(begun, Script((0.5,)), exact, trials=12).go()
    state = begun.state
    [_, won] = spots(state, SIZE, figures(state))
    assert (won.kind, won.counts, won.value) == (Kind.ACCEPTED, True, 10.5)


plane = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans()), min_size=1, max_size=20
)


@given(plane, st.sampled_from(Direction), st.sampled_from(Direction))
def test_the_front_holds_exactly_what_nothing_beats(
    places: list[tuple[int, int, bool]], up: Direction, across: Direction
) -> None:
    metric, guard = Metric("m", "", up), Guard("g", across, 1.0)
    found = [
        Spot(str(i), Kind.RACED, float(value), float(reading), "", counts)
        for i, (value, reading, counts) in enumerate(places)
    ]

    def beats(one: Spot, other: Spot) -> bool:
        gain = metric.gain(one.value, other.value)
        loss = guard.loss(one.reading, other.reading)
        return gain >= 0 and loss <= 0 and (gain > 0 or loss < 0)

    counting = [s for s in found if s.counts]
    unbeaten = {(s.value, s.reading) for s in counting if not any(beats(o, s) for o in counting)}
    kept = front(found, metric, guard)
    assert {(s.value, s.reading) for s in kept} == unbeaten
    assert len(kept) == len(unbeaten)
    assert all(guard.loss(b.reading, a.reading) > 0 for a, b in pairwise(kept))
