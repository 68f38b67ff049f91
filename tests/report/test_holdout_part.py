"""The part of the page about the sealed holdout."""

from tests.loop.test_holdout import SEALED, pursued
from tests.report.pages import NOW, Page

from upward.core.metric import Noise
from upward.ledger.replay import StudyState
from upward.report.page import render


def page(state: StudyState) -> Page:
    return Page(render(state, lambda blob: "", generated_at=NOW))


def test_a_gain_that_carries_over_is_said_with_its_interval() -> None:
    text = page(pursued({}, [0.8, 0.6])[0]).text
    assert "On the holdout the best candidate gains +0.4" in text
    assert "and it was confirmed as a new best." in text
    assert "2 questions, 2 answered with yes." in text


def test_a_gain_that_does_not_carry_over_is_said_plainly() -> None:
    text = page(pursued({0.6: 0.8}, [0.8, 0.6])[0]).text
    assert "It was not confirmed as a new best" in text
    assert "2 questions, 1 answered with yes." in text


def test_a_candidate_that_failed_there_is_not_confirmed() -> None:
    text = page(pursued({0.8: None}, [0.8])[0]).text
    assert "could not be measured on the holdout: it is not confirmed" in text
    assert "no measurement" in text


def test_the_page_says_why_nothing_was_asked() -> None:
    assert "Not asked yet" in page(pursued({}, [1.5])[0]).text
    assert "This task has no sealed holdout" in page(pursued({}, [0.8], holdouts=())[0]).text
    exact, _ = pursued({}, [0.8], holdouts=(SEALED,), noise=Noise.EXACT)
    assert "there is nothing to hold out" in page(exact).text
