import math
import time
from collections.abc import Callable

import pytest
from tests.research.worlds import World

from upward.core.ports import Researcher
from upward.core.records import Decision, Level, Proposal
from upward.core.seen import Kept, Lesson
from upward.research import edits
from upward.research.random_search import RandomEdits, RandomResearcher
from upward.research.search import Policy, SearchResearcher
from upward.research.tpe import TpeResearcher

FILES = {
    "train.py": "RATE = 0.01\nDEPTH = 4\nGATE = False\nACT = 'a'  # choices: a, b, c\n",
    "conf.toml": "[opt]\ndecay = 0.1\nmomentum = 0.9\n",
    "notes.md": "no knobs here",
}
ARMS: list[Callable[[], Researcher]] = [
    SearchResearcher,
    RandomResearcher,
    RandomEdits,
    TpeResearcher,
]


def flat(values: dict[str, object]) -> float | None:
    """Nothing helps."""
    return 0.0 * len(values)


def bowl(values: dict[str, object]) -> float | None:
    """Numbers have an optimum away from the baseline; one switch helps."""
    rate, depth = float(str(values["train.py:RATE"])), float(str(values["train.py:DEPTH"]))
    if rate > 0.5:
        return None
    cost = 3 * math.log(rate / 0.05) ** 2 + 2 * math.log(depth / 8) ** 2
    return 5.0 * (values["train.py:GATE"] is True) - cost


def trap(switches: int, winner: int) -> Callable[[dict[str, object]], float | None]:
    """One switch is worth five standard deviations, every other one harms by two."""

    def gain(values: dict[str, object]) -> float:
        on = [name for name, value in values.items() if value is True]
        won = f"t.py:SWITCH_{winner}" in on
        return 7.0 * won - 2.0 * len(on)

    assert winner < switches
    return gain


def run(arm: Callable[[], Researcher], world: World, turns: int) -> World:
    researcher = arm()
    for _ in range(turns):
        if world.turn(researcher) is None:
            break
    return world


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_edits_only_files_with_knobs_and_says_why(
    arm: Callable[[], Researcher],
) -> None:
    for draft in run(arm, World(FILES, bowl), 12).drafts:
        assert draft.files
        assert set(draft.files) <= {"train.py", "conf.toml"}
        assert draft.changes
        assert draft.operator
        assert draft.hypothesis.endswith(".")


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_is_deterministic(arm: Callable[[], Researcher]) -> None:
    one, other = (run(arm, World(FILES, bowl, seed=3), 12) for _ in range(2))
    assert one.drafts == other.drafts


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_has_nothing_to_propose_without_knobs(arm: Callable[[], Researcher]) -> None:
    world = World({"train.py": "print('hello')\n", "broken.py": "def ("}, flat)
    assert arm().propose(world.seen()) is None


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_stops_when_everything_was_proposed(arm: Callable[[], Researcher]) -> None:
    world = World({"t.py": "A = False\nB = 'x'  # choices: x, y, z\n"}, flat)
    run(arm, world, 40)
    texts = [tuple(draft.files.values()) for draft in world.drafts]
    assert len(set(texts)) == len(texts) == (3 if arm is RandomEdits else 5)


@pytest.mark.slow
def test_proposals_are_all_different_and_the_last_cost_no_more_than_the_middle() -> None:
    world = World({"t.py": "A = 3\nB = False\nC = 0.5\nD = 'x'  # choices: x, y\n"}, flat)
    researcher = SearchResearcher(Policy(together=20, refine=1, variants=20))
    spent: list[float] = []
    for _ in range(260):
        begun = time.process_time()
        world.turn(researcher)
        spent.append(time.process_time() - begun)
    candidates = [lesson.proposal.candidate for lesson in world.lessons]
    assert len(set(candidates)) == len(candidates) == 260
    assert sum(spent[-60:]) < 2.0 * sum(spent[130:190])


@pytest.mark.slow
def test_one_good_switch_among_harmful_ones_is_found() -> None:
    files = {"t.py": "".join(f"SWITCH_{i} = False\n" for i in range(12))}
    found = 0
    for seed in range(20):
        world = run(SearchResearcher, World(files, trap(12, seed % 12), seed=seed), 25)
        found += (world.true(world.incumbent.files) or 0.0) >= 5.0
    assert found >= 19


@pytest.mark.slow
def test_the_search_climbs_higher_than_chance_at_equal_trials() -> None:
    reached = {
        arm: [run(arm, World(FILES, bowl, seed=seed), 40).incumbent.mean for seed in range(8)]
        for arm in (SearchResearcher, RandomResearcher)
    }
    wins = zip(reached[SearchResearcher], reached[RandomResearcher], strict=True)
    assert sum(one > other for one, other in wins) >= 7


