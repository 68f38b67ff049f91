"""From a researcher's draft to a candidate on record, with the checks that cost almost nothing."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from upward.core.codec import plain
from upward.core.errors import TooFewTrials, UnreadableSource, UsageError
from upward.core.ids import derive_seed
from upward.core.metric import Noise
from upward.core.ports import Researcher
from upward.core.records import Draft, Level, Proposal, Purpose, Trial
from upward.core.seen import Seen
from upward.loop.decide import REPEAT_EVERY
from upward.loop.rung import first_purpose
from upward.loop.spread import spread_now
from upward.loop.study import Planned, Study

ATTEMPTS = 20
PARENTS = 24


class Archive(Protocol):
    """Who may become a parent."""

    def best(self, limit: int) -> list[str]:
        """Content ids of kept candidates, best first."""
        ...


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """A draft that does not become a candidate, with the reason."""

    reason: str


def look(study: Study, archive: Archive, *, attempt: int, budget_left: float) -> Seen:
    """Return what a researcher may look at now."""
    state = study.state
    if state.noise is None:
        raise TooFewTrials("a proposal", state.start.plan.calibration, 0)
    number = len(state.proposals) + 1
    skip = {state.start.baseline, state.incumbent}
    return Seen(
        task=state.task,
        number=number,
        seed=derive_seed(state.start.secret, "researcher", number, attempt),
        baseline=study.kept(state.start.baseline),
        incumbent=study.kept(state.incumbent),
        archive=tuple(study.kept(c) for c in archive.best(PARENTS) if c not in skip),
        sd=spread_now(state),
        budget_left=budget_left,
        unit=state.noise.sd,
    )


def propose(
    study: Study, researcher: Researcher, archive: Archive, budget_left: float
) -> Trial | None:
    """Ask for a proposal, check it, record it with its first trial, and return that trial.

    Returns:
        None when the researcher has nothing new to propose.
    """
    if _repeats(study):
        return _again(study, study.state.incumbent)
    for attempt in range(ATTEMPTS):
        seen = look(study, archive, attempt=attempt, budget_left=budget_left)
        draft = researcher.propose(seen)
        if draft is None:
            break
        try:
            proposal = admit(study, researcher.name, draft)
        except Refused as refused:
            _record_refusal(study, researcher.name, draft, refused.reason)
            continue
        if proposal is not None:
            return begin_screen(study, proposal)
    exact = study.state.task.metric.noise is Noise.EXACT
    return _again(study, study.state.incumbent) if exact else None


def admit(study: Study, researcher: str, draft: Draft) -> Proposal | None:
    """Turn a draft into a proposal with its candidate; nothing is recorded yet.

    Returns:
        None when this very candidate is known already.

    Raises:
        Refused: the edit leaves the surface or cannot be parsed.
    """
    try:
        texts = {path: text.encode("utf-8") for path, text in draft.files.items()}
        study.candidate_id(draft.parent, dict.fromkeys(texts, ""))  # the surface, before any write
        _parse(draft.files)
    except (UsageError, UnicodeEncodeError) as error:
        raise Refused(str(error)) from None
    files = {path: study.blobs.put(data) for path, data in texts.items()}
    candidate = study.candidate_id(draft.parent, files)
    if candidate in study.state.records:
        return None
    return Proposal(
        number=len(study.state.proposals) + 1,
        researcher=researcher,
        candidate=candidate,
        parent=draft.parent,
        hypothesis=draft.hypothesis,
        operator=draft.operator,
        files=files,
        changes=draft.changes,
        parents=draft.parents,
    )


def _parse(files: Mapping[str, str]) -> None:
    for path, text in files.items():
        if path.endswith(".py"):
            try:
                ast.parse(text)
            except (SyntaxError, ValueError) as error:
                line = getattr(error, "lineno", None) or 0
                raise UnreadableSource(path, line, f"not valid Python ({error})") from None


def begin_screen(study: Study, proposal: Proposal) -> Trial:
    """Record a proposal with its first trial, and return that trial."""
    candidate = proposal.candidate
    [trial] = study.plan_trials(Planned(candidate, first_purpose(study.state), candidate))
    study.record(("proposal", plain(proposal)), ("trial", plain(trial)))
    return trial


def _record_refusal(study: Study, researcher: str, draft: Draft, reason: str) -> None:
    body = {"researcher": researcher, "hypothesis": draft.hypothesis, "reason": reason}
    study.record(("refused", body))


def _repeats(study: Study) -> bool:
    """An exact construction is worth another start now and then: a better one is a proof."""
    state = study.state
    if state.task.metric.noise is not Noise.EXACT:
        return False
    screens = sum(1 for _ in state.outcomes) + len(state.pending)
    return state.record(state.incumbent).level is not Level.PROVISIONAL and (
        screens % REPEAT_EVERY == 0
    )


def _again(study: Study, candidate: str) -> Trial:
    return study.start_trial(Planned(candidate, Purpose.SCREEN, candidate))
