"""`upward check`: can this task be measured at all?"""

import click

from upward import wiring
from upward.cli.check_words import say
from upward.cli.common import clean, home_option, json_option, print_json
from upward.cli.format import duration, number
from upward.cli.stop import Stop
from upward.core.codec import plain
from upward.core.metric import Metric
from upward.loop.appraise import appraise
from upward.loop.check import Progress
from upward.loop.checked import Answer, Tried

INTERRUPTED = 130


@click.command()
@click.argument("task")
@click.option(
    "--trials",
    type=click.IntRange(4, 512),
    help="Seeds of the baseline; default 8, for exact metrics 4. In all about three times as "
    "many trials are run.",
)
@click.option("--workers", type=click.IntRange(1, 512), help="Trials at a time; default: cores.")
@click.option("--seed", type=int, help="Make the check repeatable.")
@home_option
@json_option
def check(
    *,
    task: str,
    trials: int | None,
    workers: int | None,
    seed: int | None,
    home: str,
    as_json: bool,
) -> int:
    """Check whether TASK can be measured: a lab's name or a folder with a task.toml.

    Runs the unedited task on several seeds, on the same seeds again, as a near copy, and as null
    candidates that must not win. Says how much trials differ and why, what gain can be seen at
    what cost, and what to change. Nothing is recorded.

    The exit code is 0 if the task is measurable, else 1.

    \b
    Example:
      upward check tinylm
      upward check ./my-task --trials 16
    """
    with (
        Stop() as stop,
        wiring.open_check(task, home=home, trials=trials, workers=workers, seed=seed) as (
            ready,
            warnings,
        ),
    ):
        for warning in warnings:
            click.echo(f"Note: {warning}", err=True)
        metric = ready.task.metric
        tried = ready.go(
            interrupted=lambda: stop.asked,
            watch=lambda now: click.echo(line(now, metric), err=True),
        )
        if tried.interrupted:
            return _interrupted(tried, as_json=as_json)
        checked = appraise(tried, ready.task, ready.plan)
    if as_json:
        print_json(plain(checked))
    else:
        click.echo(say(checked))
    return 0 if checked.conclusion.answer is Answer.MEASURABLE else 1


def line(now: Progress, metric: Metric) -> str:
    """One trial as one line."""
    found = now.outcome.measurement
    if found is not None:
        ended = f"{number(found.value)} {metric.unit}".rstrip()
    else:
        failure = now.outcome.failure
        ended = "failed: " + clean(failure.reason if failure else "no reason", 60)
    return f"[{now.done} of {now.planned} trials, {duration(now.elapsed_s)}] {now.label}: {ended}"


def _interrupted(tried: Tried, *, as_json: bool) -> int:
    done = len(tried.ran) + len(tried.extra)
    if as_json:
        print_json({"interrupted": True, "trials": done})
    else:
        click.echo(f"Interrupted after {done} trials; half a check says nothing.")
    return INTERRUPTED
