import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.core.records import Level
from upward.core.seen import Kept
from upward.research import edits
from upward.research.edits import Edit
from upward.research.knobs import Knob, apply_sources, find_knobs, surface
from upward.research.literals import read_number
from upward.research.space import coordinate, draw, in_range, source_at, value_at


def knob(source: str, name: str = "RATE") -> Knob:
    return find_knobs("t.py", f"{name} = {source}\n")[0]


def kept(text: str, name: str = "c") -> Kept:
    return Kept(name, Level.PROVISIONAL, 1.0, 1, {"t.py": text})


numbers = st.one_of(
    st.integers(0, 10**6).map(str),
    st.integers(1000, 10**6).map(lambda n: f"{n:_}"),
    st.integers(1, 20).map(lambda n: f"2**{n}"),
    st.integers(1, 255).map(hex),
    st.floats(1e-9, 1e6).map(repr),
    st.floats(0.001, 0.999).map(lambda x: f"{x:.3f}"),
    st.floats(1e-7, 1.0).map(lambda x: f"{x:.1e}"),
    st.sampled_from(["0.0", ".5", "1.", "-0.5", "1E-3", "1e3", "0.9999"]),
)
names = st.sampled_from(["RATE", "DROPOUT", "BETA1", "MOMENTUM", "WIDTH", "EMA_DECAY"])


@given(numbers, names, st.floats(1.05, 8.0))
def test_scaling_really_changes_the_value_in_its_direction_and_in_range(
    source: str, name: str, factor: float
) -> None:
    old = knob(source, name)
    for edit, up in ((edits.scale_up(old, factor), True), (edits.scale_down(old, factor), False)):
        if edit is None:
            continue
        value = read_number(edit.changes[0].new)
        assert value is not None
        assert isinstance(old.value, int | float)
        assert value > old.value if up else value < old.value
        assert in_range(old, value)
        assert type(value) is type(old.value)


@given(numbers, names)
def test_one_direction_at_least_is_always_open(source: str, name: str) -> None:
    old = knob(source, name)
    assert edits.scale_up(old, 2.0) or edits.scale_down(old, 2.0)


@given(numbers, names, st.floats(0, 1))
def test_a_coordinate_and_its_value_agree(source: str, name: str, place: float) -> None:
    old = knob(source, name)
    assert coordinate(old, value_at(old, place)) == pytest.approx(place, abs=1e-6)


@given(numbers, names, st.floats(0, 1))
def test_a_source_at_a_coordinate_is_in_range_and_keeps_the_kind(
    source: str, name: str, place: float
) -> None:
    old = knob(source, name)
    value = read_number(source_at(old, place))
    assert value is not None
    assert in_range(old, value)
    assert type(value) is type(old.value)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [("3e-4", "6e-4"), ("0.1", "0.2"), ("1_000", "2_000"), ("2**6", "2**7"), (".25", ".5"),
     ("1.5e-3", "3.0e-3"), ("1E-03", "2E-03"), ("0x10", "0x20"), ("3", "6"), ("1 << 4", "1 << 5")],
)  # fmt: skip
def test_a_number_keeps_its_authors_style(source: str, wanted: str) -> None:
    edit = edits.scale_up(knob(source, "SIZE"), 2.0)
    assert edit is not None
    assert edit.changes[0].new == wanted


def test_an_average_moves_by_its_distance_to_one() -> None:
    edit = edits.scale_up(knob("0.99", "BETA2"), 2.0)
    assert edit is not None
    assert edit.changes[0].new == "0.995"


def test_a_hypothesis_names_the_knob_and_both_values() -> None:
    edit = edits.scale_up(knob("0.001", "LEARNING_RATE"), 2.0)
    assert edit is not None
    assert edit.hypothesis.startswith("Doubling LEARNING_RATE (0.001 -> 0.002)")


def test_a_switch_flips_and_a_number_does_not() -> None:
    edit = edits.flip(knob("True"))
    assert edit is not None
    assert edit.changes[0].new == "False"
    assert edits.flip(knob("1")) is None
    assert edits.scale_up(knob("True"), 2.0) is None


