"""Measures bits per byte of hidden text, from scores that another process returns.

The protocol. The text is cut into windows of 256 bytes and the byte that follows each; every byte
but the first is predicted once, from the bytes of its window before it (1 to 256 of them). A rest
of less than a window at the end is left out. Windows are asked for in random order, many at once.

What the predictor says is not believed:

1. Scores are normalised here, and a row that is not finite is refused.
2. The bytes are counted here.
3. For one window in five there is a twin: the same up to a random place, then drawn text. Up to
   that place both must get the same predictions, so looking ahead and learning on the way show.
4. Drawn text looks like English (it is drawn from counts of the training text) but its chances are
   known: nobody who does not see it can code it in fewer bits than the draw took, but for luck of
   2^-40. Bytes drawn evenly cost 8 bits each; less than 7.5 is refused.
5. A measurement below 0.6 of what an order-5 count model needs is quarantined: refused until a
   person has looked at it.

Not covered: a predictor that looks ahead only in text which it believes to be real.
"""

import argparse
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from ngram import Babbler
from peer import Peer, ScoringError

LENGTH = 256  # bytes of context in a window
BATCH = 16  # windows in a question
TWIN_SHARE = 0.2
CANARIES = 8  # windows of evenly drawn bytes, at least
TOLERANCE_NATS = 1e-3
LUCK_BITS = 40.0
CANARY_FLOOR_BITS = 7.5
PLAUSIBLE_SHARE = 0.6


@dataclass
class Window:
    """One row of a question, and what came back.

    Args:
        text: shape (LENGTH + 1,), uint8.
        known: for a twin, the number of leading bytes that are not drawn.
        of: for a twin, the number of its window.
        drawn_bits: cost of each drawn byte at its own chance.
        costs: bits for each byte after the first, shape (LENGTH,).
        logs: natural logarithms of the probabilities, shape (LENGTH, 256), if they are compared.
    """

    text: np.ndarray
    known: int = 0
    of: int = -1
    drawn_bits: np.ndarray = field(default_factory=lambda: np.zeros(0))
    costs: np.ndarray = field(default_factory=lambda: np.zeros(0))
    logs: np.ndarray = field(default_factory=lambda: np.zeros(0))


def cut(text: np.ndarray) -> list[Window]:
    """Return the windows of the text, overlapping by the one byte that is context only."""
    starts = range(0, len(text) - LENGTH, LENGTH)
    return [Window(text[start : start + LENGTH + 1]) for start in starts]


def make_twins(windows: list[Window], babbler: Babbler, rng: np.random.Generator) -> list[Window]:
    """Return twins of a random share of the windows."""
    count = max(1, round(TWIN_SHARE * len(windows)))
    return [
        _twin(windows[of].text, int(of), babbler, rng)
        for of in rng.choice(len(windows), count, replace=False)
    ]


