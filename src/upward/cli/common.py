"""Options and small helpers that several commands share."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def home_option(command: F) -> F:
    """Add ``--home``."""
    return click.option(
        "--home",
        envvar="UPWARD_HOME",
        default=".upward",
        show_default=True,
        help="Folder of the workspace: ledger, artifacts, reports.",
    )(command)


def study_option(command: F) -> F:
    """Add ``--study``."""
    return click.option(
        "--study", default=None, help="Name of the study; default: the one last worked on."
    )(command)


def json_option(command: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on one line, for a program that reads it."""
    click.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))


def clean(text: str, limit: int = 400) -> str:
    """Make text from a candidate or researcher safe for a terminal: no control characters."""
    kept = "".join(c if c.isprintable() else " " for c in text)
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"
