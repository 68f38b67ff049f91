"""A knob: one literal in a file that can be tuned, with all that is known about how to tune it."""

from dataclasses import dataclass, field
from enum import StrEnum

Scalar = bool | int | float | str | None


class Kind(StrEnum):
    """What a knob holds, which decides how it can be edited."""

    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    CHOICE = "choice"
    TEXT = "text"  # listed for people, never edited


class Scale(StrEnum):
    """In which coordinate equal steps mean equal effects."""

    LINEAR = "linear"
    LOG = "log"
    COLOG = "colog"  # the distance to 1 moves in the logarithm: momenta, decays of averages


@dataclass(frozen=True, slots=True)
class Knob:
    """One literal that can be tuned.

    Args:
        path: the file, relative to the task folder.
        name: unique in the file and stable under edits: ``LEARNING_RATE``, ``Config.depth``,
            ``AdamW(lr)#2``, ``--lr``, ``BETAS[0]``, or a key path such as ``train.lr``.
        kind: what it holds.
        value: the value of the literal.
        source: its text in the file.
        line: line on which it begins, from 1.
        start: offset of its first character in the text.
        end: offset after its last character.
        scale: see `Scale`; None for a bool, choice or text.
        low: smallest value that is tried; None like `scale`.
        high: largest value that is tried.
        choices: source text of every possible value of a bool or choice.
    """

    path: str
    name: str
    kind: Kind
    value: Scalar
    source: str
    line: int
    start: int
    end: int
    scale: Scale | None = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = field(default=())

    @property
    def id(self) -> str:
        """``path:name``, as in `upward.core.records.Change`."""
        return f"{self.path}:{self.name}"

    @property
    def tunable(self) -> bool:
        """Whether an edit is possible at all."""
        return self.kind is not Kind.TEXT

    @property
    def numeric(self) -> bool:
        """Whether it has a scale and a range."""
        return self.scale is not None


@dataclass(frozen=True, slots=True)
class Site:
    """A literal as a locator found it, before anybody asked whether it can be tuned.

    Args:
        name: see `Knob`.
        value: see `Knob`.
        source: see `Knob`.
        line: see `Knob`.
        start: see `Knob`.
        end: see `Knob`.
        word: the part of the name that carries meaning, for example ``lr``.
        remark: the comment that ends the line, for the last literal of a line.
        choices: values that the source itself allows, for example of a command line option.
        language: ``python``, ``toml``, ``yaml`` or ``json``; decides how a literal is written.
    """

    name: str
    value: Scalar
    source: str
    line: int
    start: int
    end: int
    word: str
    remark: str = ""
    choices: tuple[Scalar, ...] = ()
    language: str = "python"
