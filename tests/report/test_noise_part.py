"""What the page says of a machine that changed since calibration."""

from collections.abc import Mapping

import pytest
from tests.loop.studies import Script, World, noisy_loss, rate_of
from tests.report.pages import page_of

from upward.core.records import Purpose
from upward.ledger.replay import StudyState


def study(slower: float) -> StudyState:
    """A study whose trials get worse by so much once the noise is known."""
    world = World()
    found = world.begin()

    def measure(files: Mapping[str, str], seed: int) -> float:
        late = found.state.noise is not None
        return noisy_loss(0.02)(files, seed) + slower * late + 0.0 * rate_of(files)

    world.pursuit(found, Script([0.5]), measure).go()
    return found.state


@pytest.mark.parametrize(("slower", "words"), [(0.0, "no drift"), (0.3, "has changed")])
def test_later_trials_of_the_baseline_show_whether_the_machine_drifted(
    slower: float, words: str
) -> None:
    state = study(slower)
    assert state.begun[Purpose.PUBLISH]
    assert words in page_of((state, lambda blob: "")).text
    assert state.accepted  # a race compares what ran in turn, so it does not mind


def test_without_later_trials_nothing_is_said_of_drift() -> None:
    world = World()
    found = world.begin()
    world.pursuit(found, Script([]), noisy_loss()).go()
    assert "later trial" not in page_of((found.state, lambda blob: "")).text
