import json
import tomllib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from upward.core.errors import UnreadableSource
from upward.research.knobs import Kind, Knob, find_knobs, set_knobs
from upward.research.knobs_config import read_leaves

TOML = '''top = 1  # range: 0..5
[train]
opt.lr = 0.1
note = """
fake = 2
"""
list = [1,
  2] # fake = 3
"quoted" = true
act = 'relu' # choices: relu, gelu
when = 2020-01-01
[[stage]]
k = 1
[[stage]]
k = 2
[stage.inner]
v = 0.5
'''
YAML = """lr: 3e-4
pair: [0.9, 0.95]
flags: {a: yes, b: 'q'}  # choices: q, r
anchor: &x 3
alias: *x
tiny: 1.0e-3
items:
  - e: 5
text: |
  lr: 7
"""
JSON = '{"a": [1, {"b": 2.5, "c": "x:y,{"}], "d": true, "e\\u00e9": 1e-3, "n": null}'
FILES = {"c.toml": TOML, "c.yaml": YAML, "c.yml": YAML, "c.json": JSON}


def knobs(path: str, text: str | None = None) -> dict[str, Knob]:
    return {knob.name: knob for knob in find_knobs(path, FILES[path] if text is None else text)}


def test_toml_scalars_are_named_by_their_tables() -> None:
    assert list(knobs("c.toml")) == [
        "top", "train.opt.lr", "train.quoted", "train.act", "stage[0].k", "stage[1].k",
        "stage[1].inner.v",
    ]  # fmt: skip


def test_yaml_scalars_are_named_by_their_path_and_shared_ones_keep_out() -> None:
    found = knobs("c.yaml")
    assert {"lr", "pair[0]", "pair[1]", "flags.a", "flags.b", "tiny", "items[0].e"} <= set(found)
    assert not {"anchor", "alias"} & set(found)


def test_a_number_that_yaml_reads_as_text_is_a_number() -> None:
    assert (knobs("c.yaml")["lr"].kind, knobs("c.yaml")["lr"].value) == (Kind.FLOAT, 3e-4)


def test_json_scalars_are_named_by_their_path() -> None:
    assert list(knobs("c.json")) == ["a[0]", "a[1].b", "a[1].c", "d", "eé"]


def test_choices_keep_the_quotes_of_the_file() -> None:
    assert knobs("c.toml")["train.act"].choices == ("'relu'", "'gelu'")
    assert knobs("c.yaml")["flags.b"].choices == ("'q'", "'r'")
    assert knobs("c.yaml")["flags.a"].choices == ("yes", "no")


@pytest.mark.parametrize("path", list(FILES))
def test_setting_every_knob_to_what_it_is_changes_no_byte(path: str) -> None:
    for text in (FILES[path], FILES[path].replace("\n", "\r\n"), FILES[path].rstrip("\n")):
        found = find_knobs(path, text)
        assert found
        assert set_knobs(text, [(knob, knob.source) for knob in found]) == text


@pytest.mark.parametrize("path", list(FILES))
def test_one_edit_changes_exactly_one_value_for_the_formats_own_parser(path: str) -> None:
    for end in ("\n", "\r\n"):
        text = FILES[path].replace("\n", end)
        before = read_leaves(path, text)
        for knob in find_knobs(path, text):
            if knob.numeric:
                new = "4" if knob.kind is Kind.INT else "0.625"
                after = read_leaves(path, set_knobs(text, [(knob, new)]))
                changed = {name for name in before if before[name] != after[name]}
                assert changed == {knob.name}


def test_an_edit_that_would_change_two_values_is_refused() -> None:
    text = "a: &x\n  b: 3\nc: *x\n"
    with pytest.raises(UnreadableSource):
        set_knobs(text, [(knobs("c.yaml", text)["a.b"], "4")])


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("c.toml", "a = 1\nb = = 2\n", 2),
        ("c.yaml", "a: 1\nb: [1\nc: 2\n", 3),
        ("c.json", '{"a": 1,\n "b": }', 2),
        ("c.json", "[" * 100_000, 1),
    ],
)
def test_what_cannot_be_parsed_is_refused_with_its_line(path: str, text: str, line: int) -> None:
    with pytest.raises(UnreadableSource) as caught:
        find_knobs(path, text)
    assert caught.value.line == line


def test_other_files_have_no_knobs() -> None:
    assert find_knobs("notes.md", "lr = 3") == []


def test_an_empty_file_has_no_knobs() -> None:
    assert [find_knobs(path, "") for path in ("c.toml", "c.yaml", "t.py")] == [[], [], []]


keys = st.text("abcäß_", min_size=1, max_size=4)
values = st.recursive(
    st.booleans()
    | st.integers(-99, 10**6)
    | st.floats(1e-6, 1e6, allow_nan=False)
    | st.text("ab:,{}[]#\"'\\ =", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(keys, values, min_size=1, max_size=4), st.sampled_from([None, 2]))
def test_any_json_is_read_like_its_own_parser_reads_it(
    document: dict[str, object], indent: int | None
) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    leaves = read_leaves("d.json", text)
    for knob in find_knobs("d.json", text):
        assert leaves[knob.name] == knob.value
        assert json.loads(knob.source) == knob.value


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(keys, values, min_size=1, max_size=4))
def test_any_yaml_edit_changes_one_value_or_is_refused(document: dict[str, object]) -> None:
    text = yaml.safe_dump(document, allow_unicode=True)
    before = read_leaves("d.yaml", text)
    for knob in find_knobs("d.yaml", text):
        if knob.numeric:
            after = read_leaves("d.yaml", set_knobs(text, [(knob, "12.25")]))
            assert after == before | {knob.name: 12.25}


tables = st.dictionaries(
    st.text("abc", min_size=1, max_size=2),
    st.dictionaries(st.text("xyz", min_size=1, max_size=2), st.integers(1, 99), max_size=3),
    max_size=3,
)


@given(tables)
def test_any_toml_table_is_found(document: dict[str, dict[str, int]]) -> None:
    lines = [
        line
        for name, table in document.items()
        for line in (f"[{name}]", *(f"{key} = {value}" for key, value in table.items()))
    ]
    text = "\n".join(lines)
    wanted = {f"{n}.{k}": v for n, table in tomllib.loads(text).items() for k, v in table.items()}
    assert {knob.name: knob.value for knob in find_knobs("d.toml", text)} == wanted
