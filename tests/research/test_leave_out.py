"""Leaving out: the parts of a change, and what is left without them."""

from upward.core.seen import Kept
from upward.research.leave_out import LeaveOut

BEFORE = "RATE = 1.0\nWIDTH = 8\nDEPTH = 2\nDROP = 0.0\nWARM = 0.1\n\nprint(RATE)\n"


def kept(text: str, name: str = "c") -> Kept:
    return Kept(name * 64, None, 1.0, 8, {"train.py": text})


def drafts(now: str) -> list[str]:
    found = LeaveOut().removals(kept(BEFORE, "b"), kept(now))
    return [draft.files["train.py"] for draft in found]


def test_nothing_to_leave_out_of_the_baseline_or_of_one_change() -> None:
    assert drafts(BEFORE) == []
    assert drafts(BEFORE.replace("8", "16")) == []


def test_each_of_two_changes_is_left_out_alone() -> None:
    now = BEFORE.replace("WIDTH = 8", "WIDTH = 16").replace("RATE = 1.0", "RATE = 0.5")
    without_rate = now.replace("RATE = 0.5", "RATE = 1.0")
    without_width = now.replace("WIDTH = 16", "WIDTH = 8")
    assert sorted(drafts(now)) == sorted([without_rate, without_width])


def test_many_changes_are_left_out_by_halves_first() -> None:
    now = "RATE = 0.5\nWIDTH = 16\nDEPTH = 4\nDROP = 0.1\nWARM = 0.1\n\nprint(RATE)\n"
    found = list(LeaveOut().removals(kept(BEFORE, "b"), kept(now)))
    assert [len(draft.changes) for draft in found] == [2, 2, 1, 1, 1, 1]
    first, second = (frozenset(c.knob for c in draft.changes) for draft in found[:2])
    assert not first & second
    assert len({draft.files["train.py"] for draft in found}) == 6


def test_a_draft_says_what_is_left_out_and_from_whom() -> None:
    now = BEFORE.replace("WIDTH = 8", "WIDTH = 16").replace("RATE = 1.0", "RATE = 0.5")
    [first, _] = LeaveOut().removals(kept(BEFORE, "b"), kept(now))
    assert first.parent == "c" * 64
    [change] = first.changes
    assert f"Without {change.knob.partition(':')[2]} {change.old}" in first.hypothesis


def test_new_code_is_left_out_block_by_block() -> None:
    now = BEFORE.replace("print(RATE)", "print(RATE + 1)\nprint(WIDTH)") + "\nprint(DROP)\n"
    now = "import math\n" + now
    found = drafts(now)
    assert now.replace("import math\n", "") in found
    assert len(found) >= 2
    assert now not in found


def test_lines_of_a_file_without_knobs_are_left_out_too() -> None:
    baseline = Kept("b" * 64, None, 1.0, 8, {"notes.txt": "one\ntwo\nthree\n"})
    now = Kept("c" * 64, None, 1.0, 8, {"notes.txt": "ONE\ntwo\nTHREE\n"})
    found = {draft.files["notes.txt"] for draft in LeaveOut().removals(baseline, now)}
    assert found == {"one\ntwo\nTHREE\n", "ONE\ntwo\nthree\n"}
