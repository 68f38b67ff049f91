"""Scalars in TOML, YAML and JSON files, with their place in the text.

A place that was found is believed only where the format's own parser reads the same value under
the same key path.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import yaml

from upward.core.errors import UnreadableSource
from upward.research.knob import Scalar, Site

Leaves = dict[str, Scalar]
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
YAML_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+")
TOML_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"\\\n]*"|'[^'\n]*')"""
TOML_PAIR = re.compile(rf"[ \t]*({TOML_KEY}(?:[ \t]*\.[ \t]*{TOML_KEY})*)[ \t]*=[ \t]*")
TOML_TABLE = re.compile(rf"[ \t]*(\[\[?)[ \t]*({TOML_KEY}(?:[ \t]*\.[ \t]*{TOML_KEY})*)[ \t]*\]")
TOML_SCALAR = re.compile(
    r"""("(?!"")(?:[^"\\\n]|\\.)*"|'(?!'')[^'\n]*'|true|false|[+-]?[0-9][0-9a-fA-FxXob_.eE+-]*)"""
    r"""[ \t]*(\#.*)?$"""
)


def find_sites(path: str, text: str) -> list[Site]:
    """Find the scalars of a configuration file, in order of appearance.

    Args:
        path: its suffix names the format: ``.toml``, ``.yaml``, ``.yml`` or ``.json``.
        text: the whole text.

    Raises:
        UnreadableSource: the file cannot be parsed.
    """
    leaves = read_leaves(path, text)
    found = [site for site in _finder(path)(text) if site.name in leaves]
    believed = [site for site in found if _equal(leaves[site.name], site.value)]
    names = Counter(site.name for site in believed)
    once = [site for site in believed if names[site.name] == 1]
    return [replace(site, value=_number(site), language=_language(path)) for site in once]


def read_leaves(path: str, text: str) -> Leaves:
    """Return every scalar of a configuration file by key path, read by the format's own parser.

    Raises:
        UnreadableSource: the file cannot be parsed.
    """
    try:
        return dict(_flatten("", _load(path, text)))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        last = text.count("\n") + 1
        raise _refused(path, int(line.group(1)) if line else last, "TOML", error) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise _refused(path, mark.line + 1 if mark else 1, "YAML", error.problem) from None
    except json.JSONDecodeError as error:
        raise _refused(path, error.lineno, "JSON", error.msg) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _refused(path, 1, "readable", error) from None


def _refused(path: str, line: int, kind: str, error: object) -> UnreadableSource:
    return UnreadableSource(path, line, f"not {kind} ({error})")


def _language(path: str) -> str:
    suffix = path.rpartition(".")[2].lower()
    return "yaml" if suffix == "yml" else suffix


def _finder(path: str) -> Callable[[str], Iterator[Site]]:
    return {"toml": _toml, "yaml": _yaml, "json": _json}[_language(path)]


def _load(path: str, text: str) -> Any:
    if _language(path) == "toml":
        return tomllib.loads(text)
    return _plain_yaml(text) if _language(path) == "yaml" else json.loads(text)


def _plain_yaml(text: str) -> Any:
    return yaml.load(text, Loader=LOADER)  # noqa: S506 - the safe loader, the fast one if built


