"""From what a user types (``p7``, ``t12``, ``baseline``, ``best``, an id) to a record."""

import re
from dataclasses import dataclass

from upward.core.errors import UnknownName
from upward.ledger.replay import StudyState

HINT = "Use p7 for a proposal, t12 for a trial, `baseline`, `best`, or a candidate's id."


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate, and the trial if one was named."""

    candidate: str
    trial: int | None = None


def find(state: StudyState, name: str) -> Found:
    """Return what a name means in a study.

    Raises:
        UnknownName: nothing, or more than one thing.
    """
    if name in ("baseline", "best"):
        return Found(state.start.baseline if name == "baseline" else state.incumbent)
    numbered = re.fullmatch(r"([pt])(\d{1,9})", name)
    if numbered:
        return _numbered(state, numbered[1], int(numbered[2]), name)
    matches = [c for c in state.records if len(name) >= 4 and c.startswith(name)]
    if len(matches) == 1:
        return Found(matches[0])
    raise UnknownName("proposal, trial or candidate", name, [], HINT)


def _numbered(state: StudyState, letter: str, number: int, name: str) -> Found:
    if letter == "p" and number in state.proposals:
        return Found(state.proposals[number].candidate)
    if letter == "t" and number in state.trials:
        return Found(state.trials[number].candidate, number)
    kind, count = (
        ("proposal", len(state.proposals))
        if letter == "p"
        else (
            "trial",
            len(state.trials),
        )
    )
    raise UnknownName(kind, name, [], f"This study has {letter}1 to {letter}{count}.")