def _twin(text: np.ndarray, of: int, babbler: Babbler, rng: np.random.Generator) -> Window:
    known = int(rng.integers(LENGTH // 8, LENGTH - LENGTH // 8))
    suffix, bits = babbler.go_on(text[:known], LENGTH + 1 - known, rng)
    return Window(np.concatenate((text[:known], suffix)), known, of, bits)


def make_canaries(others: int, rng: np.random.Generator) -> list[Window]:
    """Return windows of even noise: enough of them to fill the last question."""
    count = CANARIES + -(others + CANARIES) % BATCH
    noise = rng.integers(0, 256, (count, LENGTH + 1), np.uint8)
    return [Window(text) for text in noise]


def log_probabilities(scores: np.ndarray) -> np.ndarray:
    """Normalise scores, shape (..., 256), to natural logarithms of probabilities, in float64.

    Raises:
        ScoringError: a score is not finite.
    """
    if not np.isfinite(scores).all():
        raise ScoringError("the predictor returned a score that is not a finite number")
    scores = scores.astype(np.float64)
    scores -= scores.max(-1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(-1, keepdims=True))


def ask(peer: Peer, windows: list[Window], compared: set[int], rng: np.random.Generator) -> None:
    """Ask for all windows in random order and note their costs; keep the logs of those compared."""
    order = rng.permutation(len(windows))
    for rows in order.reshape(-1, BATCH):
        tokens = np.stack([windows[row].text[:-1] for row in rows])
        answers = log_probabilities(peer.ask(tokens))
        for row, logs in zip(rows, answers, strict=True):
            window = windows[row]
            window.costs = -logs[np.arange(LENGTH), window.text[1:]] / np.log(2)
            if int(row) in compared:
                window.logs = logs.astype(np.float32)


def check_causality(windows: list[Window], twins: list[Window]) -> float:
    """Return the largest difference between a window and its twin where both are the same.

    Raises:
        ScoringError: it is more than rounding.
    """
    # below e^-25 a probability says only "never"; what rounding does there is of no interest
    worst = max(
        float(np.abs(_clipped(twin, twin.known) - _clipped(windows[twin.of], twin.known)).max())
        for twin in twins
    )
    if worst > TOLERANCE_NATS:
        raise ScoringError(
            f"predictions changed by {worst:.3g} nats when only later bytes or earlier questions "
            f"were different (at most {TOLERANCE_NATS} is rounding): the predictor looks ahead or "
            "learns from the questions"
        )
    return worst


def _clipped(window: Window, known: int) -> np.ndarray:
    return np.maximum(window.logs[:known], -25.0)


def check_drawn(twins: list[Window]) -> float:
    """Return by how many bits per byte the drawn text cost more than its draw.

    The chance that any predictor that does not see them saves `LUCK_BITS` bits is 2^-LUCK_BITS:
    the likelihood ratio against the true chances has mean 1.

    Raises:
        ScoringError: it saved more.
    """
    excess = np.concatenate([twin.costs[twin.known - 1 :] - twin.drawn_bits for twin in twins])
    if excess.sum() < -LUCK_BITS:
        raise ScoringError(
            f"text that was drawn after training cost {-excess.sum():.0f} bits less than its draw: "
            "the predictor sees the bytes that it predicts"
        )
    return float(excess.mean())


def check_canaries(windows: list[Window]) -> float:
    """Return the cost of evenly drawn bytes, in bits per byte.

    Raises:
        ScoringError: it is less than such bytes can cost.
    """
    cost = float(np.mean([window.costs for window in windows]))
    if cost < CANARY_FLOOR_BITS:
        raise ScoringError(
            f"evenly drawn bytes cost {cost:.2f} bits, and no honest model can do with less than 8"
        )
    return cost


def check_plausible(bpb: float, ngram_bpb: float) -> None:
    """Refuse a measurement that is too good to be true.

    Raises:
        ScoringError: it is below `PLAUSIBLE_SHARE` of the count model's.
    """
    if bpb < PLAUSIBLE_SHARE * ngram_bpb:
        raise ScoringError(
            f"quarantined: {bpb:.3f} bits/byte is implausible beside the {ngram_bpb:.3f} of an "
            "order-5 count model; a person should look at this candidate"
        )


def score(split: str, seed: int) -> dict[str, object]:
    """Return the measurement of the predictor on the other end of the pipes."""
    rng = np.random.default_rng(seed)
    windows = cut(np.fromfile(f"hidden/{split}.txt", np.uint8))
    reference = json.loads(Path("hidden/reference.json").read_text())[split]
    twins = make_twins(windows, Babbler(np.fromfile("data/train.txt", np.uint8)), rng)
    noise = make_canaries(len(windows) + len(twins), rng)
    compared = {twin.of for twin in twins} | set(range(len(windows), len(windows) + len(twins)))
    with Peer.from_environment() as peer:
        ask(peer, windows + twins + noise, compared, rng)
    bpb = float(np.mean([window.costs for window in windows]))
    notes = {
        "dev_bytes": len(windows) * LENGTH,
        "causality_max_diff": check_causality(windows, twins),
        "drawn_excess_bits": check_drawn(twins),
        "canary_bits": check_canaries(noise),
    }
    check_plausible(bpb, reference["ngram_bpb"])
    return {"val_bpb": bpb, "notes": notes | reference}


def main() -> int:
    """Print the measurement, or one sentence about why there is none."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--split", choices=("dev", "holdout"), default="dev")
    split = parser.parse_args().split
    try:
        measurement = score(split, json.loads(sys.stdin.readline())["seed"])
    except ScoringError as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        return 1
    print(json.dumps(measurement, allow_nan=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