SWITCHES = "A = False\nB = 0.0\nC = None  # choices: None, 2\nD = True\nE = 5\n"


def test_what_is_switched_off_is_asked_together_in_halves_and_alone() -> None:
    world = World({"t.py": SWITCHES}, flat)
    researcher = SearchResearcher(Policy(prepared=1.0))
    drafts = [world.turn(researcher) for _ in range(5)]
    asked = [{c.knob[-1]: c.new for c in draft.changes} for draft in drafts if draft]
    assert asked == [
        {"A": "True", "B": "0.5", "C": "2"},
        {"A": "True"},
        {"B": "0.5", "C": "2"},
        {"B": "0.5"},
        {"C": "2"},
    ]
    assert drafts[0] is not None
    assert "A (False -> True), B (0.0 -> 0.5) and C (None -> 2)." in drafts[0].hypothesis


def test_a_question_about_switches_that_was_answered_is_not_asked_again() -> None:
    world = World({"t.py": SWITCHES}, flat)
    first, told = SearchResearcher(), SearchResearcher()
    for _ in range(4):
        world.turn(first)
    for lesson in world.lessons:
        told.learn(lesson)
    again = told.propose(world.seen())
    assert again is not None
    assert [change.knob for change in again.changes] == ["t.py:C"]


def test_what_a_kept_group_left_off_is_asked_next() -> None:
    def half(values: dict[str, object]) -> float | None:
        on = {name[-1] for name, value in values.items() if value is True}
        return 9.0 * ({"A", "B"} <= on) - 20.0 * len(on & {"C", "D"})

    world = World({"t.py": "".join(f"{name} = False\n" for name in "ABCD")}, half)
    researcher = SearchResearcher()
    drafts = [world.turn(researcher) for _ in range(4)]
    names = ["".join(c.knob[-1] for c in draft.changes) for draft in drafts if draft]
    # C and D on top of A and B would be the first question again
    assert names == ["ABCD", "AB", "C", "D"]
    assert "A = True\nB = True" in world.incumbent.files["t.py"]


def test_lessons_alone_restore_what_was_learned() -> None:
    world = World(FILES, bowl, seed=1)
    first = SearchResearcher()
    for _ in range(15):
        world.turn(first)
    again = SearchResearcher()
    for lesson in world.lessons:
        again.learn(lesson)
    assert again.propose(world.seen()) == first.propose(world.seen())


def test_two_proposals_in_flight_differ() -> None:
    world = World(FILES, flat)
    researcher = SearchResearcher()
    drafts = [researcher.propose(world.seen()) for _ in range(4)]
    assert len({str(draft) for draft in drafts}) == 4


def test_a_proposal_of_another_researcher_is_not_repeated() -> None:
    files = {"t.py": "A = False\n"}
    world = World(files, flat)
    told = SearchResearcher()
    draft = SearchResearcher().propose(world.seen())
    assert draft is not None
    told.learn(world.judged(draft))
    assert told.propose(world.seen()) is None


def test_what_another_candidate_gained_is_combined_with_the_incumbent() -> None:
    world = World({"t.py": "A = 1\nB = 2\n"}, flat)
    change = edits.Change("t.py:B", "2", "8")
    other = Kept("other", Level.PROVISIONAL, 4.0, 3, {"t.py": "A = 1\nB = 8\n"}, (change,))
    mine = edits.Change("t.py:A", "1", "3")
    incumbent = Kept("mine", Level.VERIFIED, 5.0, 3, {"t.py": "A = 3\nB = 2\n"}, (mine,))
    world.archive, world.incumbent = [other], incumbent
    researcher = SearchResearcher(Policy(elsewhere=0.0, merge=1.0))
    for kept, wanted, gain in ((other, change, 4.0), (incumbent, mine, 5.0)):
        proposal = Proposal(
            1, "r", kept.candidate, world.baseline.candidate, "", "several", {}, (wanted,)
        )
        researcher.learn(Lesson(proposal, Decision.ACCEPTED, Level.VERIFIED, gain))
    drafts = [researcher.propose(world.seen()) for _ in range(6)]
    combined = [draft for draft in drafts if draft and draft.operator == edits.COMBINE]
    assert combined
    assert combined[0].parents == ("other",)
    assert combined[0].files == {"t.py": "A = 3\nB = 8\n"}


def test_tpe_rebuilds_its_points_from_lessons() -> None:
    world = World(FILES, bowl, seed=2)
    first = TpeResearcher()
    for _ in range(12):
        world.turn(first)
    again = TpeResearcher()
    for lesson in world.lessons:
        again.learn(lesson)
    draft = again.propose(world.seen())
    assert draft is not None
    assert draft.changes != world.drafts[0].changes