def test_a_choice_is_another_of_the_known_ones() -> None:
    old = find_knobs("t.py", "ACT = 'a'  # choices: a, b\n")[0]
    edit = edits.choose(old, "'b'")
    assert edit is not None
    assert edit.changes[0].new == "'b'"
    assert edits.choose(old, "'a'") is None
    assert edits.choose(old, "'c'") is None


def test_swapping_exchanges_two_values_that_fit() -> None:
    one, other = find_knobs("t.py", "A = 0.1\nB = 0.2\n")
    edit = edits.swap(one, other)
    assert edit is not None
    assert edits.to_draft(edit, kept("A = 0.1\nB = 0.2\n")).files == {"t.py": "A = 0.2\nB = 0.1\n"}
    far = find_knobs("t.py", "A = 0.1\nC = 5000.0\n")
    assert edits.swap(*far) is None
    assert edits.swap(one, one) is None


def test_reverting_puts_the_baselines_value_back() -> None:
    edit = edits.revert(knob("0.3"), "0.1")
    assert edit is not None
    assert edit.changes[0].new == "0.1"
    assert edits.revert(knob("0.1"), "0.1") is None


def test_combining_takes_only_what_the_parent_has_not_changed_itself() -> None:
    parent = surface({"t.py": "A = 1\nB = 2\nC = 3\n"})
    change = edits.Change
    changes = (change("t.py:A", "1", "9"), change("t.py:B", "2", "8"), change("t.py:Z", "0", "1"))
    other = Kept("other", Level.PROVISIONAL, 1.0, 1, {}, changes)
    edit = edits.combine(parent, frozenset({"t.py:A"}), other)
    assert edit is not None
    assert [(c.knob, c.new) for c in edit.changes] == [("t.py:B", "8")]
    assert edit.parents == ("other",)
    assert edits.combine(parent, frozenset({"t.py:A", "t.py:B"}), other) is None


def test_several_edits_touch_different_knobs() -> None:
    up, down = edits.scale_up(knob("2.0"), 2.0), edits.scale_down(knob("2.0"), 2.0)
    other = edits.flip(knob("True", "GATE"))
    assert up is not None
    assert down is not None
    assert other is not None
    assert edits.several([up, down]) is None
    joined = edits.several([up, other])
    assert joined is not None
    assert joined.knobs == up.knobs | other.knobs


def test_a_variant_replaces_the_same_knob_and_adds_another() -> None:
    up, down = edits.scale_up(knob("2.0"), 2.0), edits.scale_down(knob("2.0"), 2.0)
    other = edits.flip(knob("True", "GATE"))
    assert up is not None
    assert down is not None
    assert other is not None
    assert edits.varied(up, down) == down
    joined = edits.varied(up, other)
    assert len(joined.changes) == 2
    assert "GATE (True -> False) together" in joined.hypothesis


def test_a_draft_holds_only_the_files_that_change() -> None:
    files = {"a.py": "A = 1\n", "b.toml": "b = 2\n", "c.md": "text"}
    parent = Kept("p", None, 0.0, 1, files)
    change = edits.Change("b.toml:b", "2", "4")
    draft = edits.to_draft(Edit("scale_up", (change,), "why"), parent)
    assert draft.files == {"b.toml": "b = 4\n"}
    assert (draft.parent, draft.operator, draft.changes) == ("p", "scale_up", (change,))


def test_a_broken_file_has_no_knobs_and_harms_no_other() -> None:
    files = {"a.py": "def (", "b.py": "B = 2\n"}
    assert list(surface(files)) == ["b.py:B"]
    assert apply_sources(files, {"b.py:B": "3"}) == {"b.py": "B = 3\n"}


def test_a_drawn_value_is_one_of_the_range_or_of_the_choices() -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    assert {draw(knob("True"), rng) for _ in range(30)} == {"True", "False"}
    values = [read_number(draw(knob("0.1"), rng)) for _ in range(200)]
    assert min(v or 0 for v in values) < 0.01
    assert max(v or 0 for v in values) > 1.0
