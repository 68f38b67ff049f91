"""Knobs: what can be tuned in a file, found and set without touching anything else.

`find_knobs` needs no help from the file's author; remarks at a line's end help it:
``# range: 1e-4..1e-1``, ``# choices: relu, gelu``, ``# fixed``.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from upward.core.errors import UnknownName, UnreadableSource
from upward.research import knobs_config, knobs_python
from upward.research.knob import Kind, Knob, Scalar, Scale, Site
from upward.research.ranges import make_knob

__all__ = [
    "SUFFIXES",
    "Kind",
    "Knob",
    "Scalar",
    "Scale",
    "apply_sources",
    "find_knobs",
    "set_knobs",
    "surface",
]

SUFFIXES = (".py", ".toml", ".yaml", ".yml", ".json")


def find_knobs(path: str, text: str) -> list[Knob]:
    r"""Find what can be tuned in a file, in order of appearance.

    Seeds, names that begin with an underscore, paths, versions and the like are left out.
    A text without known choices is listed with kind ``text`` and cannot be edited.

    Args:
        path: relative path; its suffix says how the file is read.
        text: the whole text, with its line ends as they are.

    Returns:
        Knobs with unique names; empty for a suffix that is not in `SUFFIXES`.

    Raises:
        UnreadableSource: the file cannot be parsed, or a remark cannot be understood.

    Example:
        >>> [(k.name, k.kind.value) for k in find_knobs("t.py", "LR = 3e-4\nSEED = 1\n")]
        [('LR', 'float')]
    """
    return list(_find_cached(path, text))


@lru_cache(maxsize=256)
def _find_cached(path: str, text: str) -> tuple[Knob, ...]:
    made = (make_knob(path, site) for site in _sites(path, text))
    return tuple(knob for knob in made if knob is not None)


def _sites(path: str, text: str) -> list[Site]:
    if path.endswith(".py"):
        return knobs_python.find_sites(path, text)
    return knobs_config.find_sites(path, text) if path.endswith(SUFFIXES) else []


def set_knobs(text: str, edits: Sequence[tuple[Knob, str]]) -> str:
    """Write new source into the places of some knobs of one file; every other byte stays.

    The result is parsed again: exactly the given values must have changed.

    Args:
        text: the text in which the knobs were found.
        edits: knob and its new source text, in any order.

    Returns:
        The new text.

    Raises:
        UnreadableSource: the text is not the one in which the knobs were found, a knob is given
            twice, or the new source is not one literal at its place.

    Example:
        >>> text = "LR = 3e-4  # warm"
        >>> set_knobs(text, [(find_knobs("t.py", text)[0], "6e-4")])
        'LR = 6e-4  # warm'
    """
    done, limit = text, len(text) + 1
    for knob, source in sorted(edits, key=lambda edit: edit[0].start, reverse=True):
        if text[knob.start : knob.end] != knob.source or knob.end > limit:
            raise UnreadableSource(knob.path, knob.line, f"{knob.name} is not {knob.source!r} here")
        done = done[: knob.start] + source + done[knob.end :]
        limit = knob.start
    _check(text, done, edits)
    return done


def _check(old: str, new: str, edits: Sequence[tuple[Knob, str]]) -> None:
    """Fail unless the new text differs from the old in exactly the edited values."""
    for path in {knob.path for knob, _ in edits}:
        wanted = {knob.name: source for knob, source in edits if knob.path == path}
        before = {site.name: site.source for site in _sites(path, old)}
        after = {site.name: site.source for site in _sites(path, new)}
        if after != before | wanted:
            line = min(knob.line for knob, _ in edits)
            raise UnreadableSource(path, line, f"{', '.join(wanted)} cannot be edited safely")
        if not path.endswith(".py"):
            _check_leaves(path, old, new, {knob.name for knob, _ in edits})


def _check_leaves(path: str, old: str, new: str, edited: set[str]) -> None:
    before, after = knobs_config.read_leaves(path, old), knobs_config.read_leaves(path, new)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    if not changed <= edited or set(before) != set(after):
        raise UnreadableSource(path, 1, f"the edit changed more than {', '.join(sorted(edited))}")


def surface(files: Mapping[str, str]) -> dict[str, Knob]:
    """Return the tunable knobs of all files of known suffix, by ``path:name``.

    A file that cannot be parsed has no knobs: other kinds of proposals may still edit it.
    """
    found: dict[str, Knob] = {}
    for path, text in sorted(files.items()):
        try:
            knobs = find_knobs(path, text)
        except UnreadableSource:
            continue
        found.update((knob.id, knob) for knob in knobs if knob.tunable)
    return found


def apply_sources(files: Mapping[str, str], sources: Mapping[str, str]) -> dict[str, str]:
    """Return the files that change when some knobs are given new source text.

    Args:
        files: path to text.
        sources: knob id to new source text.

    Returns:
        Path to whole new text, only of files that differ.

    Raises:
        UnknownName: no such knob in these files.
        UnreadableSource: see `set_knobs`.
    """
    known = surface(files)
    by_path: dict[str, list[tuple[Knob, str]]] = {}
    for name, source in sources.items():
        if name not in known:
            raise UnknownName("knob", name, list(known))
        if known[name].source != source:
            by_path.setdefault(known[name].path, []).append((known[name], source))
    return {path: set_knobs(files[path], edits) for path, edits in by_path.items()}
