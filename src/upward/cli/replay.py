"""`upward replay`: run a candidate again from the ledger."""

import sys

import click

from upward import wiring
from upward.cli.common import home_option, json_option, print_json, study_option
from upward.cli.find import find
from upward.cli.format import name_of, number
from upward.ledger.replay import StudyState
from upward.loop.again import Replayed


@click.command()
@click.argument("name")
@click.option("--trials", type=click.IntRange(2, 1000), default=4, show_default=True)
@click.option("--workers", type=click.IntRange(1, 512), help="Trials at a time; default: cores.")
@study_option
@home_option
@json_option
def replay(
    *, name: str, trials: int, workers: int | None, study: str | None, home: str, as_json: bool
) -> int:
    """Run a candidate and what it was compared with again, on new seeds, from the ledger alone.

    \b
    Example:
      upward replay best
      upward replay p7 --trials 8
    """
    state = wiring.open_workspace(home).state(study)
    candidate = find(state, name).candidate

    def watch(done: int, planned: int) -> None:
        if sys.stderr.isatty() and not as_json:
            click.echo(f"\r{done} of {planned} trials", nl=done == planned, err=True)

    with wiring.reopen(state.name, home=home, workers=workers) as opened:
        result = opened.replay(candidate, trials, watch)
    if as_json:
        print_json(as_plain(state, result))
    else:
        for line in sentences(state, result):
            click.echo(line)
    return 0 if holds(result) else 1


def holds(result: Replayed) -> bool:
    """Whether the replay does not contradict the claim."""
    if not result.values:
        return False
    if result.claimed is None or result.found is None:
        return result.failed == 0
    return result.found.high >= 0 and (result.claimed <= 0 or result.found.estimate > 0)


def as_plain(state: StudyState, result: Replayed) -> dict[str, object]:
    """The replay for a program."""
    found = result.found
    return {
        "candidate": result.candidate,
        "against": result.against,
        "unit": state.task.metric.unit,
        "values": result.values,
        "against_values": result.against_values,
        "failed": result.failed,
        "claimed": result.claimed,
        "gain": found.estimate if found else None,
        "low": found.low if found else None,
        "high": found.high if found else None,
        "holds": holds(result),
    }


def sentences(state: StudyState, result: Replayed) -> list[str]:
    """The replay for people."""
    unit, who = state.task.metric.unit, name_of(state, result.candidate)
    values = ", ".join(number(v) for v in result.values) or "none"
    lines = [f"{who} again: {values} {unit}" + _failures(result.failed)]
    if result.against_values:
        others = ", ".join(number(v) for v in result.against_values)
        lines.append(f"{name_of(state, result.against)} again: {others} {unit}")
    if result.found and result.claimed is not None:
        gain = result.found
        lines.append(
            f"gain {number(gain.estimate, 3)} {unit} (95 % interval {number(gain.low, 3)} to "
            f"{number(gain.high, 3)}); the ledger says {number(result.claimed, 3)}"
        )
    lines.append("The claim holds." if holds(result) else "The claim does NOT hold.")
    return lines


def _failures(failed: int) -> str:
    return f"; {failed} trials failed" if failed else ""
