import dataclasses
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.core.errors import ChainBroken
from upward.core.records import Entry
from upward.ledger.chain import START, Heads, check, checked, faults, link

AT = "2026-01-01T00:00:00.000Z"


def chain(bodies: Sequence[bytes], study: str = "s") -> list[Entry]:
    entries: list[Entry] = []
    for number, body in enumerate(bodies, start=1):
        prev = entries[-1].hash if entries else START
        entries.append(link(study, number, "trial", body, AT, prev))
    return entries


CHAINS = st.lists(st.binary(max_size=6), min_size=1, max_size=12).map(chain)
FIELDS = ["study", "seq", "kind", "body", "at", "prev", "hash"]


def altered(entry: Entry, name: str) -> Entry:
    value = getattr(entry, name)
    match value:
        case int():
            return dataclasses.replace(entry, **{name: value + 1000})
        case bytes():
            return dataclasses.replace(entry, **{name: bytes([value[0] ^ 1]) + value[1:]})
        case _:
            return dataclasses.replace(entry, **{name: chr(ord(value[0]) ^ 1) + value[1:]})


@given(CHAINS)
def test_a_chain_as_it_was_written_has_no_fault(entries: list[Entry]) -> None:
    assert check(entries) is None
    assert list(checked(entries)) == entries


@given(CHAINS, st.integers(0, 11))
def test_the_rest_of_a_chain_follows_from_any_entry(entries: list[Entry], place: int) -> None:
    place %= len(entries)
    assert check(entries[place + 1 :], after=entries[place]) is None
    if place:
        assert check(entries[place:]) is not None


@given(
    st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=8),
    st.integers(0, 7),
    st.sampled_from(FIELDS),
)
def test_one_flipped_bit_breaks_the_chain_at_its_place(
    bodies: list[bytes], place: int, name: str
) -> None:
    entries = chain(bodies)
    place %= len(entries)
    entries[place] = altered(entries[place], name)
    fault = check(entries)
    assert fault is not None
    assert fault.seq == place + 1


def test_one_changed_body_is_one_fault() -> None:
    entries = chain([b"a", b"b", b"c", b"d"])
    entries[1] = dataclasses.replace(entries[1], body=b"B")
    [fault] = faults(entries)
    assert (fault.study, fault.seq) == ("s", 2)
    assert "changed" in fault.reason


@given(CHAINS.filter(lambda entries: len(entries) > 1), st.integers(0, 10))
def test_a_removed_entry_is_named(entries: list[Entry], place: int) -> None:
    place %= len(entries) - 1
    fault = check(entries[:place] + entries[place + 1 :])
    assert fault is not None
    assert fault.seq == place + 1
    assert "removed" in fault.reason


def test_several_removed_entries_are_named_as_a_range() -> None:
    entries = chain([b"a"] * 9)
    fault = check(entries[:2] + entries[5:])
    assert fault is not None
    assert str(fault) == (
        "Study 's', entry 3: removed with all up to 5, entry 6 stands in its place."
    )


@given(CHAINS.filter(lambda entries: len(entries) > 1), st.integers(0, 10))
def test_swapped_entries_are_found(entries: list[Entry], place: int) -> None:
    place %= len(entries) - 1
    entries[place], entries[place + 1] = entries[place + 1], entries[place]
    assert check(entries) is not None


@given(CHAINS)
def test_a_repeated_entry_is_out_of_order(entries: list[Entry]) -> None:
    fault = check([*entries, entries[-1]])
    assert fault is not None
    assert "out of order" in fault.reason


def test_an_entry_that_was_hashed_again_no_longer_fits_its_neighbour() -> None:
    entries = chain([b"a", b"b", b"c"])
    entries[1] = link("s", 2, "trial", b"forged", AT, entries[0].hash)
    fault = check(entries)
    assert fault is not None
    assert fault.seq == 3
    assert "does not follow" in fault.reason


def test_an_entry_of_another_study_is_no_part_of_the_chain() -> None:
    entries = chain([b"a", b"b"])
    stranger = link("t", 3, "trial", b"c", AT, entries[-1].hash)
    fault = check([*entries, stranger])
    assert fault is not None
    assert "study 't'" in fault.reason


def test_building_on_a_broken_chain_stops_at_the_break() -> None:
    entries = chain([b"a", b"b", b"c"])
    entries[1] = altered(entries[1], "body")
    reading = checked(entries)
    assert next(reading) == entries[0]
    with pytest.raises(ChainBroken, match="entry 2"):
        next(reading)


TEXT = st.text(max_size=4)


@given(
    st.tuples(TEXT, TEXT, st.binary(max_size=4), TEXT),
    st.tuples(TEXT, TEXT, st.binary(max_size=4), TEXT),
)
def test_entries_share_a_hash_only_when_they_are_equal(
    one: tuple[str, str, bytes, str], other: tuple[str, str, bytes, str]
) -> None:
    def digest(part: tuple[str, str, bytes, str]) -> str:
        study, kind, body, at = part
        return link(study, 1, kind, body, at, START).hash

    assert (digest(one) == digest(other)) == (one == other)


def test_text_cannot_move_from_one_field_to_the_next() -> None:
    assert link("ab", 1, "c", b"", AT, START).hash != link("a", 1, "bc", b"", AT, START).hash


def test_the_hash_of_an_entry_never_changes_between_versions() -> None:
    entry = link("s", 1, "study", b"{}", AT, START)
    assert entry.hash == "b335b67e4e0cf2ea951605f45ec1fd05432106b3039ad8858bcba26b6fd8ac8b"


def test_damaged_text_is_a_fault_and_not_a_crash() -> None:
    entries = chain([b"a"])
    entries[0] = dataclasses.replace(entries[0], kind="\udcff", hash="not a hash")
    assert check(entries) is not None


class TestHeads:
    def test_a_holder_may_extend_what_it_has_read_to_the_end(self) -> None:
        heads, entries = Heads(), chain([b"a", b"b"])
        heads.require("s", 0, START)
        for entry in entries:
            heads.saw(entry)
        heads.require("s", 2, entries[1].hash)

    def test_reading_an_old_entry_again_changes_nothing(self) -> None:
        heads, entries = Heads(), chain([b"a", b"b"])
        for entry in (*entries, entries[0]):
            heads.saw(entry)
        heads.require("s", 2, entries[1].hash)

    def test_entries_of_someone_else_are_named(self) -> None:
        heads, entries = Heads(), chain([b"a", b"b"])
        heads.saw(entries[0])
        with pytest.raises(ChainBroken, match="entry 2: another process"):
            heads.require("s", 2, entries[1].hash)

    def test_a_lost_or_replaced_end_is_named(self) -> None:
        heads, entries = Heads(), chain([b"a", b"b"])
        heads.saw(entries[1])
        with pytest.raises(ChainBroken, match="entry 2: removed"):
            heads.require("s", 1, entries[0].hash)
        with pytest.raises(ChainBroken, match="entry 2: removed or replaced"):
            heads.require("s", 2, "0" * 64)
