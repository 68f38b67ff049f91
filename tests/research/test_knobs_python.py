import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.core.errors import UnreadableSource
from upward.research.knobs import Kind, Knob, Scale, find_knobs, set_knobs

SOURCE = '''"""A training script."""
SEED = 3
LEARNING_RATE = 3e-4  # range: 1e-5..1e-1
DEPTH: int = 4
BETAS = (0.8, 0.95)
BATCH = 2**14
ACT = "relu"  # choices: relu, gelu, silu
USE_X = True
DROPOUT = 0.0
TABLE = {"lr": 0.1, "deep": {"width": 1_000}}
TITLE = "ä"; WD = .05
_HIDDEN = 7
KEPT = 5  # fixed
total = 0
total += 1


@dataclass(frozen=True)
class Config:
    width: int = 64
    rate: float = field(default=1.5)


def main():
    parser.add_argument("-o", "--opt", default='adam', choices=["adam", "sgd"])
    parser.add_argument("--log-dir", default="out")
    first = AdamW(x, lr=1e-3, betas=(0.9, 0.999), fused=False)
    second = AdamW(x, lr=1e-3)
    warm = 10  # range: 0..100
    text = f"{dict(lr=0.5)}"
    best = 0.0
'''


def knobs(text: str, path: str = "train.py") -> dict[str, Knob]:
    return {knob.name: knob for knob in find_knobs(path, text)}


def test_every_kind_of_literal_is_found_and_nothing_else() -> None:
    assert list(knobs(SOURCE)) == [
        "LEARNING_RATE",
        "DEPTH",
        "BETAS[0]",
        "BETAS[1]",
        "BATCH",
        "ACT",
        "USE_X",
        "DROPOUT",
        "TABLE.lr",
        "TABLE.deep.width",
        "WD",
        "Config.width",
        "Config.rate",
        "--opt",
        "AdamW(lr)",
        "AdamW(betas)[0]",
        "AdamW(betas)[1]",
        "AdamW(fused)",
        "AdamW(lr)#2",
        "main.warm",
    ]


def test_a_place_is_where_the_source_stands() -> None:
    for knob in find_knobs("train.py", SOURCE):
        assert SOURCE[knob.start : knob.end] == knob.source
        assert SOURCE.count("\n", 0, knob.start) + 1 == knob.line


def test_ids_carry_the_path() -> None:
    assert knobs("LR = 0.1", "a/b.py")["LR"].id == "a/b.py:LR"


def test_kinds_and_scales_follow_name_and_value() -> None:
    found = knobs(SOURCE)
    assert (found["DEPTH"].kind, found["DEPTH"].scale) == (Kind.INT, Scale.LOG)
    assert found["BETAS[1]"].scale is Scale.COLOG
    assert (found["DROPOUT"].scale, found["DROPOUT"].low) == (Scale.LINEAR, 0.0)
    assert found["USE_X"].choices == ("True", "False")
    assert found["BATCH"].value == 16384


def test_a_remark_wins_over_what_is_inferred() -> None:
    found = knobs(SOURCE)
    assert (found["LEARNING_RATE"].low, found["LEARNING_RATE"].high) == (1e-5, 0.1)
    assert found["ACT"].choices == ('"relu"', '"gelu"', '"silu"')
    assert (found["main.warm"].kind, found["main.warm"].high) == (Kind.INT, 100)


def test_choices_of_an_option_are_its_choices_and_keep_its_quotes() -> None:
    assert knobs(SOURCE)["--opt"].choices == ("'adam'", "'sgd'")


def test_a_text_without_choices_is_listed_and_cannot_be_edited() -> None:
    knob = knobs('HEAD = "linear"')["HEAD"]
    assert knob.kind is Kind.TEXT
    assert not knob.tunable


def test_a_none_is_a_knob_only_where_a_remark_names_other_choices() -> None:
    found = knobs("CAP = None  # choices: None, 8.0, 15.0\nOTHER = None\nf(x=None)\n")
    assert list(found) == ["CAP"]
    assert found["CAP"].choices == ("None", "8.0", "15.0")


@pytest.mark.parametrize(
    "line",
    [
        "SEED = 1",
        "DATA_SEED = 1",
        "__version__ = '1'",
        "DATA_PATH = 'x'",
        "PI = 3.14",
        "_X = 1",
        "VOCAB_SIZE = 256",
        "f(random_state=0)",
        "print(1, end='x')",
        "x.softmax(dim=1)",
    ],
)
def test_what_nobody_should_tune_is_left_out(line: str) -> None:
    assert knobs(line) == {}


def test_a_word_that_is_plumbing_alone_may_be_part_of_a_knobs_name() -> None:
    text = "LABEL_SMOOTHING = 0.1\nLOG_TARGET = False\nHIDDEN_DIM = 64\nZERO_INIT = True\n"
    assert list(knobs(text)) == ["LABEL_SMOOTHING", "LOG_TARGET", "HIDDEN_DIM", "ZERO_INIT"]
    assert knobs("x = rng.normal(size=(64, 8))\ny = x.sum(axis=1)\n") == {}


