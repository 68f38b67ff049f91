"""Hostile text becomes harmless, and numbers keep the digits that mean something."""

import json
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.report.markup import Html, coordinate, el, join, json_attribute
from upward.report.text import clean, decimals_for, number, odds, reveal, safe_text, signed, tail

ANYTHING = st.text(st.characters(), max_size=200)


class Seen(HTMLParser):
    """What a browser would make of a piece of markup."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags = list[str]()
        self.attributes = list[tuple[str, str | None]]()
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@given(ANYTHING)
def test_no_text_can_open_a_tag_or_leave_an_attribute(text: str) -> None:
    seen = Seen(el("p", text, title=text))
    assert seen.tags == ["p"]
    assert [name for name, _ in seen.attributes] == ["title"]


@given(ANYTHING)
def test_cleaned_text_has_no_control_bidi_or_surrogate_characters(text: str) -> None:
    kept = clean(text)
    assert kept.isprintable()
    kept.encode("utf-8")


@given(ANYTHING, st.integers(1, 50))
def test_cleaned_text_is_never_longer_than_its_limit(text: str, limit: int) -> None:
    assert len(clean(text, limit)) <= limit
    assert len(tail(text, limit)) <= limit + 1


@given(ANYTHING)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('" onload="alert(1)', "&quot; onload=&quot;alert(1)"),
        ("' onload='alert(1)", "&#x27; onload=&#x27;alert(1)"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;evil\x07link\x1b]8;;\x07", "link"),
        ("\x9b31mred", "red"),
        ("a\u202eb\u2066c\u200bd", "abcd"),
        ("a\x00b\x07c", "abc"),
        ("one\ntwo\tthree", "one two three"),
        ("one\u2028two", "one two"),
        ("\ud800", ""),
        ("e" + "\u0301" * 50, "e\u0301\u0301"),
    ],
)
def test_known_tricks_come_out_harmless(hostile: str, harmless: str) -> None:
    assert safe_text(hostile) == harmless


def test_a_huge_text_is_cut_without_being_read_to_its_end() -> None:
    assert len(safe_text("<" * 50_000_000, 100)) <= 100 * len("&lt;")


def test_json_in_an_attribute_survives_quotes_and_tags() -> None:
    tricks = ["</script><script>", "\"'&<>", "\u2028\u202e"]
    seen = Seen(el("svg", data_tips=json_attribute(tricks)))
    assert json.loads(dict(seen.attributes)["data-tips"] or "") == tricks


def test_markup_passes_and_everything_else_is_escaped() -> None:
    assert join((Html("<b>x</b>"), "<i>")) == "<b>x</b>&lt;i&gt;"
    assert el("p", Html("<br>"), " a < b ") == "<p><br> a &lt; b </p>"


def test_what_hides_in_source_is_shown_by_its_code_point() -> None:
    shown = reveal("if admin:\u202e # check", 100)
    assert "U+202E" in shown
    assert "\u202e" not in shown


def test_revealed_source_keeps_its_indentation() -> None:
    assert reveal("\tx = 1\n    y", 100) == "\tx = 1\n    y"


@given(st.floats(-1e300, 1e300), st.integers(0, 8))
def test_a_written_number_reads_back_to_its_precision(value: float, decimals: int) -> None:
    written = unescape(number(value, decimals)).replace("\N{MINUS SIGN}", "-").replace(",", "")
    assert float(written) == pytest.approx(value, rel=0.06, abs=0.51 * 10.0**-decimals)


@given(st.floats(1e-6, 1e6))
def test_two_digits_of_the_noise_are_written(sd: float) -> None:
    decimals = decimals_for(sd)
    assert sd * 10.0**decimals >= 9.99 or decimals == 8
    assert decimals == 0 or sd * 10.0**decimals < 100.1


def test_unknown_is_never_written_as_a_number() -> None:
    assert number(float("nan")) == "unknown"
    assert number(float("inf"), 3) == "unknown"


def test_odds_never_claim_a_bar_that_was_not_reached() -> None:
    assert odds(19.99) == "19 to 1"


def test_a_gain_carries_its_sign() -> None:
    assert signed(0.5, 2) == "+0.50"
    assert signed(-0.5, 2) == "\N{MINUS SIGN}0.50"


@given(st.floats(-1e5, 1e5))
def test_coordinates_are_short_and_close(value: float) -> None:
    assert float(coordinate(value)) == pytest.approx(value, abs=0.0501)
