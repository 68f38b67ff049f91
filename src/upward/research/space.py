"""The space in which a knob moves: a coordinate from 0 to 1 over its range, on its own scale."""

import math

import numpy as np

from upward.research.knob import Knob, Scale
from upward.research.literals import read_number, write_number

# A factor of two on a linear scale is a fifth of the range; the reference keeps it so.
LINEAR_REFERENCE = 30.0
STRETCHES = (1.0, 1.5, 2.2, 3.3, 5.0, 8.0, 13.0)


def coordinate(knob: Knob, value: float) -> float:
    """Return where a value lies in the knob's range, 0 at its low end and 1 at its high end.

    A value outside the range is clipped to it.
    """
    low, high = _bent(knob, knob.low or 0.0), _bent(knob, knob.high or 0.0)
    clipped = min(max(value, knob.low or 0.0), knob.high or 0.0)
    return (_bent(knob, clipped) - low) / (high - low)


def stretched(knob: Knob, value: float) -> float:
    """Return the coordinate of a value that may lie somewhat outside the range, in [-1, 2]."""
    low, high = _bent(knob, knob.low or 0.0), _bent(knob, knob.high or 0.0)
    if (knob.scale is Scale.LOG and value <= 0) or (knob.scale is Scale.COLOG and value >= 1):
        return coordinate(knob, value)
    return min(max((_bent(knob, value) - low) / (high - low), -1.0), 2.0)


def value_at(knob: Knob, place: float) -> float:
    """Return the value at a coordinate in [0, 1]; the inverse of `coordinate`."""
    low, high = _bent(knob, knob.low or 0.0), _bent(knob, knob.high or 0.0)
    bent = low + min(max(place, 0.0), 1.0) * (high - low)
    if knob.scale is Scale.LOG:
        return math.exp(bent)
    return 1.0 - math.exp(-bent) if knob.scale is Scale.COLOG else bent


def source_at(knob: Knob, place: float) -> str:
    """Return the source text of the value at a coordinate, in the knob's style."""
    return write_number(knob, value_at(knob, place))


def step(knob: Knob, factor: float) -> float:
    """Return how far a factor reaches in the coordinate of the knob."""
    if knob.scale is Scale.LINEAR:
        return math.log(factor) / math.log(LINEAR_REFERENCE)
    width = _bent(knob, knob.high or 0.0) - _bent(knob, knob.low or 0.0)
    return math.log(factor) / width


def moved(knob: Knob, factor: float, *, up: bool) -> str | None:
    """Return the knob's source after a move by a factor, up or down its scale.

    The value always really changes in the wanted direction: whole numbers move by at least one,
    and a step that rounding would swallow is stretched.

    Returns:
        New source text, or None at the end of the range.
    """
    if isinstance(knob.value, bool) or not isinstance(knob.value, int | float) or factor <= 1.0:
        return None
    here, reach = coordinate(knob, knob.value), step(knob, factor)
    for stretch in STRETCHES:
        source = source_at(knob, here + (stretch if up else -stretch) * reach)
        value = read_number(source)
        if value is not None and in_range(knob, value) and _beyond(value, knob.value, up=up):
            return source
    return None


def in_range(knob: Knob, value: float) -> bool:
    """Whether a number may be tried for this knob."""
    return (knob.low or 0.0) <= value <= (knob.high or 0.0)


def draw(knob: Knob, rng: np.random.Generator) -> str:
    """Draw a value from the whole range, evenly on the knob's scale or over its choices."""
    if knob.numeric:
        return source_at(knob, float(rng.random()))
    return knob.choices[int(rng.integers(len(knob.choices)))]


def _beyond(value: float, old: float, *, up: bool) -> bool:
    return value > old if up else value < old


def _bent(knob: Knob, value: float) -> float:
    if knob.scale is Scale.LOG:
        return math.log(value)
    return -math.log1p(-value) if knob.scale is Scale.COLOG else value
