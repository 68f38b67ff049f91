"""`upward status`, `show`, `diff` and `log`: what the ledger says, without touching it."""

import difflib
import json
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from upward import wiring
from upward.cli.common import clean, home_option, json_option, print_json, study_option
from upward.cli.find import Found, find
from upward.cli.format import (
    STYLE,
    changes_text,
    duration,
    gained,
    name_of,
    number,
    seconds_between,
    verdict_word,
)
from upward.cli.live import accepted_line, headline
from upward.cli.run import summary
from upward.core.codec import plain
from upward.core.records import Decision, Level, Outcome, Trial
from upward.ledger.replay import StudyState
from upward.stats.noise import recalibrated
from upward.stats.pairing import sees_in_pairs
from upward.stats.say import odds


def _console() -> Console:
    return Console(highlight=False)


def _line(text: str | Text) -> None:
    _console().print(text, markup=False, soft_wrap=True)


@click.command()
@study_option
@home_option
@json_option
def status(*, study: str | None, home: str, as_json: bool) -> None:
    """Where a study stands: baseline, best, trials, what was accepted.

    \b
    Example:
      upward status
      upward status --study tinylm-s3 --json
    """
    workspace = wiring.open_workspace(home)
    state = workspace.state(study)
    holder = workspace.holder(state.name)
    if as_json:
        running = {"running": holder, "stopped": state.stopped, "studies": workspace.studies()}
        print_json({"study": state.name, **summary(state), **running})
        return
    _line(Text(f"{state.task.name}: {state.task.goal}", style="bold"))
    _line(f"Study {state.name}: " + (f"running ({holder})" if holder else _stopped(state)))
    _line(headline(state))
    span = duration(seconds_between(state.began, state.last))
    _line(
        f"{len(state.outcomes)} trials ({state.failed} failed) and {len(state.proposals)} "
        f"proposals in {span}; {duration(state.cpu_s)} of CPU; {state.seq} ledger entries"
    )
    arms = [
        f"{arm.name.rpartition('~')[2]} {arm.own_trials} trials, {len(arm.acceptances)} accepted"
        for arm in workspace.arms(state.name)
    ]
    if arms:
        _line(f"Control arms: {'; '.join(arms)}")
    for position in state.acceptances:
        _line(accepted_line(state, position))
    others = [name for name in workspace.studies() if name != state.name]
    if others:
        _line(f"Other studies here: {', '.join(others)}")


def _stopped(state: StudyState) -> str:
    if state.stopped is None:
        return "not running (it was killed; the same `upward run` goes on)"
    return f"stopped ({state.stopped})"


@click.command()
@click.argument("name")
@study_option
@home_option
@json_option
def show(*, name: str, study: str | None, home: str, as_json: bool) -> None:
    """Show one proposal (p7), trial (t12), or candidate (its id or a beginning of it).

    \b
    Example:
      upward show p7
      upward show baseline --json
    """
    state = wiring.open_workspace(home).state(study)
    found = find(state, name)
    if as_json:
        print_json(_show_plain(state, found))
    elif found.trial is not None:
        _show_trial(state, state.trials[found.trial])
    else:
        _show_candidate(state, found.candidate)


def _show_plain(state: StudyState, found: Found) -> dict[str, Any]:
    if found.trial is not None:
        outcome = state.outcomes.get(found.trial)
        return {
            "trial": plain(state.trials[found.trial]),
            "outcome": plain(outcome) if outcome else None,
        }
    proposal = state.proposal_of(found.candidate)
    record = state.record(found.candidate)
    return {
        "candidate": found.candidate,
        "proposal": plain(proposal) if proposal else None,
        "level": str(record.level) if record.level else None,
        "value": state.value_of(found.candidate),
        "screened": record.screened,
        "counted": record.counted,
        "verdicts": [plain(v) for v in state.verdicts if v.candidate == found.candidate],
        "trials": record.trials,
    }


