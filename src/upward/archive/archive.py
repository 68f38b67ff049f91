"""The archive: which candidates are kept as possible parents. Pure; the ledger is the memory.

Kept are the best, and among them different ones: a candidate that changes other knobs than its
betters is worth more as a parent than the tenth variant of the same idea.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from upward.core.records import Change, Level

LIMIT = 32


@dataclass(frozen=True, slots=True)
class Scored:
    """What the archive knows of one candidate.

    Args:
        candidate: content id.
        level: how far it can be trusted; None when it lost its race.
        gain_sd: gain over the baseline in standard deviations of one measurement.
        trials: how many measurements are behind that.
        changes: every typed change from the baseline.
    """

    candidate: str
    level: Level | None
    gain_sd: float
    trials: int
    changes: tuple[Change, ...] = ()

    @property
    def worth(self) -> float:
        """The gain, shrunk towards nothing as one lucky trial deserves."""
        return self.gain_sd * self.trials / (self.trials + 1.0)

    @property
    def niche(self) -> frozenset[str]:
        """The knobs that it changes; an edit of no knob is a niche of its own."""
        return frozenset(change.knob for change in self.changes) or frozenset({self.candidate})


class Archive:
    """Kept candidates, at most a fixed number; the cost of one more does not grow with the study.

    Deterministic: the same facts in the same order leave the same archive.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        """Begin empty.

        Args:
            limit: how many candidates are kept at most.
        """
        self._limit = limit
        self._kept: dict[str, Scored] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def add(
        self,
        candidate: str,
        level: Level | None,
        gain_sd: float,
        trials: int,
        changes: tuple[Change, ...],
    ) -> None:
        """Take in a candidate, or what is newly known of it; the least worthy may be dropped."""
        self.update(Scored(candidate, level, gain_sd, trials, changes))

    def update(self, scored: Scored) -> None:
        """Like `add`, for a record."""
        self._kept[scored.candidate] = scored
        if len(self._kept) > self._limit:
            ranked = _ranked(self._kept.values())
            del self._kept[ranked[-1].candidate]

    def drop(self, candidate: str) -> None:
        """Keep a candidate no longer: it was given up. One that is not kept changes nothing."""
        self._kept.pop(candidate, None)

    def best(self, limit: int) -> list[str]:
        """Return the content ids of kept candidates, best first.

        The best of every niche comes before the second best of any.
        """
        return [scored.candidate for scored in _ranked(self._kept.values())[:limit]]


def _ranked(scored: Iterable[Scored]) -> list[Scored]:
    by_worth = sorted(scored, key=lambda item: (-item.worth, item.candidate))
    first: list[Scored] = []
    rest: list[Scored] = []
    met: set[frozenset[str]] = set()
    for item in by_worth:
        (rest if item.niche in met else first).append(item)
        met.add(item.niche)
    return first + rest


def choose(candidates: Iterable[Scored], limit: int) -> list[str]:
    """Return which of many candidates an archive of this size would keep, best first."""
    return [scored.candidate for scored in _ranked(candidates)[:limit]]
