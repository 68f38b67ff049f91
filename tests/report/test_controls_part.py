"""What the page says of control arms: ahead, behind, even, or too early to say."""

import pytest
from tests.loop.studies import Script, World, noisy_loss
from tests.report.pages import Page, page_of

from upward.ledger.replay import StudyState
from upward.report.page import render


def ended(rates: list[float], name: str) -> StudyState:
    world = World()
    study = world.begin(secret=name)
    world.pursuit(study, Script(rates), noisy_loss()).go()
    study.state.name = name
    return study.state


def said(study: StudyState, *arms: StudyState) -> str:
    made = render(study, lambda blob: "", generated_at="2026-01-01T00:00:00Z", arms=arms)
    return Page(made).text


GOOD, POOR, NONE = [0.2], [0.7], [2.0, 2.1, 2.2]


@pytest.mark.parametrize(
    ("study", "arm", "words"),
    [
        (GOOD, POOR, "researcher beat random"),
        (POOR, GOOD, "was BEHIND random"),
        (GOOD, GOOD, "did not beat random so far"),
        (NONE, NONE, "Too early to compare with random"),
    ],
)
def test_the_standing_is_said_plainly(study: list[float], arm: list[float], words: str) -> None:
    assert words in said(ended(study, "toy"), ended(arm, "toy~random"))


def test_the_null_arm_is_no_rival_but_an_alarm() -> None:
    text = said(ended(GOOD, "toy"), ended(NONE, "toy~no-op"))
    assert "0 were accepted" in text
    assert "as it should be" in text
    assert "beat no-op" not in text
    false_alarm = said(ended(NONE, "toy"), ended(GOOD, "toy~no-op"))
    assert "false alarm" in false_alarm


def test_a_study_without_arms_says_what_it_cannot_say() -> None:
    state = ended(GOOD, "toy")
    assert "have not begun" in page_of((state, lambda blob: "")).text
