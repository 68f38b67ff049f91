import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.core.canon import MAX_DEPTH, canonical, parse_strict
from upward.core.errors import BadMeasurement
from upward.testing.strategies import plains


@given(plains())
def test_what_is_written_is_read_back(value: object) -> None:
    assert parse_strict(canonical(value)) == value


@given(plains())
def test_reading_and_writing_again_gives_the_same_bytes(value: object) -> None:
    assert canonical(parse_strict(canonical(value))) == canonical(value)


@given(st.dictionaries(st.text(), st.integers(), max_size=6))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


@given(plains(), plains())
def test_different_values_have_different_bytes(one: object, other: object) -> None:
    # Python says 1 == 1.0 == True; the bytes keep them apart
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (canonical(one) == canonical(other)) == same


@given(st.lists(st.integers(), max_size=5))
def test_a_tuple_is_written_as_a_list(items: list[int]) -> None:
    assert canonical(tuple(items)) == canonical(items)


def test_text_is_written_as_utf8_and_not_as_escapes() -> None:
    assert canonical("ü") == b'"\xc3\xbc"'


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, {"a": [math.nan]}])
def test_a_number_that_is_none_has_no_canonical_form(value: object) -> None:
    with pytest.raises(BadMeasurement):
        canonical(value)


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, {1: "key"}, object(), 1j])
def test_other_types_are_never_converted_silently(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)


def test_nesting_has_a_limit() -> None:
    value: object = 1
    for _ in range(MAX_DEPTH):
        value = [value]
    assert canonical(value)
    with pytest.raises(TypeError, match="nested"):
        canonical([value])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"1 2",
        b'{"a": 1}{"a": 1}',
        b'{"a": 1, "a": 2}',
        b'{"x": {"a": 1, "a": 1}}',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e999",
        b"-1e999",
        b"-0.0",
        b"123456789012345678901",
        b'"\xff"',
        b"\xef\xbb\xbf1",
        b"'a'",
        b"01",
        b"[1,]",
        b"[" * 60_000,
    ],
)
def test_anything_but_one_strict_value_is_refused(data: bytes) -> None:
    with pytest.raises(BadMeasurement):
        parse_strict(data)


@given(st.binary(max_size=40))
def test_any_bytes_are_either_read_or_refused(data: bytes) -> None:
    try:
        value = parse_strict(data)
    except BadMeasurement:
        return
    assert canonical(value)


def test_half_a_character_is_refused() -> None:
    # a lone surrogate can be written as an escape, but no text that is stored can hold it
    with pytest.raises(BadMeasurement):
        parse_strict(b'{"note": "\\ud800"}')
    with pytest.raises(BadMeasurement):
        parse_strict(b'{"\\uDFFF": 1}')
    with pytest.raises(BadMeasurement):
        canonical({"note": "\ud800"})
    assert parse_strict(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_input_over_the_limit_is_not_looked_at() -> None:
    assert parse_strict(b"1" * 10, limit_bytes=10) == 1_111_111_111
    with pytest.raises(BadMeasurement, match="11 bytes"):
        parse_strict(b"1" * 11, limit_bytes=10)