def _show_trial(state: StudyState, trial: Trial) -> None:
    outcome = state.outcomes.get(trial.number)
    who = name_of(state, trial.candidate)
    _line(Text(f"Trial t{trial.number}: {who}, to {trial.purpose}", style="bold"))
    _line(f"seed {trial.seed}; candidate {trial.candidate}")
    if outcome is None:
        _line("running, or interrupted before it ended")
        return
    _line(_outcome_text(state, outcome))
    if outcome.failure and outcome.failure.detail:
        for row in outcome.failure.detail.splitlines()[-12:]:
            _line(f"  | {clean(row, 160)}")
    for name, value in outcome.measurement.notes.items() if outcome.measurement else ():
        _line(f"  {clean(name)}: {clean(str(value))}")


def _outcome_text(state: StudyState, outcome: Outcome) -> str:
    used = (
        f"{outcome.usage.cpu_s:.1f} CPU-s, {outcome.usage.peak_memory_mb:.0f} MB"
        if (outcome.usage)
        else "no usage known"
    )
    if outcome.measurement is not None:
        metric = state.task.metric
        return f"{outcome.state}: {number(outcome.measurement.value, 7)} {metric.unit} ({used})"
    why = outcome.failure.reason if outcome.failure else "no reason recorded"
    boundary = f" at the {outcome.failure.boundary}" if outcome.failure else ""
    return f"{outcome.state}{boundary}: {clean(why)} ({used})"


def _show_candidate(state: StudyState, candidate: str) -> None:
    proposal, metric = state.proposal_of(candidate), state.task.metric
    _line(Text(f"{name_of(state, candidate)}  {candidate}", style="bold"))
    if proposal:
        _line(f"hypothesis: {clean(proposal.hypothesis)}")
        _line(f"by {proposal.researcher} ({proposal.operator}), from {_parents(state, candidate)}")
        _line(f"changes: {changes_text(proposal.changes) or 'see `upward diff`'}")
    value, baseline = state.value_of(candidate), state.value_of(state.start.baseline)
    if value is not None and baseline is not None:
        against = "" if not proposal else f" ({gained(metric, value, baseline)} than the baseline)"
        _line(f"value: {number(value, 7)} {metric.unit}{against}")
    for verdict in (v for v in state.verdicts if v.candidate == candidate):
        word = verdict_word(verdict)
        _line(Text(f"{verdict.rule}: {word}. ", STYLE.get(word, "")) + Text(clean(verdict.reason)))
    if state.certificate and candidate in state.certificate.evidence:
        total = odds(state.certificate.evidence[candidate])
        word = str(Level.CERTIFIED)
        words = f"odds {total} to 1 with its re-runs, among {state.certificate.raced} races."
        _line(Text(f"{word}: ", STYLE[word]) + Text(words))
    if unseen := _what_is_not_seen(state, candidate):
        _line(unseen)
    for trial in (state.trials[n] for n in state.record(candidate).trials):
        outcome = state.outcomes.get(trial.number)
        text = _outcome_text(state, outcome) if outcome else "running"
        _line(f"  t{trial.number} {trial.purpose}: {text}")


def _what_is_not_seen(state: StudyState, candidate: str) -> str:
    """A candidate that was measured and not accepted is not thereby without a gain."""
    noise = state.noise
    decided = [v for v in state.verdicts if v.candidate == candidate and v.gain is not None]
    accepted = any(v.decision is Decision.ACCEPTED for v in decided)
    if noise is None or noise.resolution <= 0.0 or not decided or accepted:
        return ""
    seen = noise.seen_at(recalibrated(noise.sd, state.newer))
    seen *= sees_in_pairs(state.races_in_pairs(), noise.break_even)
    size = f"{number(seen, 2)} {state.task.metric.unit}".rstrip()
    return (
        f"resolution: {size}; a full race finds a gain of this size in 80 of 100 cases, and "
        "smaller ones are mostly not visible at this cost"
    )


def _parents(state: StudyState, candidate: str) -> str:
    proposal = state.proposal_of(candidate)
    if proposal is None:
        return "nothing"
    names = [proposal.parent, *(p for p in proposal.parents if p != proposal.parent)]
    return " and ".join(name_of(state, name) for name in names)