def _flatten(name: str, value: Any) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flatten(_join(name, str(key)), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _flatten(f"{name}[{index}]", item)
    else:
        plain = value is None or isinstance(value, bool | int | float | str)
        yield name, value if plain else str(value)


def _join(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _equal(one: Scalar, other: Scalar) -> bool:
    return type(one) is type(other) and one == other


def _number(site: Site) -> Scalar:
    """A YAML 1.1 parser reads ``3e-4`` as text; whoever wrote it meant a number."""
    if isinstance(site.value, str) and YAML_FLOAT.fullmatch(site.source):
        return float(site.source)
    return site.value


def _site(text: str, name: str, value: Scalar, start: int, end: int, remark: str = "") -> Site:
    line = text.count("\n", 0, start) + 1
    word = re.sub(r"\[\d+\]$", "", name).rpartition(".")[2]
    return Site(name, value, text[start:end], line, start, end, word, remark)


# -- TOML ----------------------------------------------------------------------------------


def _toml(text: str) -> Iterator[Site]:
    """Scan ``key = scalar`` lines; what spans lines is stepped over."""
    table, counts, place = "", dict[str, int](), 0
    while place < len(text):
        stop = _line_end(text, place)
        header = TOML_TABLE.match(text, place, stop)
        pair = TOML_PAIR.match(text, place, stop)
        if header:
            table = _table(header, counts)
        elif pair:
            scalar = TOML_SCALAR.match(text[: _trim(text, stop)], pair.end())
            if scalar:
                value = tomllib.loads(f"x = {scalar.group(1)}")["x"]
                name = _join(table, _keys(pair.group(1)))
                yield _site(text, name, value, *scalar.span(1), scalar.group(2) or "")
            else:
                stop = _line_end(text, _value_end(text, pair.end()))
        place = stop + 1


def _line_end(text: str, place: int) -> int:
    found = text.find("\n", place)
    return len(text) if found < 0 else found


def _trim(text: str, stop: int) -> int:
    return stop - 1 if stop > 0 and text[stop - 1] == "\r" else stop


def _keys(dotted: str) -> str:
    parts = re.findall(TOML_KEY, dotted)
    return ".".join(part.strip("\"'") for part in parts)


def _table(header: re.Match[str], counts: dict[str, int]) -> str:
    name = _keys(header.group(2))
    parts = name.split(".")
    for size in range(1, len(parts) + (header.group(1) == "[")):
        outer = ".".join(parts[:size])
        if outer in counts:
            return name.replace(outer, f"{outer}[{counts[outer]}]", 1)
    if header.group(1) == "[[":
        counts[name] = counts.get(name, -1) + 1
        return f"{name}[{counts[name]}]"
    return name


TOML_PIECE = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'|\#[^\n]*|[][{}\n]",
    re.DOTALL,
)


def _value_end(text: str, place: int) -> int:
    """Return where a value that is no plain scalar ends: past strings and balanced brackets."""
    depth = 0
    for piece in TOML_PIECE.finditer(text, place):
        mark = piece.group()
        depth += (mark in ("[", "{")) - (mark in ("]", "}"))
        if depth == 0 and mark == "\n":
            return piece.start()
    return len(text)


# -- YAML ----------------------------------------------------------------------------------


def _yaml(text: str) -> Iterator[Site]:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is not None:
        yield from _yaml_node("", root, text, set())


def _yaml_node(name: str, node: yaml.Node, text: str, met: set[int]) -> Iterator[Site]:
    if id(node) in met:  # an alias: one text, several values
        return
    met.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, item in node.value:
            plain = str(_plain_yaml(key.value)) if isinstance(key, yaml.ScalarNode) else ""
            if plain and key.value != "<<":
                yield from _yaml_node(_join(name, plain), item, text, met)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _yaml_node(f"{name}[{index}]", item, text, met)
    elif isinstance(node, yaml.ScalarNode) and node.style not in ("|", ">"):
        yield from _yaml_scalar(name, node, text)


def _yaml_scalar(name: str, node: yaml.ScalarNode, text: str) -> Iterator[Site]:
    start, end = node.start_mark.index, node.end_mark.index
    source = text[start:end]
    if source and "\n" not in source and not source.startswith(("&", "!", "*")):
        value = _plain_yaml(source)
        rest = text[end : _trim(text, _line_end(text, end))]
        remark = re.fullmatch(r"[ \t,\]}]*[ \t](#.*)", rest)
        yield _site(text, name, value, start, end, remark.group(1) if remark else "")


# -- JSON ----------------------------------------------------------------------------------

JSON_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[][{}:,]'
)


def _json(text: str) -> Iterator[Site]:
    """Walk the tokens with a stack of what surrounds them: a key, or a position in a list."""
    stack: list[str | int] = []
    key = ""
    tokens = list(JSON_TOKEN.finditer(text))
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        mark = token.group()
        if mark in "{[":
            stack.append("" if mark == "{" else 0)
        elif mark in "}]":
            stack.pop()
        elif mark == "," and isinstance(stack[-1], int):
            stack[-1] += 1
        elif after is not None and after.group() == ":" and mark != ":":
            key = json.loads(mark)
            stack[-1] = key
        elif mark not in ":,":
            yield _site(text, _json_name(stack), json.loads(mark), *token.span())


def _json_name(stack: list[str | int]) -> str:
    name = ""
    for part in stack:
        name = f"{name}[{part}]" if isinstance(part, int) else _join(name, part)
    return name
