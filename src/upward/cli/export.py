"""`upward export`: the accepted changes as a git branch."""

from pathlib import Path

import click

from upward import wiring
from upward.cli.common import clean, home_option, json_option, print_json, study_option
from upward.cli.format import gained, name_of, number
from upward.core.records import Level, Verdict
from upward.ledger.replay import StudyState
from upward.tasks.export import ExportCommit
from upward.tasks.export import export as export_branch

HEADLINE = 68


@click.command()
@click.option("--branch", help="Name of the branch; default: upward/STUDY.")
@click.option(
    "--repo",
    default="",
    help="Git repository to put the branch into; default: a new one in the workspace.",
)
@study_option
@home_option
@json_option
def export(*, branch: str | None, repo: str, study: str | None, home: str, as_json: bool) -> None:
    """Write a git branch with one commit per verified change, its evidence in the message.

    The work tree and the index of the repository are not touched. The branch shows what stands
    now: it is written anew where a step was given up since the last export.

    \b
    Example:
      upward export
      upward export --repo . --branch upward/tinylm
    """
    workspace = wiring.open_workspace(home)
    state = workspace.state(study)
    name = branch or f"upward/{state.name}"
    folder = Path(repo) if repo else workspace.home.path / "export" / state.name
    commits = commits_of(workspace, state)
    head = export_branch(folder, name, commits, own=_own(state))
    if as_json:
        print_json({"repo": str(folder), "branch": name, "commits": len(commits), "head": head})
        return
    click.echo(
        f"{len(commits)} commits on {name} in {folder}: the baseline and each verified change."
    )
    click.echo(f"Look: git -C {folder} log -p {name}")


def commits_of(workspace: wiring.Workspace, state: StudyState) -> list[ExportCommit]:
    """The baseline, then each verified change, oldest first."""
    first = _files(workspace, state, state.start.baseline)
    commits = [ExportCommit(first, _baseline_message(state), state.began)]
    for position in state.acceptances:
        verdict = state.verdicts[position]
        if verdict.level is None or verdict.level.rank < Level.VERIFIED.rank:
            continue
        if verdict.candidate == state.start.baseline:
            continue
        files = _files(workspace, state, verdict.candidate)
        message = _message(state, verdict)
        commits.append(ExportCommit(files, message, state.verdict_at[position]))
    return commits


def _own(state: StudyState) -> str:
    """How the line of a message begins that says of which study a commit is."""
    return f"Study: {state.name}, "


def _files(workspace: wiring.Workspace, state: StudyState, candidate: str) -> dict[str, bytes]:
    return {path: workspace.blobs.get(blob) for path, blob in state.tree_of(candidate).items()}


def _baseline_message(state: StudyState) -> str:
    metric, noise = state.task.metric, state.noise
    measured = (
        f"\n\n{metric.name}: {number(noise.mean)} {metric.unit}, sd {number(noise.sd, 3)}"
        if (noise)
        else ""
    )
    goal = clean(state.task.goal)
    return f"{state.task.name}: baseline\n\n{goal}{measured}\n\n{_own(state)}baseline"


def _message(state: StudyState, verdict: Verdict) -> str:
    proposal, metric = state.proposal_of(verdict.candidate), state.task.metric
    hypothesis = clean(proposal.hypothesis) if proposal else "another start"
    subject = hypothesis if len(hypothesis) <= HEADLINE else hypothesis[: HEADLINE - 1] + "…"
    value, baseline = state.value_of(verdict.candidate), state.value_of(state.start.baseline)
    lines = [subject, "", hypothesis, "", clean(verdict.reason, 600), ""]
    if value is not None and baseline is not None:
        against = gained(metric, value, baseline)
        lines.append(f"{metric.name}: {number(value)} {metric.unit}, {against} than the baseline")
    if verdict.gain is not None:
        span = f"95 % interval {number(verdict.low, 3)} to {number(verdict.high, 3)}"
        lines.append(f"Gain: {number(verdict.gain, 3)} {metric.unit} ({span})")
    lines += [
        f"Candidate-values: {', '.join(number(v) for v in verdict.candidate_values)}",
        f"Incumbent-values: {', '.join(number(v) for v in verdict.incumbent_values)}",
        f"Level: {state.record(verdict.candidate).level}",
        f"{_own(state)}{name_of(state, verdict.candidate)}",
        f"Candidate: {verdict.candidate}",
        f"Ledger-head: {state.head}",
    ]
    return "\n".join(lines)
