"""What the page says of seeds that races share."""

import pytest
from tests.loop.studies import Script, World, noisy_loss
from tests.report.pages import page_of

from upward.core.metric import Noise
from upward.core.plan import Plan
from upward.ledger.replay import StudyState

STEPS = [1.0 - 0.02 * n for n in range(1, 31)]


def study(rates: list[float], shared: float, noise: Noise = Noise.SEEDED) -> StudyState:
    world = World(noise)
    found = world.begin(Plan(controls=0.0, publish=0))
    world.pursuit(found, Script(rates), noisy_loss(shared=shared), trials=200).go()
    return found.state


def words(state: StudyState) -> str:
    return page_of((state, lambda blob: "")).text


@pytest.mark.parametrize(
    ("rates", "shared", "said"),
    [
        (STEPS, 0.97, "That pays, so three quarters of the evidence of the next race"),
        (STEPS[::3], 0.0, "It is not sure that this pays, so the evidence"),
        ([0.5], 0.0, "not known yet: too few pairs"),
    ],
)
def test_it_says_which_design_the_races_use_and_why(
    rates: list[float], shared: float, said: str
) -> None:
    text = words(study(rates, shared))
    assert "on the same seeds, so that luck which both have in common cancels" in text
    assert said in text
    assert "Its evidence is the average of two bets" in text


@pytest.mark.parametrize("noise", [Noise.TIMING, Noise.EXACT])
def test_other_kinds_of_noise_have_no_such_words(noise: Noise) -> None:
    text = words(study([0.5], 0.0, noise))
    assert "luck which both have in common" not in text
    assert "average of two bets" not in text
