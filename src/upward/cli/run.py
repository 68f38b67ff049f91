"""`upward run`: pursue a task."""

from collections.abc import Sequence

import click
from rich.console import Console

from upward import wiring
from upward.cli.common import home_option, json_option, print_json
from upward.cli.format import duration, gained, number
from upward.cli.live import LiveView, PlainView
from upward.cli.stop import Stop
from upward.core.codec import plain
from upward.core.metric import Noise
from upward.ledger.facts import Publication
from upward.ledger.replay import StudyState
from upward.loop.budget import Budget

INTERRUPTED = 130


@click.command()
@click.argument("task")
@click.option("--minutes", type=float, help="Wall time of this run.")
@click.option("--trials", type=int, help="Trials of the whole study.")
@click.option("--cpu-hours", type=float, help="CPU time of the whole study's trials.")
@click.option("--workers", type=click.IntRange(1, 512), help="Trials at a time; default: cores.")
@click.option("--seed", type=int, help="Make the study repeatable; also part of its name.")
@click.option("--study", help="Name of the study; default: the task's name (and seed).")
@click.option(
    "--controls",
    type=click.FloatRange(0.0, 0.9),
    help="Share of the trials for control arms; default 0.15, 0 for none.",
)
@click.option("--report", is_flag=True, help="Write the report at the end and print its path.")
@home_option
@json_option
def run(  # noqa: PLR0913 - one parameter per option
    *,
    task: str,
    minutes: float | None,
    trials: int | None,
    cpu_hours: float | None,
    workers: int | None,
    seed: int | None,
    study: str | None,
    controls: float | None,
    report: bool,
    home: str,
    as_json: bool,
) -> int:
    """Pursue TASK: a lab's name or a folder with a task.toml.

    Ctrl-C stops cleanly, and the same command goes on where it stopped. Without a limit it goes
    on until you stop it.

    \b
    Example:
      upward run tinylm --minutes 10
      upward run ./my-task --trials 200 --workers 4
    """
    budget = Budget(minutes, trials, cpu_hours)
    console = Console(stderr=as_json)
    with wiring.open_pursuit(
        task, home=home, study=study, seed=seed, workers=workers, controls=controls
    ) as opened:
        known = len(opened.warnings)
        _warn(console, opened.warnings)
        view = LiveView(console, words(budget)) if console.is_terminal else PlainView(console)
        stop = Stop()
        with view, stop:
            reason = opened.go(budget, interrupted=lambda: stop.asked, watch=view.update)
        _warn(console, opened.warnings[known:])
        state = opened.study.state
        beside = sum(arm.own_trials for arm in opened.workspace.arms(state.name))
        path = wiring.write_report(opened.workspace, state) if report else None
    finish = {"study": state.name, "ended": reason, **summary(state), "control_trials": beside}
    if as_json:
        print_json({**finish, "report": str(path) if path else None})
    else:
        _say(console, state, reason, str(path) if path else None, beside)
    return INTERRUPTED if reason == "interrupted" else 0


def _warn(console: Console, warnings: Sequence[str]) -> None:
    for warning in warnings:
        console.print(f"Note: {warning}", style="yellow", markup=False)


def words(budget: Budget) -> str:
    """The budget in words."""
    parts = list[str]()
    if budget.minutes is not None:
        parts.append(duration(60 * budget.minutes))
    if budget.trials is not None:
        parts.append(f"{budget.trials} trials")
    if budget.cpu_hours is not None:
        parts.append(f"{budget.cpu_hours:g} CPU-hours")
    return " or ".join(parts) or "Ctrl-C"


def summary(state: StudyState) -> dict[str, object]:
    """The outcome of a study as plain values."""
    best = state.value_of(state.incumbent)
    level = state.record(state.incumbent).level
    return {
        "task": state.task.name,
        "metric": state.task.metric.name,
        "unit": state.task.metric.unit,
        "baseline": state.value_of(state.start.baseline),
        "best": best,
        "level": str(level) if level else None,
        "incumbent": state.incumbent,
        "sd": state.noise.sd if state.noise else None,
        "resolution": state.noise.resolution if state.noise else None,
        "trials": len(state.outcomes),
        "failed": state.failed,
        "proposals": len(state.proposals),
        "accepted": len(state.acceptances),
        "certified": len(state.certificate.evidence) if state.certificate else 0,
        "stepped_gain": state.stepped_gain(),
        "published": plain(state.publication) if state.publication else None,
        "cpu_s": state.cpu_s,
        "head": state.head,
    }


def _say(console: Console, state: StudyState, reason: str, report: str | None, beside: int) -> None:
    metric, start = state.task.metric, state.start
    baseline, best = state.value_of(start.baseline), state.value_of(state.incumbent)

    def line(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    line(f"Stopped: {reason}.")
    if baseline is not None and best is not None and state.incumbent != start.baseline:
        level = state.record(state.incumbent).level
        line(
            f"{str(level).capitalize()}: {number(baseline)} → {number(best)} {metric.unit} "
            f"({gained(metric, best, baseline)}), after {len(state.proposals)} proposals and "
            f"{len(state.outcomes)} trials{f', and {beside} of its control arms' * bool(beside)}."
        )
        if state.publication:
            line(_published(state, state.publication))
        steps = state.stepped_gain()
        if steps is not None and metric.noise is not Noise.EXACT:
            share = f" ({100 * steps / abs(baseline):.1f} %)" if baseline else ""
            line(f"The accepted steps, each measured side by side, add up to {steps:.4g}{share}.")
    elif baseline is not None:
        line(f"Nothing was accepted; the baseline stands at {number(baseline)} {metric.unit}.")
    if report:
        line(f"Report: {report}")
    else:
        line("See it with `upward report`, or go on with the same command.")


def _published(state: StudyState, found: Publication) -> str:
    """The gain on the trials that decided nothing, in one sentence."""
    times, unit = len(found.values), state.task.metric.unit
    means = [sum(values) / len(values) for values in (found.baseline_values, found.values)]
    change = gained(state.task.metric, means[1], means[0])
    return (
        f"Published: {number(means[0])} → {number(means[1])} {unit} ({change}), gain "
        f"{number(found.gain, 3)} ({number(found.low, 3)} to {number(found.high, 3)}), from "
        f"{times} fresh trials of each, in turn."
    )
