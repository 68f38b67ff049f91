import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upward.core import metric, noise, plan, records, task
from upward.core.canon import canonical, parse_strict
from upward.core.codec import plain, restore
from upward.core.errors import BadEntry
from upward.core.metric import Metric
from upward.core.plan import Plan
from upward.core.records import Change, Trial, Verdict
from upward.core.task import Limits, Task
from upward.ledger.checkpoint import Checkpoint
from upward.ledger.facts import Genesis, Session
from upward.testing.strategies import a_task
from upward.testing.strategies import records as any_record

PLAIN_RECORDS: list[type[Any]] = [
    kind
    for module in (records, metric, noise, plan, task)
    for kind in vars(module).values()
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind is not records.Entry
]
RECORDS = {kind.__name__: kind for kind in [*PLAIN_RECORDS, Genesis, Session, Checkpoint]}


def test_the_list_of_records_is_not_empty() -> None:
    assert {Task, Trial, Verdict, Metric, Genesis} <= set(RECORDS.values())


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_every_record_survives_its_canonical_bytes(name: str) -> None:
    kind = RECORDS[name]

    @settings(deadline=None, max_examples=50)
    @given(any_record(kind))
    def check(record: object) -> None:
        again = restore(kind, parse_strict(canonical(plain(record)), limit_bytes=10**7))
        assert again == record
        assert canonical(plain(again)) == canonical(plain(record))

    check()


def test_empty_fields_take_no_room() -> None:
    assert plain(Change("a:B", "", "2")) == {"knob": "a:B", "new": "2"}


def test_a_value_that_says_none_is_an_absent_one() -> None:
    said = {"name": "loss", "unit": "nats", "direction": "minimize"}
    assert restore(Metric, {**said, "bound": None}) == restore(Metric, said)


def test_a_field_that_is_added_later_does_not_change_old_bytes() -> None:
    old = {"name": "loss", "unit": "nats", "direction": "minimize", "noise": "seeded"}
    assert plain(restore(Metric, old)) == old


@pytest.mark.parametrize(
    "change",
    [
        {"number": "1"},
        {"number": 1.5},
        {"number": None},
        {"purpose": "fun"},
        {"candidate": 7},
        {"surprise": 1},
    ],
)
def test_a_value_of_the_wrong_shape_is_refused(change: dict[str, Any]) -> None:
    good = {"number": 1, "candidate": "c", "seed": 2, "purpose": "screen", "about": "c"}
    assert restore(Trial, good).number == 1
    with pytest.raises(BadEntry, match="Trial"):
        restore(Trial, {**good, **change})


@pytest.mark.parametrize("name", ["number", "seed", "purpose"])
def test_a_missing_field_is_named(name: str) -> None:
    body = {"number": 1, "candidate": "c", "seed": 2, "purpose": "screen", "about": "c"}
    del body[name]
    with pytest.raises(BadEntry, match=name):
        restore(Trial, body)


@given(st.none() | st.integers() | st.text() | st.lists(st.integers()))
def test_what_is_no_mapping_is_refused(value: object) -> None:
    with pytest.raises(BadEntry):
        restore(Trial, value)


@pytest.mark.parametrize(
    "change",
    [
        {"files": ["train.py"]},
        {"files": "train.py"},
        {"files": {"train.py": 1}},
        {"edit": "train.py"},
        {"edit": {"train.py": 1}},
        {"edit": [1]},
        {"metric": "loss"},
        {"guards": [{"name": "x"}]},
        {"self_reported": "no"},
    ],
)
def test_a_collection_of_the_wrong_shape_is_refused(change: dict[str, Any]) -> None:
    good = plain(a_task())
    assert restore(Task, good) == a_task()
    with pytest.raises(BadEntry):
        restore(Task, {**good, **change})


def test_a_yes_is_not_a_number() -> None:
    with pytest.raises(BadEntry):
        restore(Limits, {"cpu_s": True, "wall_s": 1.0})
    with pytest.raises(BadEntry):
        restore(Plan, {"calibration": True})


def test_a_whole_number_may_stand_where_a_float_is_meant() -> None:
    limits = restore(Limits, {"cpu_s": 1, "wall_s": 2.0})
    assert isinstance(limits.cpu_s, float)
