"""Pack 26 circles into the unit square with the largest sum of radii, and write circles.json.

The constants below choose the method. A run makes a start, improves it to a local optimum with
SOLVER, moves on from there with MOVE until PATIENCE runs out, then makes the next start, and keeps
the best until its CPU budget ends. What is written was checked exactly, by the scorer's rules.
"""

import json
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy.optimize import linprog, minimize
from scipy.sparse import csr_array

CIRCLES = 26  # fixed
START = "random"  # choices: random, grid, hex
JITTER = 0.05  # range: 0.0..0.3
SOLVER = "slsqp"  # choices: slsqp, lp
ROUNDS = 30  # range: 3..200
TRUST = 0.1  # range: 0.005..0.5
MOVE = "restart"  # choices: restart, jiggle, local, relocate
MOVE_SIZE = 0.05  # range: 0.002..0.5
PATIENCE = 20  # range: 1..500
TEMPERATURE = 1e-4  # range: 1e-6..1e-1
POLISH = False

SHARE = 0.9  # fixed: of the budget; the rest is for the last solve and for writing
X, Y, R = (np.arange(CIRCLES) + part * CIRCLES for part in range(3))  # places in a flat vector
FIRST, SECOND = np.triu_indices(CIRCLES, 1)
PAIR_RADII = np.zeros((len(FIRST), CIRCLES))
PAIR_RADII[np.arange(len(FIRST)), FIRST] = PAIR_RADII[np.arange(len(FIRST)), SECOND] = 1.0


class Deadline:
    """When to stop, in CPU time of this process since its start, and in wall time."""

    def __init__(self, limits):
        self.cpu_s = SHARE * limits["cpu_s"]
        self.wall_s = time.monotonic() + SHARE * limits["wall_s"]

    def passed(self):
        """Whether no further solve may begin."""
        return time.process_time() > self.cpu_s or time.monotonic() > self.wall_s


def main():
    """Search until the budget ends and write the best packing."""
    limits = json.loads(sys.stdin.readline())
    deadline = Deadline(limits)
    best = search(np.random.default_rng(limits["seed"]), deadline)
    if POLISH:
        best = polish(best, deadline)
    Path("circles.json").write_text(json.dumps({"circles": feasible(best)}))


# A packing is a flat vector of shape (78,): 26 times x, 26 times y, 26 radii.


def search(rng, deadline):
    """Return the best packing that was found before the deadline."""
    best = improve(place(rng), deadline)
    while not deadline.passed():
        now = improve(place(rng), deadline)
        best = max(best, now, key=total)
        waited = 0
        while MOVE != "restart" and waited < PATIENCE and not deadline.passed():
            after = improve(move(now, rng), deadline)
            waited = 0 if total(after) > total(best) + 1e-9 else waited + 1
            best = max(best, after, key=total)
            if rng.random() < np.exp(min(0.0, total(after) - total(now)) / TEMPERATURE):
                now = after
    return best


def total(packing):
    """Return the sum of radii."""
    return packing[R].sum()


def place(rng):
    """Return centres to begin with, shape (52,)."""
    if START == "random":
        return rng.random(2 * CIRCLES)
    rows = [5, 5, 6, 5, 5] if START == "hex" else [5, 5, 5, 5, 6]
    x = np.concatenate([(np.arange(row) + 0.5) / row for row in rows])
    y = np.repeat((np.arange(5) + 0.5) / 5, rows)
    return inside(np.concatenate([x, y]) + rng.normal(0.0, JITTER, 2 * CIRCLES))


def move(packing, rng):
    """Return changed centres: of all circles (jiggle), of a region (local) or of one (relocate)."""
    x, y = packing[X], packing[Y]
    if MOVE == "relocate":
        smallest = int(np.argmin(packing[R]))
        which = smallest if rng.random() < 0.5 else int(rng.integers(CIRCLES))
        x[which], y[which] = rng.random(2)
        return np.concatenate([x, y])
    size = np.full(CIRCLES, MOVE_SIZE)
    if MOVE == "local":
        u, v = rng.random(2)
        size[np.hypot(x - u, y - v) > 0.3] = 0.0
    return inside(np.concatenate([x, y]) + rng.normal(0.0, 1.0, 2 * CIRCLES) * np.tile(size, 2))


def inside(centres):
    """Return centres drawn back into the square."""
    return np.clip(centres, 0.01, 0.99)


def improve(centres, deadline):
    """Return a locally best packing near the given centres."""
    solver = {"slsqp": by_slsqp, "lp": by_linear_programs}[SOLVER]
    return with_radii(solver(with_radii(centres), deadline)[: 2 * CIRCLES])


def geometry(packing):
    """Return the distances of all pairs of centres and the unit vectors between them."""
    dx, dy = packing[X][FIRST] - packing[X][SECOND], packing[Y][FIRST] - packing[Y][SECOND]
    distance = np.hypot(dx, dy) + 1e-15
    return distance, dx / distance, dy / distance


def wall_room(packing):
    """Return the distances of all centres from the four walls, shape (104,)."""
    x, y = packing[X], packing[Y]
    return np.concatenate([x, y, 1.0 - x, 1.0 - y])


