"""``task.toml``: the file that turns a folder into a task, read into typed sections."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from upward.core.metric import SUPERVISED, Direction, Guard, Metric, Noise
from upward.core.task import Holdout, Limits
from upward.tasks import schema
from upward.tasks.schema import Key, Source, Wrong

MANIFEST = "task.toml"
SCORER = "scorer"
PREDICTOR = "predictor"

SCORING = Limits(cpu_s=60.0, wall_s=120.0, memory_mb=2048)  # of one scoring, unless it says so


@dataclass(frozen=True, slots=True)
class CandidateSection:
    """What may change, how it is run and what it must leave behind."""

    edit: tuple[str, ...]
    run: tuple[str, ...]
    outputs: tuple[str, ...]
    hide: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScorerSection:
    """How the measurement is derived; `prepare` is empty where nothing is made beforehand."""

    run: tuple[str, ...]
    prepare: tuple[str, ...]
    budget: Limits


@dataclass(frozen=True, slots=True)
class Manifest:
    """A checked ``task.toml``; whether its files exist is checked by `upward.tasks.load`."""

    name: str
    goal: str
    candidate: CandidateSection
    scorer: ScorerSection
    predictor: tuple[str, ...]
    holdouts: tuple[Holdout, ...]
    rung: float | None
    metric: Metric
    guards: tuple[Guard, ...]
    budget: Limits


def task_name(value: Any) -> str:
    """Accept a name that can also name a study and a folder."""
    name = schema.text(value)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        raise Wrong(f"may hold letters, digits, '-', '_' and '.', found {name!r}")
    return name


def reading_name(value: Any) -> str:
    """Accept the name of a number in the scorer's measurement."""
    name = schema.text(value)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", name):
        raise Wrong(f"must be a word such as val_loss, found {name!r}")
    if name == "notes":
        raise Wrong("cannot be 'notes': the scorer's remarks have that name")
    return name


def inner_paths(value: Any) -> tuple[str, ...]:
    """Accept distinct paths that stay inside the task folder."""
    for path in schema.distinct(value):
        pure = PurePosixPath(path)
        if pure.is_absolute() or path.startswith("~"):
            raise Wrong(f"must be relative to the task folder, found {path!r}")
        if ".." in pure.parts:
            raise Wrong(f"may not leave the task folder with '..', found {path!r}")
        if pure.as_posix() != path or path == "." or "\\" in path or not path.isprintable():
            raise Wrong(f"must be plain paths with '/', found {path!r}")
    return schema.distinct(value)


def output_paths(value: Any) -> tuple[str, ...]:
    """Accept paths that a candidate can write."""
    for path in inner_paths(value):
        if PurePosixPath(path).parts[0] == "data":
            raise Wrong(f"cannot lie in data/, which is read-only in a trial, found {path!r}")
    return inner_paths(value)


def short_share(value: Any) -> float:
    """Accept a share that makes a trial short and still says something."""
    found = schema.number(value)
    if not 0.05 <= found <= 0.5:
        raise Wrong(f"must be a share between 0.05 and 0.5, found {found:g}")
    return found


def package_names(value: Any) -> tuple[str, ...]:
    """Accept names of top-level Python packages; the list may be empty."""
    if value == []:
        return ()
    for name in schema.distinct(value):
        if not name.isidentifier():
            raise Wrong(f"must name Python packages, found {name!r}")
    return schema.distinct(value)


TOP = {
    "name": Key(task_name, 'name = "mytask"'),
    "goal": Key(schema.text, 'goal = "Lowest error on hidden data after 20 CPU-seconds."'),
}
CANDIDATE = {
    "edit": Key(inner_paths, 'edit = ["train.py"]'),
    "run": Key(schema.words, 'run = ["python", "train.py"]'),
    "outputs": Key(output_paths, 'outputs = ["predictions.npy"]'),
    "hide": Key(package_names, 'hide = ["pydoc_data"]', required=False, default=()),
}
SCORER_KEYS = {
    "run": Key(schema.words, 'run = ["python", "score.py"]'),
    "prepare": Key(schema.words, 'prepare = ["python", "prepare.py"]', required=False, default=()),
    "cpu_s": Key(schema.positive, "cpu_s = 60.0", required=False, default=SCORING.cpu_s),
    "wall_s": Key(schema.positive, "wall_s = 120.0", required=False, default=SCORING.wall_s),
    "memory_mb": Key(schema.count, "memory_mb = 2048", required=False, default=SCORING.memory_mb),
}
PREDICTOR_KEYS = {"run": Key(schema.words, 'run = ["python", "predict.py"]')}
HOLDOUT = {
    "run": Key(schema.words, 'run = ["python", "score.py", "--split", "holdout"]'),
    "examples": Key(schema.count, "examples = 1000"),
    "width": Key(schema.not_negative, "width = 1.0", required=False, default=0.0),
}
RUNG = {"share": Key(short_share, "share = 0.2")}
METRIC = {
    "name": Key(reading_name, 'name = "val_loss"'),
    "unit": Key(schema.text, 'unit = "nats"'),
    "direction": Key(schema.one_of(Direction), 'direction = "minimize"'),
    "noise": Key(schema.one_of(Noise), 'noise = "seeded"', required=False, default=Noise.SEEDED),
    "bound": Key(schema.number, "bound = 0.0", required=False),
}
GUARD = {
    "name": Key(reading_name, 'name = "peak_memory_mb"'),
    "direction": Key(schema.one_of(Direction), 'direction = "minimize"'),
    "tolerance": Key(schema.not_negative, "tolerance = 64.0"),
}
BUDGET = {
    "cpu_s": Key(schema.positive, "cpu_s = 20.0"),
    "wall_s": Key(schema.positive, "wall_s = 90.0"),
    "memory_mb": Key(schema.count, "memory_mb = 2048", required=False, default=2048),
    "disk_mb": Key(schema.count, "disk_mb = 256", required=False, default=256),
    "processes": Key(schema.count, "processes = 64", required=False, default=64),
}


