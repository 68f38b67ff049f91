from hypothesis import given
from hypothesis import strategies as st

from upward.archive.archive import Archive, Scored, choose
from upward.core.records import Change, Level


def made(name: str, gain: float, *knobs: str, trials: int = 4) -> Scored:
    changes = tuple(Change(knob, "1", "2") for knob in knobs)
    return Scored(name, Level.PROVISIONAL, gain, trials, changes)


def filled(items: list[Scored], limit: int) -> Archive:
    archive = Archive(limit)
    for item in items:
        archive.update(item)
    return archive


def test_the_best_candidate_comes_first() -> None:
    archive = filled([made("a", 1.0, "x"), made("b", 3.0, "y"), made("c", 2.0, "z")], 8)
    assert archive.best(2) == ["b", "c"]


def test_another_idea_comes_before_a_second_variant_of_the_same() -> None:
    archive = filled([made("a", 3.0, "x"), made("b", 2.9, "x"), made("c", 0.5, "y")], 8)
    assert archive.best(3) == ["a", "c", "b"]


def test_one_lucky_trial_is_worth_less_than_a_race() -> None:
    archive = filled([made("lucky", 2.5, "x", trials=1), made("raced", 2.0, "y", trials=9)], 8)
    assert archive.best(1) == ["raced"]


def test_what_is_newly_known_replaces_what_was_known() -> None:
    archive = filled([made("a", 3.0, "x"), made("b", 2.0, "y"), made("a", -1.0, "x")], 8)
    assert archive.best(2) == ["b", "a"]


def test_candidates_without_typed_changes_are_niches_of_their_own() -> None:
    archive = filled([made("a", 3.0), made("b", 2.0), made("c", 1.0, "x")], 8)
    assert archive.best(3) == ["a", "b", "c"]


def any_item(n: int, gain: float, knobs: set[str], trials: int) -> Scored:
    return made(f"c{n}", gain, *knobs, trials=trials)


@st.composite
def facts_of(draw: st.DrawFn) -> Scored:
    knobs = draw(st.sets(st.sampled_from("xyz"), max_size=2))
    name, trials = f"c{draw(st.integers(0, 60))}", draw(st.integers(1, 9))
    return made(name, draw(st.floats(-5, 5)), *sorted(knobs), trials=trials)


items = facts_of()


@given(st.lists(items, max_size=60), st.integers(1, 12))
def test_the_archive_is_bounded_ordered_and_holds_the_best(facts: list[Scored], limit: int) -> None:
    archive = filled(facts, limit)
    best = archive.best(limit)
    assert len(best) == len(archive) <= limit
    assert len(set(best)) == len(best)
    assert archive.best(1) == best[:1]


@given(st.lists(items, max_size=30, unique_by=lambda item: item.candidate))
def test_an_archive_that_was_never_full_agrees_with_choosing_from_all(
    facts: list[Scored],
) -> None:
    assert filled(facts, 64).best(10) == choose(facts, 10)


@given(st.lists(items, max_size=30, unique_by=lambda item: item.candidate), st.integers(1, 8))
def test_the_best_candidate_is_never_dropped(facts: list[Scored], limit: int) -> None:
    archive = filled(facts, limit)
    assert archive.best(1) == choose(facts, 1)