def with_radii(centres):
    """Return the packing with the best radii for these centres."""
    distance, _, _ = geometry(centres)
    room = wall_room(centres).reshape(4, -1).min(axis=0)
    bounds = np.stack([np.zeros(CIRCLES), room], axis=1)
    answer = linprog(-np.ones(CIRCLES), PAIR_RADII, distance, bounds=bounds, method="highs-ds")
    return np.concatenate([centres, np.zeros(CIRCLES) if answer.x is None else answer.x])


def by_slsqp(packing, deadline):
    """Maximise the sum of radii under all constraints at once."""
    latest = [packing]

    def slack(flat):
        distance, _, _ = geometry(flat)
        walls = wall_room(flat) - np.tile(flat[R], 4)
        return np.concatenate([distance - flat[R][FIRST] - flat[R][SECOND], walls])

    def stop_late(flat):
        latest[0] = flat.copy()
        if deadline.passed():
            raise StopIteration

    minimize(
        lambda flat: -total(flat),
        packing,
        jac=lambda _: -np.repeat([0.0, 0.0, 1.0], CIRCLES),
        method="SLSQP",
        constraints={"type": "ineq", "fun": slack, "jac": slopes},
        callback=stop_late,
        options={"maxiter": ROUNDS},
    )
    return inside(latest[0])


def slopes(packing):
    """Return the derivatives of all slacks, 325 pairs and then 104 walls, shape (429, 78)."""
    _, ux, uy = geometry(packing)
    pair = np.arange(len(FIRST))
    rows = np.zeros((len(FIRST) + 4 * CIRCLES, 3 * CIRCLES))
    rows[pair, X[FIRST]], rows[pair, X[SECOND]] = ux, -ux
    rows[pair, Y[FIRST]], rows[pair, Y[SECOND]] = uy, -uy
    rows[pair, R[FIRST]] = rows[pair, R[SECOND]] = -1.0
    for side, (places, sign) in enumerate([(X, 1.0), (Y, 1.0), (X, -1.0), (Y, -1.0)]):
        wall = len(FIRST) + side * CIRCLES + np.arange(CIRCLES)
        rows[wall, places], rows[wall, R] = sign, -1.0
    return rows


def by_linear_programs(packing, deadline):
    """Climb by linear programs in centres and radii.

    The distance of two centres is convex, so its tangent never overestimates it: each program's
    answer is a packing again, and the sum of radii never falls.
    """
    trust = TRUST
    for _ in range(ROUNDS):
        after = linear_step(packing, trust)
        gain = total(after) - total(packing)
        packing = after if gain > 0 else packing
        if gain < 1e-9 or deadline.passed():
            break
        trust = trust if gain > 1e-4 else trust / 2
    return packing


def linear_step(packing, trust):
    """Return the best packing with centres at most `trust` away per axis, distances linearised."""
    distance, _, _ = geometry(packing)
    near = np.concatenate([distance < 0.6, np.ones(4 * CIRCLES, bool)])  # farther never touch
    room = np.concatenate([distance, wall_room(packing)])[near]
    low = np.concatenate([np.full(2 * CIRCLES, -trust), np.zeros(CIRCLES)])
    high = np.concatenate([np.full(2 * CIRCLES, trust), np.full(CIRCLES, 0.5)])
    answer = linprog(
        -np.repeat([0.0, 0.0, 1.0], CIRCLES),
        A_ub=csr_array(-slopes(packing)[near]),
        b_ub=room,
        bounds=np.stack([low, high], axis=1),
        method="highs-ds",
    )
    if answer.x is None:
        return packing
    return answer.x + np.concatenate([packing[: 2 * CIRCLES], np.zeros(CIRCLES)])


def polish(packing, deadline):
    """Climb to the top of the hill, then solve for exact contact with Newton's method."""
    packing = with_radii(by_linear_programs(packing, deadline)[: 2 * CIRCLES])
    best = packing
    for _ in range(6):
        distance, _, _ = geometry(packing)
        pairs = distance - PAIR_RADII @ packing[R]
        slack = np.concatenate([pairs, wall_room(packing) - np.tile(packing[R], 4)])
        touching = slack < 1e-7
        shift, *_ = np.linalg.lstsq(slopes(packing)[touching], -slack[touching], rcond=None)
        packing = packing + shift
        best = max(best, packing, key=lambda some: sum(Fraction(r) for _, _, r in feasible(some)))
    return best


def feasible(packing):
    """Return rows of decimal texts that pass the exact check, shrunk as little as needed."""
    for shrink in (0.0, *(2.0**power for power in range(-52, 0))):
        radii = packing[R] * (1.0 - shrink)
        rows = [
            [repr(float(v)) for v in row] for row in zip(packing[X], packing[Y], radii, strict=True)
        ]
        if fits([[Fraction(v) for v in row] for row in rows]):
            return rows
    raise ValueError("no radii fit these centres")


def fits(circles):
    """Whether all circles lie in the square without overlap, in exact arithmetic."""
    for index, (x, y, r) in enumerate(circles):
        if not 0 < r <= min(x, y, 1 - x, 1 - y):
            return False
        for u, v, s in circles[:index]:
            if (x - u) ** 2 + (y - v) ** 2 < (r + s) ** 2:
                return False
    return True


if __name__ == "__main__":
    main()
