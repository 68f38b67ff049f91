"""What is believed of configurations, and what becomes of it when a step is given up."""

from upward.core.records import Change, Decision, Level, Proposal
from upward.core.seen import Lesson
from upward.research.window import Window

BASE = "base"


def lesson(
    name: str, parent: str, gain: float | None, failure: str | None = None, *, typed: bool = True
) -> Lesson:
    changes = (Change("t.py:X", "0", name),) if typed else ()
    proposal = Proposal(1, "r", name, parent, "", "set", {}, changes)
    won = failure is None and gain is not None and gain > 0
    decision = Decision.ACCEPTED if won else Decision.REJECTED
    return Lesson(proposal, decision, Level.VERIFIED if won else None, gain, failure)


def learned(*lessons: Lesson) -> Window:
    window = Window()
    window.begin(BASE)
    for one in lessons:
        window.learn(one)
    return window


STEPS = (
    lesson("one", BASE, 2.0),
    lesson("two", "one", 3.0),
    lesson("beside", "two", -1.0),
    lesson("apart", BASE, -0.5),
)


def test_a_lesson_without_a_measurement_leaves_what_was_known() -> None:
    window = learned(*STEPS, lesson("two", "one", None))
    assert window.level("two") == 5.0


def test_a_failure_is_known_as_one() -> None:
    window = learned(*STEPS, lesson("two", "one", None, "trial"))
    assert window.tried["two"].level is None


def test_a_step_that_is_given_up_falls_with_all_that_was_counted_from_it() -> None:
    window = learned(*STEPS, lesson("two", "one", -0.25, "stack"))
    assert window.level("two") == 1.75
    assert window.level("beside") == 0.75
    assert window.level("one") == 2.0
    assert window.level("apart") == -0.5


def test_a_row_falls_from_below() -> None:
    window = learned(*STEPS, lesson("one", BASE, 0.0, "stack"), lesson("two", "one", -1.0, "stack"))
    assert [window.level(name) for name in ("one", "two", "beside")] == [0.0, -1.0, -2.0]


def test_a_rewrite_that_is_given_up_falls_too() -> None:
    steps = (lesson("code", BASE, 2.0, typed=False), lesson("on it", "code", 1.0))
    window = learned(*steps, lesson("code", BASE, 0.0, "stack", typed=False))
    assert window.level("code") == window.level(BASE)
    assert window.level("on it") == window.level(BASE) + 1.0


def test_what_stood_on_a_step_of_unknown_origin_is_forgotten_with_it() -> None:
    window = learned(*STEPS)
    del window.tried["one"]
    window.learn(lesson("two", "one", 0.0, "stack"))
    assert set(window.tried) == {BASE, "apart"}
