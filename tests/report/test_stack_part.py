"""The part of the page about all steps together."""

from tests.loop import test_removals, test_rows, test_simplify, test_stack
from tests.loop.studies import Script
from tests.report.pages import NOW, Page

from upward.core.plan import Plan
from upward.core.records import Purpose
from upward.ledger.replay import StudyState
from upward.report.page import render


def page(state: StudyState) -> Page:
    return Page(render(state, lambda blob: "", generated_at=NOW))


def test_a_study_without_checks_and_removals_has_no_such_part() -> None:
    found = page(test_stack.pursued({}, [0.8]))
    assert "The steps together" not in found.text
    assert not found.find("a", href="#stack")


def test_a_check_that_holds_says_what_is_better_than_what() -> None:
    found = page(test_stack.pursued({}, [0.8, 0.6, 0.4]))
    assert "All steps up to p3 together are better than the baseline by +0." in found.text
    assert found.find("a", href="#stack")


def test_a_rollback_names_what_the_study_went_back_to() -> None:
    found = page(test_stack.pursued({0.6: 1.4, 0.4: 1.5}, [0.8, 0.6, 0.4]))
    assert "p3 together were not shown to be better than the baseline" in found.text
    assert "After 3 comparisons the study went back to p1" in found.text
    assert "Given up: in a check of all steps up to p3 together" in found.text


def test_dead_weight_and_what_is_needed_are_told_apart() -> None:
    found = page(test_simplify.pursued(0.0))
    assert "WIDTH 16 dead weight: left out" in found.text.replace("  ", " ")
    assert "RATE 0.5 needed" in found.text.replace("  ", " ")


def test_without_a_share_there_are_no_removals_to_show() -> None:
    plan = Plan(simplify_share=0.0, publish=0, controls=0.0)
    assert "The steps together" not in page(test_simplify.pursued(0.0, plan)).text


def test_the_parts_of_the_best_candidate_say_what_they_carry() -> None:
    found = page(test_simplify.pursued(0.12))
    assert "In the best candidate 2 settings differ from the baseline:" in found.text
    assert "RATE 0.5: needed, by one trial; gain without it \u22120.4" in found.text
    assert "WIDTH 16: needed" in found.text


def test_what_was_left_out_is_no_part_any_more() -> None:
    found = page(test_simplify.pursued(0.0))
    assert "In the best candidate 1 setting differs from the baseline:" in found.text
    assert "simpler" in [words.strip() for words in found.words]


def test_a_row_of_removals_says_that_it_cost_little() -> None:
    found = page(test_rows.checked({}, test_rows.REMOVALS))
    assert "All steps up to p2 together only left something out, and cost less than 0.05" in (
        found.text
    )


def test_an_unsteady_machine_is_named() -> None:
    world, measure = test_rows.timing(1.0)
    study = world.begin(test_rows.PAIR)
    world.pursuit(study, Script([0.98, 0.96]), measure, trials=300).go()
    found = page(study.state)
    assert "could not be told: trials of the baseline alone differ by" in found.text
    assert "They stand for now" in found.text


def test_a_check_that_has_begun_is_said_to_be_open() -> None:
    world, measure = test_stack.world_of({})
    study = world.begin(test_stack.PLAN)

    def begun() -> bool:
        return study.state.begun[Purpose.STACK] > 0

    world.pursuit(study, Script([0.8, 0.6, 0.4]), measure, interrupted=begun).go()
    assert "has begun and is not decided yet" in page(study.state).text


def test_a_question_that_another_incumbent_cut_short_is_open() -> None:
    at = test_removals.desk()
    _, trial = at.removal()
    at.accept(0.4)
    at.end(trial, 10.5)
    assert "open: another candidate became the best first" in page(at.state).text
