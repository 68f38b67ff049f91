"""Why to believe the page: isolation, the rule, the software, the ledger."""

from upward.core.metric import Direction, Noise
from upward.core.plan import Plan
from upward.core.task import Limits
from upward.report.markup import Html, el, join
from upward.report.text import clean, count, day_and_time, number, seconds
from upward.report.view import View, code, section

MOST_ITEMS = 40
SHARED_SEEDS = (
    "In a race both candidates run on the same seeds. Its evidence is the average of two bets, one "
    "on the differences seed by seed and one on the two groups of trials; earlier races fix before "
    "its first trial whether the first has a half or three quarters of it."
)
EXACT = (
    "The metric is exact: a measurement is a proof in itself.",
    "A candidate is accepted when one trial is better than every trial before it.",
)


def trust(view: View) -> Html:
    """Return what held, what was fixed beforehand, and how to check all of it."""
    return section(
        "trust",
        "Why to believe this",
        el("div", _isolation(view), _rule(view), _ledger(view), _made_with(view), cls="columns"),
    )


def _isolation(view: View) -> Html:
    found = view.state.isolation
    held = sum(found.holds.values())
    words = f"The sandbox ({clean(found.sandbox, 40)}) was tried before work began: "
    words += f"{held} of {count(len(found.holds), 'forbidden act')} stopped."
    items = [_probe(name, held=held) for name, held in list(found.holds.items())[:MOST_ITEMS]]
    alarm = None
    if not found.isolated:
        alarm = el("p", "Not isolated: nothing here can be more than provisional.", cls="alarm")
    advice = el("p", clean(found.advice, 400), cls="note") if found.advice else None
    body = el("ul", *items, cls="probes")
    return el("div", el("h3", "Isolation in force"), alarm, el("p", words), body, advice)


def _probe(name: str, *, held: bool) -> Html:
    sign = el("span", "\u2713" if held else "\u2717", cls="sign", aria_hidden="true")
    words = clean(name, 80).replace("_", " ")
    state = "stopped" if held else "NOT stopped"
    return el("li", sign, f" {words}: {state}", cls="yes" if held else "no")


def _rule(view: View) -> Html:
    task, plan = view.state.task, view.state.start.plan
    exact = task.metric.noise is Noise.EXACT
    items = [*(EXACT if exact else _plan(plan)), _trial(task.budget)]
    if task.metric.noise is Noise.TIMING:
        items.append(_timing(plan))
    if task.metric.noise is Noise.SEEDED:
        items.append(SHARED_SEEDS)
    if task.metric.bound is not None:
        side = "above" if task.metric.direction is Direction.MAXIMIZE else "below"
        limit = f"{number(task.metric.bound)} {task.metric.unit}".rstrip()
        items.append(f"A measurement {side} {limit} is impossible, hence invalid.")
    for guard in task.guards[:MOST_ITEMS]:
        way = "fall" if guard.direction is Direction.MAXIMIZE else "rise"
        most = f"by more than {number(guard.tolerance)}"
        name = clean(guard.name, 60)
        items.append(f"{name} must be shown not to {way} {most} against the incumbent.")
    rules = el("ul", *(el("li", item) for item in items), cls="rules")
    words = f"Fixed and recorded before the first trial ({clean(plan.rule, 40)})."
    return el("div", el("h3", "The rule"), el("p", words), rules)


def _plan(plan: Plan) -> list[str]:
    needed = number(1.0 / plan.alpha, 0)
    return [
        f"The baseline is run {count(plan.calibration, 'time')} to learn the noise.",
        f"A first trial must beat the incumbent's mean by {plan.screen_sd:g} standard deviations.",
        f"Then a race on fresh seeds: accepted at odds of {needed} to 1, so a candidate without "
        f"any gain is accepted at most {100 * plan.alpha:g} times in 100.",
        f"A race takes at most {count(plan.race_cap, 'trial')} of the candidate; the incumbent has "
        f"at least {plan.incumbent_floor}.",
        f"Accepted steps run again on at most {100 * plan.certify_share:g} % of the trials. They "
        f"are certified when, with every race of the study counted, at most "
        f"{100 * plan.certify_alpha:g} % of the certified ones are expected to be false.",
        f"At the end the best candidate and the baseline run {count(plan.publish, 'time')} more in "
        "turn; the headline stands on these."
        if plan.publish
        else "The best candidate is not run again for the headline.",
        f"Control arms get {100 * plan.controls:g} % of the trials after calibration."
        if plan.controls
        else "There are no control arms.",
        "A failed trial ends a candidate's race: it cannot win by failing on hard seeds."
        if plan.missing == "reject"
        else f"A failed trial in a race counts as: {clean(plan.missing, 40)}.",
    ]


def _timing(plan: Plan) -> str:
    return (
        "Timings are compared as ratios of interleaved pairs; an exact sign-flip test must agree "
        f"at {plan.alpha:g}, and nothing is verified while the incumbent's own trials differ by "
        f"more than {100 * plan.timing_cv:g} %."
    )


def _trial(limits: Limits) -> str:
    return (
        f"One trial may use {seconds(limits.cpu_s)} of CPU, {seconds(limits.wall_s)} of wall time, "
        f"{limits.memory_mb:,} MiB of memory and {limits.disk_mb:,} MiB of disk."
    )


def _ledger(view: View) -> Html:
    state = view.state
    if view.head_checked is None:
        checked = el("p", "The chain was not checked when this page was made.", cls="note")
    elif view.head_checked == state.head:
        checked = el("p", "\u2713 The whole chain was checked when this page was made.", cls="yes")
    else:
        checked = el("p", "The chain that was checked ends elsewhere: do not trust this page.")
        checked = el("div", checked, cls="alarm")
    proposal = state.proposal_of(state.incumbent)
    again = f"upward replay p{proposal.number}" if proposal else "upward replay best"
    commands = el(
        "ul",
        el("li", code("upward verify"), " checks the chain and every stored byte."),
        el(
            "li",
            code(again),
            " runs the best candidate again, on new seeds, from the ledger alone.",
        ),
        cls="commands",
    )
    last = el("code", clean(state.head, 64), cls="hash")
    return el(
        "div",
        el("h3", "The ledger"),
        el("p", f"{count(state.seq, 'entry', 'entries')}, each with the hash of the one before."),
        el("p", "Last entry ", last, f" ({day_and_time(state.last)})."),
        checked,
        commands,
    )


def _made_with(view: View) -> Html:
    start = view.state.start
    versions = [
        el("li", f"{clean(name, 40)} {clean(version, 60)}")
        for name, version in sorted(start.software.items())[:MOST_ITEMS]
    ]
    ids = join(
        (
            el("p", "Task ", el("code", clean(start.task.id, 64), cls="hash")),
            el("p", "Baseline ", el("code", clean(start.baseline, 64), cls="hash")),
        )
    )
    return el("div", el("h3", "Made with"), el("ul", *versions, cls="versions"), ids)
