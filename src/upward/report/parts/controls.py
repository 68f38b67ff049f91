"""Control arms: what no research at all, chance and a classical optimiser reached instead."""

from upward.report.markup import Html, el
from upward.report.rivals import Rival, best_of_unchanged, rival
from upward.report.text import count
from upward.report.view import View, section, table

INTRO = (
    "Arms that any researcher has to beat. Each is a study of its own under the same rule, run in "
    "turn with this one on a share of the same budget, and compared after as many trials."
)
WHAT = {
    "no-op": "changes nothing (A/A): every acceptance is a false alarm",
    "random": "random search over the same knobs and ranges",
    "tpe": "Optuna's TPE over the same knobs and ranges",
}


def controls(view: View) -> Html:
    """Return the table of control arms with what they say of the study."""
    if not view.arms:
        share = view.state.start.plan.controls
        words = "This study has no control arms, so nothing here says what chance would have found."
        if share > 0:
            words = "The control arms have not begun: they do after calibration."
        return section("controls", "Control arms", el("p", words, cls="quiet"))
    rivals = [rival(arm, view.state) for arm in view.arms]
    head = ("Arm", "Trials #", "Proposals #", "Accepted #", "Its gain #", "This study then #", "")
    rows = [_row(one, view) for one in rivals]
    words = [el("p", sentence, cls="verdict") for sentence in _sentences(view, rivals)]
    return section("controls", "Control arms", *words, table(head, rows, "controls"), intro=INTRO)


def _row(one: Rival, view: View) -> Html:
    write = view.figures
    cells = (
        el("td", el("strong", one.name), f": {WHAT.get(one.name, 'a control arm')}"),
        *(el("td", f"{n:,}", cls="n") for n in (one.trials, one.proposals, one.accepted)),
        *(el("td", write.gain(gain.estimate), cls="n") for gain in (one.gain, one.study)),
        el("td", _standing(one, view)),
    )
    return el("tr", *cells)


def _standing(one: Rival, view: View) -> str:
    """Who is ahead, in words that a difference within its interval does not get."""
    if one.name == "no-op":
        return "as it should be" if one.accepted == 0 else "false alarm"
    if one.lead is None:
        return "nothing accepted by either yet"
    write, lead = view.figures, one.lead
    span = f"{write.gain(lead.low)} to {write.gain(lead.high)}"
    if lead.low > 0:
        return f"study ahead by {write.value(lead.estimate)} ({span})"
    if lead.high < 0:
        return f"study behind by {write.value(-lead.estimate)} ({span})"
    return f"not told apart ({span})"


def _sentences(view: View, rivals: list[Rival]) -> list[str]:
    real = [one for one in rivals if one.name != "no-op"]
    beaten = [one.name for one in real if one.lead and one.lead.low > 0]
    early = [one for one in real if one.lead is None]
    behind = [one.name for one in real if one.lead and one.lead.high < 0]
    even = [one.name for one in real if one.lead and one.name not in (*beaten, *behind)]
    found = list[str]()
    if beaten:
        found.append(f"At equal trials the researcher beat {_named(beaten)}.")
    if behind:
        found.append(f"At equal trials the researcher was BEHIND {_named(behind)}.")
    if even:
        found.append(
            f"It did not beat {_named(even)} so far: after as many trials the difference cannot "
            "be told from zero."
        )
    if early:
        most = max(one.trials for one in early)
        found.append(
            f"Too early to compare with {_named([one.name for one in early])}: after "
            f"{count(most, 'trial')}, neither had accepted anything."
        )
    return [*found, *(_null(view, one) for one in rivals if one.name == "no-op")]


def _named(names: list[str]) -> str:
    return " and ".join(names)


def _null(view: View, one: Rival) -> str:
    arm = next(state for state in view.arms if state.name.endswith("~no-op"))
    words = (
        f"Of {count(one.proposals, 'change')} that change nothing, {one.screened:,} passed the "
        f"first trial and {one.accepted:,} {'was' if one.accepted == 1 else 'were'} accepted."
    )
    best = best_of_unchanged(arm)
    if best is None:
        return words
    times, gain = best
    runs = "The one run" if times == 1 else f"The best of {times:,} runs"
    looked = view.figures.unit(abs(gain))
    return (
        f"{words} {runs} of the unchanged program looked {looked} "
        f"{'better' if gain >= 0 else 'worse'} than its mean: that is what keeping the best run "
        "would have claimed."
    )