@click.command()
@click.argument("name")
@click.option("--baseline", is_flag=True, help="Compare with the baseline, not the parent.")
@study_option
@home_option
@json_option
def diff(*, name: str, baseline: bool, study: str | None, home: str, as_json: bool) -> None:
    """Show what a proposal changes, as a unified diff against its parent.

    \b
    Example:
      upward diff p7
      upward diff p7 --baseline | git apply
    """
    workspace = wiring.open_workspace(home)
    state = workspace.state(study)
    candidate = find(state, name).candidate
    proposal = state.proposal_of(candidate)
    parent = state.start.baseline if baseline or proposal is None else proposal.parent
    text = unified(workspace, state.tree_of(parent), state.tree_of(candidate))
    if as_json:
        print_json({"candidate": candidate, "against": parent, "diff": text})
    else:
        click.echo(text, nl=False)


def unified(workspace: wiring.Workspace, old: dict[str, str], new: dict[str, str]) -> str:
    """A unified diff between two trees, given as path to blob id."""
    lines = list[str]()
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) == new.get(path):
            continue
        before, after = workspace.text(old.get(path)), workspace.text(new.get(path))
        lines += difflib.unified_diff(
            before.splitlines(keepends=True),
            after.splitlines(keepends=True),
            f"a/{path}",
            f"b/{path}",
        )
    missing = "\n\\ No newline at end of file\n"
    return "".join(line if line.endswith("\n") else line + missing for line in lines)


@click.command()
@click.option("-n", "--last", type=click.IntRange(min=1), default=20, help="How many entries.")
@click.option("--all", "everything", is_flag=True, help="All entries.")
@study_option
@home_option
@json_option
def log(*, last: int, everything: bool, study: str | None, home: str, as_json: bool) -> None:
    """Print the entries of the ledger, newest last; with --json one object per line.

    \b
    Example:
      upward log -n 50
      upward log --all --json | jq 'select(.kind == "verdict")'
    """
    workspace = wiring.open_workspace(home)
    name = workspace.pick(study)
    head = workspace.ledger.head(name)
    after = 0 if everything or head is None else max(0, head.seq - last)
    for entry in workspace.ledger.entries(name, after):
        body = json.loads(entry.body)
        if as_json:
            print_json({"seq": entry.seq, "at": entry.at, "kind": entry.kind, "body": body})
        else:
            _line(f"{entry.seq:>6} {entry.at[:19]} {entry.kind:<11} {_gist(entry.kind, body)}")


def _gist(kind: str, body: dict[str, Any]) -> str:
    said = GISTS.get(kind, json.dumps)
    return clean(said(body), 160)


def _outcome_gist(body: dict[str, Any]) -> str:
    value = body.get("measurement", {}).get("value")
    why = clean(body.get("failure", {}).get("reason", ""), 120)
    return f"t{body['trial']} {body['state']} {why if value is None else value}"


def _certificate_gist(body: dict[str, Any]) -> str:
    held = [candidate[:10] for candidate in body.get("evidence", {})]
    return f"among {body['raced']} races: {', '.join(held) or 'nothing holds'}"


def _stack_gist(body: dict[str, Any]) -> str:
    tip, stands = body["tip"][:10], body["stands"][:10]
    if body.get("undecided"):
        return f"{tip} stands for now: {body['undecided']}"
    return f"{tip} stands" if tip == stands else f"back from {tip} to {stands}"


GISTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "study": lambda body: f"{body['task']['name']}: {body['task']['goal']}",
    "proposal": lambda body: f"p{body['number']} {body['hypothesis']}",
    "trial": lambda body: f"t{body['number']} {body['purpose']} {body['candidate'][:10]}",
    "outcome": _outcome_gist,
    "verdict": lambda body: f"{body['candidate'][:10]} {body['decision']}: {body['reason']}",
    "certificate": _certificate_gist,
    "stack": _stack_gist,
    "published": lambda body: f"{body['candidate'][:10]} gain {body.get('gain')}",
}