def _itself(value: Any) -> Any:
    return value


SECTIONS = {
    **TOP,
    "candidate": Key(_itself, "[candidate]"),
    "scorer": Key(_itself, '[scorer] and run = ["python", "score.py"], a file in a folder scorer/'),
    "predictor": Key(_itself, "[predictor]", required=False),
    "holdout": Key(_itself, "[[holdout]]", required=False, default=()),
    "rung": Key(_itself, "[rung]", required=False),
    "metric": Key(_itself, "[metric]"),
    "guard": Key(_itself, "[[guard]]", required=False, default=()),
    "budget": Key(_itself, "[budget]"),
}


def read_manifest(folder: Path) -> Manifest:
    """Read and check the ``task.toml`` of a folder.

    Raises:
        ManifestError: there is none, or a key is unknown, missing, or holds what it may not.
        UnreadableSource: it is not TOML.
    """
    source = Source(folder / MANIFEST)
    top = source.section("", source.top, SECTIONS)
    metric = Metric(**source.section("metric", top["metric"], METRIC))
    return Manifest(
        name=top["name"],
        goal=top["goal"],
        candidate=CandidateSection(**source.section("candidate", top["candidate"], CANDIDATE)),
        scorer=_scorer(source, top["scorer"]),
        predictor=_predictor(source, top["predictor"]),
        holdouts=tuple(Holdout(**row) for row in _rows(source, top["holdout"], "holdout", HOLDOUT)),
        rung=_rung(source, top["rung"], metric),
        metric=metric,
        guards=_guards(source, top["guard"], metric),
        budget=Limits(**source.section("budget", top["budget"], BUDGET)),
    )


def _scorer(source: Source, table: Any) -> ScorerSection:
    found = source.section("scorer", table, SCORER_KEYS)
    budget = Limits(found["cpu_s"], found["wall_s"], found["memory_mb"])
    return ScorerSection(found["run"], found["prepare"], budget)


def _rung(source: Source, table: Any, metric: Metric) -> float | None:
    if table is None:
        return None
    if metric.noise is Noise.EXACT:
        problem = "an exact metric has no use for a short trial: one whole trial decides"
        raise source.refuse("", "rung", problem, "Remove [rung].")
    return float(source.section("rung", table, RUNG)["share"])


def _predictor(source: Source, table: Any) -> tuple[str, ...]:
    if table is None:
        return ()
    return source.section("predictor", table, PREDICTOR_KEYS)["run"]


def _rows(source: Source, tables: Any, name: str, keys: schema.Keys) -> list[dict[str, Any]]:
    """The repeats of a section that may come several times."""
    if not isinstance(tables, list | tuple):
        problem = f"{name!r} must be a list of sections"
        raise source.refuse("", name, problem, f"Write [[{name}]], with two brackets.")
    return [
        source.section(name, table, keys, f"[[{name}]] number {index}")
        for index, table in enumerate(cast("list[Any]", tables), start=1)
    ]


def _guards(source: Source, tables: Any, metric: Metric) -> tuple[Guard, ...]:
    guards = tuple(Guard(**row) for row in _rows(source, tables, "guard", GUARD))
    names = [metric.name, *(guard.name for guard in guards)]
    for name in names:
        if names.count(name) > 1:
            problem = f"{name!r} is named twice among the metric and the guards"
            raise source.refuse("guard", "name", problem, "Each number has one name of its own.")
    for guard in guards:
        if guard.name in SUPERVISED and guard.tolerance == 0.0:
            problem = f"{guard.name} differs from run to run, so a tolerance of 0 is never shown"
            fix = "Allow a loss that you would not mind, such as a tenth of the usual value."
            raise source.refuse("guard", "tolerance", problem, fix)
    return guards
