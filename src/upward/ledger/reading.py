"""What a study's entries say, to be read; `upward.ledger.replay` folds them into it."""

from collections import Counter
from collections.abc import Iterator

from upward.core.design import SHARED, Design
from upward.core.errors import BadEntry
from upward.core.metric import Direction, Noise
from upward.core.noise import NoiseLevel
from upward.core.records import Change, Isolation, Outcome, Proposal, Purpose, Trial, Verdict
from upward.core.task import Task
from upward.ledger.facts import (
    Answer,
    Beside,
    Certificate,
    Genesis,
    Publication,
    Record,
    Rung,
    Session,
    StackCheck,
    Step,
)

# races of another day say less of the next one than the latest do
ENOUGH_PAIRS = 40


class Reading:
    """What the entries so far say, and the questions that it answers."""

    def __init__(self, name: str) -> None:
        """Begin with nothing known."""
        self.name = name
        self.genesis: Genesis | None = None
        self.began = ""
        self.last = ""
        self.seq = 0
        self.head = ""
        self.sessions: list[Session] = []
        self.stopped: str | None = None
        # the last entry about the work, where something may still have to follow from it
        self.unsettled: Outcome | Verdict | None = None
        self.proposals: dict[int, Proposal] = {}
        self.records: dict[str, Record] = {}
        self.trials: dict[int, Trial] = {}
        self.outcomes: dict[int, Outcome] = {}
        self.ended_at: dict[int, str] = {}
        self.pending: dict[int, Trial] = {}
        self.noise: NoiseLevel | None = None
        self.verdicts: list[Verdict] = []
        self.verdict_at: list[str] = []
        self.acceptances: list[int] = []
        self.incumbent = ""
        self.races: dict[str, None] = {}
        self.certificate: Certificate | None = None
        self.publications: dict[str, Publication] = {}
        self.rungs: dict[str, Rung] = {}
        self.promoted: dict[str, None] = {}  # past the rung, whole trial still to come
        self.answers: list[Answer] = []
        self.stack_checks: list[StackCheck] = []
        self.steps: list[Step] = []
        self.contenders: dict[str, None] = {}
        self.cpu_s = 0.0
        self.failed = 0
        self.failed_in_a_row = 0
        self.refused: list[str] = []
        self.begun: Counter[Purpose] = Counter()
        # how the arms of each comparison are laid out, by its purpose and what it is about
        self.designs: dict[tuple[Purpose, str], Design] = {}
        self.seeds_lost: set[int] = set()
        self.decided_in_pairs: list[Verdict] = []

    @property
    def start(self) -> Genesis:
        """The genesis.

        Raises:
            BadEntry: the study has none yet.
        """
        if self.genesis is None:
            raise BadEntry("study", "the study has no first entry")
        return self.genesis

    @property
    def task(self) -> Task:
        """The task of the study."""
        return self.start.task

    @property
    def accepted(self) -> list[Verdict]:
        """Verdicts that made a new incumbent, oldest first."""
        return [self.verdicts[position] for position in self.acceptances]

    @property
    def own_trials(self) -> int:
        """Trials that were begun for this study, without copies from a linked one."""
        return len(self.trials) - self.start.inherited

    @property
    def isolation(self) -> Isolation:
        """What holds where the study was last worked on."""
        return self.sessions[-1].isolation if self.sessions else self.start.isolation

    def record(self, candidate: str) -> Record:
        """What is known of a candidate; BadEntry where it is not part of the study."""
        try:
            return self.records[candidate]
        except KeyError:
            raise BadEntry("candidate", f"{candidate!r} is not part of this study") from None

    def value_of(self, candidate: str) -> float | None:
        """What a candidate is worth: its mean, or for an exact metric the best that it made.

        An exact measurement is of the thing itself, so its best trial is a proof, not luck.
        """
        record = self.record(candidate)
        if self.task.metric.noise is not Noise.EXACT:
            return record.mean
        values = record.counted + record.screened
        pick = max if self.task.metric.direction is Direction.MAXIMIZE else min
        return pick(values) if values else None

    @property
    def newer(self) -> list[float]:
        """The incumbent's own repeats, for the spread of now; none where calibration says it."""
        settled = self.incumbent == self.start.baseline or self.task.metric.noise is Noise.EXACT
        return [] if settled else self.record(self.incumbent).counted

    def raced(self, candidate: str, about: str) -> list[float]:
        """The values of one arm in the race about a candidate, in order."""
        return self.arm(candidate, about, Purpose.RACE)

    def arm(self, candidate: str, about: str, purpose: Purpose) -> list[float]:
        """The values of one arm of a comparison about a candidate, in order."""
        wanted = purpose, about
        return [v for t, v in self._measured(candidate) if (t.purpose, t.about) == wanted]

    def arm_trials(self, candidate: str, about: str, purpose: Purpose) -> list[Trial]:
        """The trials of one arm of a comparison, also those that run or failed."""
        trials = (self.trials[number] for number in self.record(candidate).trials)
        return [t for t in trials if (t.purpose, t.about) == (purpose, about)]

    def design_of(self, about: str, purpose: Purpose) -> Design:
        """How the arms of a comparison about a candidate are laid out, once it has begun."""
        return self.designs.get((purpose, about), Design.POOLED)

    def beside(self, candidate: str, incumbent: str, purpose: Purpose, *, after: int = 0) -> Beside:
        """Both arms of a comparison about a candidate, of its trials after a number.

        On shared seeds the pairs come first, matched by their seed and not by the order in which
        they ended; then what has no partner, because that failed or still runs.
        """
        design = self.design_of(candidate, purpose)
        wanted = purpose, candidate
        mine, theirs = (self._by_seed(arm, wanted, after) for arm in (candidate, incumbent))
        both = [seed for seed in mine if seed in theirs] if design in SHARED else []
        first, second = (tuple(arm.pop(seed) for seed in both) for arm in (mine, theirs))
        rest = tuple(mine.values()), tuple(theirs.values())
        return Beside(first + rest[0], second + rest[1], len(both), design)

    def _by_seed(self, candidate: str, wanted: tuple[Purpose, str], after: int) -> dict[int, float]:
        found = ((t, v) for t, v in self._measured(candidate) if t.number > after)
        return {t.seed: v for t, v in found if (t.purpose, t.about) == wanted}

    def races_in_pairs(self) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
        """The pairs of the latest races on shared seeds, newest first, some dozens of pairs."""
        found, pairs = list[tuple[tuple[float, ...], tuple[float, ...]]](), 0
        for verdict in reversed(self.decided_in_pairs):
            if pairs >= ENOUGH_PAIRS:
                break
            n = verdict.pairs or 0
            found.append((verdict.candidate_values[:n], verdict.incumbent_values[:n]))
            pairs += n
        return found

    def before_race(self, about: str, incumbent: str = "") -> list[float]:
        """An incumbent's unselected values from outside the comparisons about a candidate.

        Args:
            about: the candidate.
            incumbent: what it is compared with; by default the incumbent of now.
        """
        counts = (Purpose.CALIBRATE, Purpose.RACE, Purpose.SETTLE)
        found = self._measured(incumbent or self.incumbent)
        return [v for t, v in found if t.purpose in counts and t.about != about]

    def _measured(self, candidate: str) -> Iterator[tuple[Trial, float]]:
        for number in self.record(candidate).trials:
            outcome = self.outcomes.get(number)
            if outcome and outcome.measurement:
                yield self.trials[number], outcome.measurement.value

    @property
    def publication(self) -> Publication | None:
        """What the best candidate showed on fresh seeds, where it was published with a gain."""
        found = self.publications.get(self.incumbent)
        return found if found and found.gain is not None else None

    def stepped_gain(self) -> float | None:
        """What the accepted steps from the baseline to the incumbent add up to, metric units.

        Each step was measured beside the incumbent of its time, so a machine that became faster
        or slower is not in this sum, as it is in the difference of the two ends.

        Returns:
            None where a step on the way has no gain of its own.
        """
        gains = [verdict.gain for verdict in self.ascent()]
        return None if None in gains else sum(gain for gain in gains if gain is not None)

    def ascent(self) -> list[Verdict]:
        """The verdicts that led from the baseline to the incumbent, oldest first.

        Each compared its candidate with the incumbent of its time, which need not be its parent.
        """
        steps, wanted = list[Verdict](), self.incumbent
        for verdict in reversed(self.accepted):
            if verdict.candidate == wanted:
                steps.append(verdict)
                wanted = verdict.incumbent
        return steps[::-1]

    def proposal_of(self, candidate: str) -> Proposal | None:
        """The proposal that led to a candidate; None for the baseline."""
        number = self.record(candidate).proposal
        return None if number is None else self.proposals[number]

    def margin_of(self, candidate: str) -> float:
        """The loss that a removal may have, metric units; 0 for any other candidate."""
        proposal = self.proposal_of(candidate)
        return proposal.margin or 0.0 if proposal else 0.0

    def is_removal(self, candidate: str) -> bool:
        """Whether a candidate is another one without a part."""
        proposal = self.proposal_of(candidate)
        return proposal is not None and proposal.margin is not None

    def tree_of(self, candidate: str) -> dict[str, str]:
        """Path to blob id of a candidate's whole tree."""
        tree = dict(self.task.files)
        for proposal in self.lineage(candidate):
            tree.update(proposal.files)
        return tree

    def lineage(self, candidate: str) -> list[Proposal]:
        """The proposals from the baseline to a candidate, oldest first."""
        chain: list[Proposal] = []
        while (proposal := self.proposal_of(candidate)) is not None:
            chain.append(proposal)
            candidate = proposal.parent
        return chain[::-1]

    def changes_of(self, candidate: str) -> tuple[Change, ...]:
        """Every typed change from the baseline to a candidate, oldest first."""
        return tuple(change for step in self.lineage(candidate) for change in step.changes)