def test_a_name_that_is_stored_again_is_no_constant() -> None:
    assert knobs("count = 3\nfor i in x:\n    count += 1\n") == {}


def test_an_ordinary_comment_is_no_remark() -> None:
    found = knobs("LR = 0.1  # the range: large\nWD = 0.2  # attention range is big\n")
    assert found["LR"].scale is Scale.LOG
    assert found["WD"].scale is Scale.LOG


@pytest.mark.parametrize("remark", ["range: 5..1", "range: a..b", "choices: only"])
def test_a_wrong_remark_is_refused_with_its_line(remark: str) -> None:
    with pytest.raises(UnreadableSource, match="line 2"):
        find_knobs("t.py", f"A = 1\nLR = 2  # {remark}\n")


def test_a_remark_belongs_to_the_last_literal_of_its_line() -> None:
    found = knobs("opt = AdamW(lr=1e-3, eps=1e-8)  # range: 1e-9..1e-6\n")
    assert (found["AdamW(eps)"].low, found["AdamW(eps)"].high) == (1e-9, 1e-6)
    assert found["AdamW(lr)"].high != 1e-6


@pytest.mark.parametrize("text", ["def f(:\n", "x = 1\ny = (\n", "x = '\x00'", "(" * 500])
def test_what_is_not_python_is_refused_with_a_line(text: str) -> None:
    with pytest.raises(UnreadableSource) as caught:
        find_knobs("t.py", text)
    assert caught.value.line >= 1


def test_line_ends_and_wide_characters_before_the_literal_do_not_shift_it() -> None:
    text = "# größe 🐍\r\nA = 'ü🐍'; LR = 0.1  # 🐍\rWD = 0.2"
    for name, source in (("LR", "0.5"), ("WD", "0.7")):
        done = set_knobs(text, [(knobs(text)[name], source)])
        assert done == text.replace(knobs(text)[name].source, source)


def test_several_knobs_are_set_at_once_and_nothing_else_changes() -> None:
    found = knobs(SOURCE)
    done = set_knobs(SOURCE, [(found["DEPTH"], "6"), (found["AdamW(lr)#2"], "2e-3")])
    assert done == SOURCE.replace("DEPTH: int = 4", "DEPTH: int = 6").replace(
        "AdamW(x, lr=1e-3)", "AdamW(x, lr=2e-3)"
    )


@pytest.mark.parametrize("source", ["1; import os", "1 # x", "x", "", "1\nA = 2", "(1, 2)"])
def test_only_a_literal_can_be_written(source: str) -> None:
    with pytest.raises(UnreadableSource):
        set_knobs("LR = 0.1\n", [(knobs("LR = 0.1\n")["LR"], source)])


def test_another_text_than_the_one_that_was_read_is_refused() -> None:
    with pytest.raises(UnreadableSource):
        set_knobs("WD = 0.7\n", [(knobs("LR = 0.1\n")["LR"], "0.2")])


def test_the_same_knob_twice_is_refused() -> None:
    knob = knobs("LR = 0.1\n")["LR"]
    with pytest.raises(UnreadableSource):
        set_knobs("LR = 0.1\n", [(knob, "0.2"), (knob, "0.3")])


lines = st.sampled_from(
    ["A = 0.1", "B = 3e-4  # ä", "C = 1_000", "D = True", "E = (0.9, 0.99)", 'F = "ß"', "", "# 🐍",
     "class G:\n    h: int = 3", "i = j(k=.5, l=2**6)", "M = -0.25"]
)  # fmt: skip


@given(st.lists(lines, max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_setting_every_knob_to_what_it_is_changes_no_byte(
    parts: list[str], end: str, closed: bool
) -> None:
    text = "\n".join(parts).replace("\n", end) + (end if closed else "")
    found = find_knobs("t.py", text)
    assert set_knobs(text, [(knob, knob.source) for knob in found]) == text


@given(st.lists(lines, min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"]), st.data())
def test_a_knob_that_was_set_is_found_again_and_only_its_place_changed(
    parts: list[str], end: str, data: st.DataObject
) -> None:
    text = "\n".join(parts).replace("\n", end)
    found = [knob for knob in find_knobs("t.py", text) if knob.numeric]
    if not found:
        return
    knob = data.draw(st.sampled_from(found))
    done = set_knobs(text, [(knob, "7" if knob.kind is Kind.INT else "0.625")])
    assert done[: knob.start] == text[: knob.start]
    assert done[len(done) - (len(text) - knob.end) :] == text[knob.end :]
    again = {other.name: other.value for other in find_knobs("t.py", done)}
    before = {other.name: other.value for other in find_knobs("t.py", text)}
    assert again == before | {knob.name: 7 if knob.kind is Kind.INT else 0.625}
