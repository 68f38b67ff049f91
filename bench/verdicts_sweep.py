"""What do other settings of the plan buy? False keeps against gain found, in simulated studies.

    python bench/verdicts_sweep.py            300 studies of 200 proposals a cell, 22 plans
    python bench/verdicts_sweep.py --quick    40 studies of 40 proposals, 3 settings
    python bench/verdicts_sweep.py --figure docs/figures/verdicts-tradeoff.svg    also draw it

The world is that of `verdicts.py`. A study decides by alpha, the screen (`screen_sd`), the cap of
a race (`race_cap`) and by how early a race is given up (`luck`: it goes on while a mean better by
so many standard errors could still win). Each is turned alone, and then several together. Every
setting sees the same proposals and starts from the same seed. The aims: at most 5 % of verified
keeps false in every mixed cell, at least 80 % and 95 % of the gain found at 2 and 4 sd.

The last line is one JSON object; `meets` says which aims a setting meets.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

from verdicts import Cell, run
from verdicts_lab import DEFAULT, Rule
from verdicts_tradeoff import draw

NOISES = ("gaussian", "drift")
EFFECTS = (0.0, 1.0, 2.0, 4.0)
FALSE_AIM, CERTIFIED_AIM = 0.05, 0.10
# for the comparison at equal cost: so many trials for each proposal
EQUAL = 2.5
GAIN_AIMS = {2.0: 0.80, 4.0: 0.95}


def turned(luck: float = DEFAULT.luck, **plan: float) -> Rule:
    """The plan of studies with some settings changed."""
    return Rule(replace(DEFAULT.plan, **plan), luck)


def settings() -> dict[str, list[tuple[str, Rule]]]:
    """Every curve of the sweep: its name, and its points with their labels, in order."""
    return {
        "alpha": [(f"{a:g}", turned(alpha=a)) for a in (0.1, 0.05, 0.03, 0.02, 0.01)],
        "screen_sd": [(f"{s:g}", turned(screen_sd=s)) for s in (0.0, 0.25, 0.5, 1.0)],
        "race_cap": [(f"{c}", turned(race_cap=c)) for c in (6, 10, 16, 24, 40)],
        "luck": [(f"{k:g}", turned(k)) for k in (0.5, 1.0, 1.5, 2.0)],
        "together": [
            (f"{a:g}, {s:g}, {c}, {k:g}", turned(k, alpha=a, screen_sd=s, race_cap=c))
            for a, s, c, k in (
                (0.03, 0.5, 16, 1.0),
                (0.03, 0.25, 16, 1.0),
                (0.03, 0.5, 24, 1.0),
                (0.02, 0.5, 24, 1.0),
                (0.02, 0.25, 24, 1.0),
                (0.02, 0.25, 16, 1.5),
                (0.02, 0.5, 24, 1.5),
            )
        ],
    }


def point(rule: Rule, rows: list[dict]) -> dict[str, object]:
    """What one setting does, from its cells."""
    cell = {(row["noise"], row["effect"]): row for row in rows}
    by_name = {f"{noise}-{effect:g}sd": row for (noise, effect), row in cell.items()}
    mixed = {name: row for name, row in by_name.items() if row["effect"]}
    null = {row["noise"]: row for row in rows if not row["effect"]}
    return {
        "alpha": rule.plan.alpha,
        "screen_sd": rule.plan.screen_sd,
        "race_cap": rule.plan.race_cap,
        "luck": rule.luck,
        "false_share": {name: row["false_share"] for name, row in mixed.items()},
        "false_share_error": {name: row["errors"]["false_share"] for name, row in mixed.items()},
        "gain_share": {name: row["oracle_gain_share"] for name, row in mixed.items()},
        "gain_share_error": {n: row["errors"]["oracle_gain_share"] for n, row in mixed.items()},
        "trials_per_decision": {n: row["trials_per_decision"] for n, row in by_name.items()},
        "null_with_verified": {n: row["studies_with_keep"] for n, row in null.items()},
        "null_with_certified": {n: row["studies_with_certified"] for n, row in null.items()},
        "gain_at_equal_trials": {n: row["gain_at_equal_trials"] for n, row in mixed.items()},
        "meets": meets(mixed, null),
    }


def meets(mixed: dict[str, dict], null: dict[str, dict]) -> dict[str, bool]:
    """Which aims hold in every cell, by the estimates as they are."""
    return {
        "false_share": all((row["false_share"] or 0.0) <= FALSE_AIM for row in mixed.values()),
        "certified": all(r["studies_with_certified"] <= CERTIFIED_AIM for r in null.values()),
        "gain_share": all(
            row["oracle_gain_share"] >= GAIN_AIMS.get(row["effect"], 0.0) for row in mixed.values()
        ),
    }


def sweep(curves: dict[str, list[tuple[str, Rule]]], size: tuple[int, int, int], workers: int):
    """Simulate every setting once, also where several curves share it."""
    rules = list(dict.fromkeys(rule for points in curves.values() for _, rule in points))
    studies, proposals, seed = size
    cells = [
        Cell("upward", noise, effect, studies, proposals, round(EQUAL * proposals), seed, rule)
        for rule in rules
        for noise in NOISES
        for effect in EFFECTS
    ]
    rows, each = run(cells, workers), len(NOISES) * len(EFFECTS)
    found = {rule: point(rule, rows[i * each : (i + 1) * each]) for i, rule in enumerate(rules)}
    return {
        name: [{"label": label, **found[rule]} for label, rule in points]
        for name, points in curves.items()
    }


def show(curves: dict[str, list[dict]]) -> None:
    """Print the table for people: false share, then gain share, by cell."""
    names = list(next(iter(curves.values()))[0]["false_share"])
    print(f"{'':28}" + "".join(f"{name:>15}" for name in names) + f"{'null v, c':>15}  meets")
    for name, points in curves.items():
        for p in points:
            cells = "".join(f"{p['false_share'][n]:8.3f}{p['gain_share'][n]:7.3f}" for n in names)
            null = f"{p['null_with_verified']['gaussian']:8.3f}"
            null += f"{p['null_with_certified']['gaussian']:7.3f}"
            met = "".join("y" if ok else "-" for ok in p["meets"].values())
            trials = p["trials_per_decision"]["gaussian-2sd"]
            equal = p["gain_at_equal_trials"]["gaussian-2sd"]
            print(f"{name:10}{p['label']:18}{cells}{null}  {met} {trials:.2f} {equal:.1f}")


def main() -> None:
    """Turn the plan, print a table and one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under 50 s")
    parser.add_argument("--studies", type=int, default=300)
    parser.add_argument("--proposals", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--figure", type=Path, help="where to draw the curves, as SVG")
    args = parser.parse_args()
    curves = settings()
    if args.quick:
        args.studies, args.proposals = 40, 40
        curves = {"alpha": curves["alpha"][1:4]}
    began = time.monotonic()
    found = sweep(curves, (args.studies, args.proposals, args.seed), args.workers)
    show(found)
    if args.figure:
        args.figure.parent.mkdir(parents=True, exist_ok=True)
        args.figure.write_text(draw(found, studies=args.studies))
    sizes = {"studies": args.studies, "proposals": args.proposals, "seed": args.seed}
    wall = {"workers": args.workers, "wall_s": round(time.monotonic() - began, 1)}
    print(json.dumps({"bench": "verdicts_sweep", **sizes, "curves": found, **wall}))


if __name__ == "__main__":
    main()
