"""`upward run`: pursue a task."""

import click
from rich.console import Console

from upward import wiring
from upward.cli.common import home_option, json_option, print_json
from upward.cli.format import duration, gained, number
from upward.cli.live import LiveView, PlainView
from upward.cli.stop import Stop
from upward.core.metric import Noise
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
    with wiring.open_pursuit(task, home=home, study=study, seed=seed, workers=workers) as opened:
        for warning in opened.warnings:
            console.print(f"Note: {warning}", style="yellow", markup=False)
        view = LiveView(console, words(budget)) if console.is_terminal else PlainView(console)
        stop = Stop()
        with view, stop:
            reason = opened.go(budget, interrupted=lambda: stop.asked, watch=view.update)
        state = opened.study.state
        path = wiring.write_report(opened.workspace, state) if report else None
    finish = {"study": state.name, "ended": reason, **summary(state)}
    if as_json:
        print_json({**finish, "report": str(path) if path else None})
    else:
        _say(console, state, reason, str(path) if path else None)
    return INTERRUPTED if reason == "interrupted" else 0


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
        "stepped_gain": state.stepped_gain(),
        "cpu_s": state.cpu_s,
        "head": state.head,
    }


def _say(console: Console, state: StudyState, reason: str, report: str | None) -> None:
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
            f"{len(state.outcomes)} trials."
        )
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
