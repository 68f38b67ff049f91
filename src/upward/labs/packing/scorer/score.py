"""Score a packing exactly: rational arithmetic, no tolerance, nothing is repaired.

Reads ``outputs/circles.json``, ``{"circles": [[x, y, r], ... 26 times]}``, where each number is a
JSON number or a decimal text and means exactly what its digits say. The measurement is the largest
double that is not above the exact sum of the radii.

Not covered: whether the packing was found or copied; a better packing is a better packing.
"""

import json
import math
import re
import sys
from fractions import Fraction
from pathlib import Path

CIRCLES = 26
MAX_BYTES = 20_000
NUMBER = re.compile(r"-?(0|[1-9]\d{0,2})(\.\d{1,80})?([eE][+-]?\d{1,2})?", re.ASCII)


class Infeasible(Exception):
    """The file does not describe a packing; the text says why."""


class Digits(str):
    """A JSON number as it was written."""

    __slots__ = ()


def main():
    """Print one measurement, or say why there is none and exit with 1."""
    try:
        circles = read_circles(Path("outputs/circles.json"))
        check_packing(circles)
    except Infeasible as reason:
        sys.exit(f"not a packing: {reason}")
    total = sum(r for _, _, r in circles)
    notes = {
        "contacts": count_contacts(circles),
        "smallest_radius": below(min(r for *_, r in circles)),
    }
    print(json.dumps({"sum_radii": below(total), "notes": notes}))


def read_circles(path):
    """Return 26 exact (x, y, r) from a file that is not trusted."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Infeasible(f"circles.json cannot be read ({error.strerror})") from None
    if len(data) > MAX_BYTES:
        raise Infeasible(f"circles.json has over {MAX_BYTES} bytes")
    found = parse(data)
    if not isinstance(found, dict) or list(found) != ["circles"]:
        raise Infeasible('circles.json must be {"circles": [[x, y, r], ...]}')
    rows = found["circles"]
    if not isinstance(rows, list) or len(rows) != CIRCLES:
        raise Infeasible(f"there must be exactly {CIRCLES} circles")
    return [exact_row(index, row) for index, row in enumerate(rows)]


def parse(data):
    """Parse strict JSON, keeping every number as the text that was written."""
    try:
        return json.loads(
            data.decode("utf-8"),
            parse_float=Digits,
            parse_int=Digits,
            parse_constant=refuse_constant,
            object_pairs_hook=unique,
        )
    except (ValueError, RecursionError) as error:
        raise Infeasible(f"circles.json is not strict JSON ({type(error).__name__})") from None


def refuse_constant(name):
    """Refuse NaN and infinities, which are not JSON."""
    raise Infeasible(f"{name} is not a number")


def unique(pairs):
    """Refuse an object in which a key appears twice."""
    if len(dict(pairs)) != len(pairs):
        raise Infeasible("a key appears twice")
    return dict(pairs)


def exact_row(index, row):
    """Return one circle as three exact rationals."""
    if not isinstance(row, list) or len(row) != 3:
        raise Infeasible(f"circle {index} is not [x, y, r]")
    return tuple(exact(index, value) for value in row)


def exact(index, value):
    """Return the rational that the digits say; limits keep every later step cheap."""
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        raise Infeasible(f"circle {index} holds {str(value)[:40]!r}, not a plain decimal number")
    return Fraction(value)


def check_packing(circles):
    """Raise unless all circles lie in the unit square and no two overlap; touching is fine."""
    for index, (x, y, r) in enumerate(circles):
        if r <= 0:
            raise Infeasible(f"the radius of circle {index} is not above zero")
        if r > min(x, y, 1 - x, 1 - y):
            raise Infeasible(f"circle {index} reaches out of the square")
    for i, one in enumerate(circles):
        for j, other in enumerate(circles[:i]):
            if gap_squared(one, other) < 0:
                raise Infeasible(f"circles {j} and {i} overlap")


def gap_squared(one, other):
    """Return the squared distance of the centres less the squared sum of the radii."""
    (x, y, r), (u, v, s) = one, other
    return (x - u) ** 2 + (y - v) ** 2 - (r + s) ** 2


def below(value):
    """Return the largest double that is not above an exact value."""
    near = float(value)
    return near if Fraction(near) <= value else math.nextafter(near, -math.inf)


def count_contacts(circles):
    """Count pairs and walls that touch within 1e-9; a remark for people, not a rule."""
    near = Fraction(1, 10**9)
    walls = sum(d - r < near for x, y, r in circles for d in (x, y, 1 - x, 1 - y))
    pairs = [(a, b) for i, a in enumerate(circles) for b in circles[:i]]
    return walls + sum(gap_squared(a, b) < 2 * near * (a[2] + b[2]) for a, b in pairs)


if __name__ == "__main__":
    main()
