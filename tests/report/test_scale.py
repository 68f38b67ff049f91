"""Axes have round ticks within their range, and one outlier does not flatten a chart."""

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from upward.report.scale import Scale, apart, spread_domain, ticks, time_unit, whole_ticks

VALUES = st.floats(-1e6, 1e6)


@given(VALUES, st.floats(1e-3, 1e6), st.integers(2, 10))
def test_ticks_lie_in_range_and_are_evenly_spaced(low: float, extent: float, about: int) -> None:
    high = low + extent
    found = [tick.value for tick in ticks(low, high, about)]
    slack = 1e-6 * (abs(low) + extent)
    assert 1 <= len(found) <= 3 * about + 2
    assert all(low - slack <= value <= high + slack for value in found)
    gaps = {round((b - a) / extent, 6) for a, b in itertools.pairwise(found)}
    assert len(gaps) <= 2


@given(VALUES, st.floats(1e-3, 1e6))
def test_tick_labels_are_all_different(low: float, extent: float) -> None:
    labels = [tick.label for tick in ticks(low, low + extent, 6)]
    assert len(set(labels)) == len(labels)


@given(st.lists(VALUES, min_size=1, max_size=20), st.lists(VALUES, max_size=20))
def test_the_shown_range_holds_all_of_the_core(core: list[float], others: list[float]) -> None:
    low, high = spread_domain(core, others)
    assert low < high
    assert all(low <= value <= high for value in core)


def test_one_diverged_trial_does_not_flatten_the_chart() -> None:
    low, high = spread_domain([1.8, 2.1], [1.9, 2.2, 9_000.0])
    assert high < 3.0
    assert low < 1.8


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_pixel_never_leaves_its_scale(value: float) -> None:
    assert 10.0 <= Scale(0.0, 1.0, 10.0, 90.0).at(value) <= 90.0


@given(st.lists(st.floats(0, 300), min_size=1, max_size=10))
def test_labels_are_moved_apart_and_keep_their_order(wanted: list[float]) -> None:
    placed = apart(wanted, 16, 0, 300)
    inside = sorted(placed)
    assert all(b - a >= 16 - 1e-6 for a, b in itertools.pairwise(inside))
    pairs = sorted(zip(wanted, placed, strict=True))
    assert [p for _, p in pairs] == sorted(p for _, p in pairs)


@given(st.integers(0, 100_000), st.integers(2, 10))
def test_counts_have_whole_ticks_from_zero(high: int, about: int) -> None:
    found = whole_ticks(high, about)
    assert found[0].value == 0
    assert all(tick.value == math.floor(tick.value) <= high for tick in found)
    assert len(found) <= 3 * about + 2


def test_time_has_a_readable_unit() -> None:
    assert [time_unit(s)[0] for s in (1, 90, 600, 10_000, 1_000_000)] == [
        "s",
        "s",
        "min",
        "h",
        "days",
    ]
