"""The part of the page about all steps together."""

from tests.loop import test_simplify, test_stack
from tests.report.pages import NOW, Page

from upward.core.plan import Plan
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
