"""Literals in Python files: where the constants of a training script live.

Positions come from the interpreter's own parser, so that what is found is what will run.
"""

import ast
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from upward.core.errors import UnreadableSource
from upward.research.knob import Scalar, Site
from upward.research.literals import POWER

MAX_ITEMS = 8
# Calls whose keyword arguments shape no experiment.
PLUMBING = re.compile(
    r"print|open|dumps?|loads?|ArgumentParser|add_parser|add_argument|field|dataclass|basicConfig"
    r"|run|Popen|check_call|check_output|makedirs|mkdir|sorted|sort|range|enumerate|zip|max|min"
    r"|sum|figure|subplots|plot|savefig|legend|join|r?split|partition|lru_cache|"
)


def find_sites(path: str, text: str) -> list[Site]:
    """Find the literals of a Python file that might be tuned, in order of appearance.

    Module constants (also inside tuples, lists and mappings), class fields, defaults of command
    line options, and literal keyword arguments of calls. Assignments inside functions count only
    where a remark says so.

    Raises:
        UnreadableSource: the file is not Python that this interpreter can parse.
    """
    tree = _parse(path, text)
    lines = _Lines(text)
    found = [*_constants(tree), *_classes(tree), *_arguments(tree), *_calls(tree)]
    sites = [lines.site(*item) for item in found]
    last = {site.line: 0 for site in sites}
    for site in sites:
        last[site.line] = max(last[site.line], site.end)
    sites = [lines.remarked(site) if last[site.line] == site.end else site for site in sites]
    sites += [s for s in (lines.remarked(lines.site(*i)) for i in _locals(tree)) if s.remark]
    sites = [site for site in sites if _reads_back(site)]
    return _unique(sorted(sites, key=lambda site: site.start))


def _reads_back(site: Site) -> bool:
    """A parser's position is believed only where the text there has the literal's value."""
    try:
        return literal(ast.parse(site.source, mode="eval").body) == site.value
    except (ValueError, SyntaxError):
        return False


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk the tree, but not into formatted strings, where positions mean nothing."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.JoinedStr):
            waiting.extend(ast.iter_child_nodes(node))


def _parse(path: str, text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        raise UnreadableSource(path, error.lineno or 1, f"not Python ({error.msg})") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnreadableSource(path, 1, f"not Python ({error})") from None


Found = tuple[str, str, ast.expr, tuple[Scalar, ...]]  # name, word, literal, choices


class _Lines:
    """Turns the parser's line and UTF-8 column into an offset in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", text))]

    def offset(self, line: int, column: int) -> int:
        start = self.starts[line - 1]
        stop = self.starts[line] if line < len(self.starts) else len(self.text)
        return start + len(self.text[start:stop].encode()[:column].decode())

    def site(self, name: str, word: str, node: ast.expr, choices: tuple[Scalar, ...]) -> Site:
        start = self.offset(node.lineno, node.col_offset)
        end = self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
        value = literal(node)
        return Site(name, value, self.text[start:end], node.lineno, start, end, word, "", choices)

    def remarked(self, site: Site) -> Site:
        stop = self.starts[site.line] if site.line < len(self.starts) else len(self.text)
        remark = re.fullmatch(r"[\s,;)\]}]*(#.*)", self.text[site.end : stop].rstrip("\r\n"))
        return replace(site, remark=remark.group(1)) if remark else site


def literal(node: ast.expr) -> Scalar:
    """Return the value of a literal that may be edited in place.

    Raises:
        ValueError: it is no such literal.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str | None):
        return node.value
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            if not isinstance(value, bool):
                return -value
        case ast.BinOp(op=ast.Pow() | ast.LShift(), left=ast.Constant(), right=ast.Constant()):
            found = POWER.fullmatch(ast.unparse(node))
            if found:
                return 1 << int(found.group(2))
        case _:
            pass
    raise ValueError("no literal")


def _is_literal(node: ast.expr | None) -> bool:
    if node is None:
        return False
    try:
        value = literal(node)
    except ValueError:
        return False
    one_line = node.lineno == node.end_lineno
    return one_line and not (isinstance(value, str) and len(value) > 60)


def _leaves(name: str, word: str, node: ast.expr | None) -> Iterator[Found]:
    """Yield a literal, or the literals in a small tuple, list or mapping."""
    if node is not None and _is_literal(node):
        yield name, word, node, ()
    elif isinstance(node, ast.Tuple | ast.List) and len(node.elts) <= MAX_ITEMS:
        for index, item in enumerate(node.elts):
            yield from _leaves(f"{name}[{index}]", word, item)
    elif isinstance(node, ast.Dict):
        for key, item in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield from _leaves(f"{name}.{key.value}", key.value, item)


def _targets(statement: ast.stmt) -> tuple[list[str], ast.expr | None]:
    if isinstance(statement, ast.Assign):
        names = [t.id for t in statement.targets if isinstance(t, ast.Name)]
        return names, statement.value
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id], statement.value
    return [], None


def _constants(tree: ast.Module) -> Iterator[Found]:
    """Module constants; a name that is stored again anywhere is a variable and no constant."""
    stored = Counter(
        node.id
        for node in _walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
    for statement in tree.body:
        names, value = _targets(statement)
        if len(names) == 1 and (names[0].isupper() or stored[names[0]] == 1):
            yield from _leaves(names[0], names[0], value)


def _classes(tree: ast.Module) -> Iterator[Found]:
    for node in _walk(tree):
        if isinstance(node, ast.ClassDef):
            for statement in node.body:
                names, value = _targets(statement)
                if len(names) == 1:
                    value = _field_default(value)
                    yield from _leaves(f"{node.name}.{names[0]}", names[0], value)


def _field_default(value: ast.expr | None) -> ast.expr | None:
    if isinstance(value, ast.Call) and _called(value) == "field":
        return next((k.value for k in value.keywords if k.arg == "default"), None)
    return value


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _arguments(tree: ast.Module) -> Iterator[Found]:
    for node in _walk(tree):
        if isinstance(node, ast.Call) and _called(node) == "add_argument" and node.args:
            flags = [a.value for a in node.args if isinstance(a, ast.Constant)]
            given = {k.arg: k.value for k in node.keywords}
            default = given.get("default")
            texts = [flag for flag in flags if isinstance(flag, str)]
            if texts and default is not None and _is_literal(default):
                name = max(texts, key=len)
                word = name.lstrip("-").replace("-", "_")
                yield name, word, default, _choices(given.get("choices"))


def _choices(node: ast.expr | None) -> tuple[Scalar, ...]:
    if isinstance(node, ast.List | ast.Tuple | ast.Set) and all(map(_is_literal, node.elts)):
        return tuple(literal(item) for item in node.elts)
    return ()


def _calls(tree: ast.Module) -> Iterator[Found]:
    for node in _walk(tree):
        if isinstance(node, ast.Call) and not PLUMBING.fullmatch(name := _called(node)):
            for keyword in node.keywords:
                if keyword.arg:
                    yield from _leaves(f"{name}({keyword.arg})", keyword.arg, keyword.value)


def _locals(tree: ast.Module) -> Iterator[Found]:
    for node in _walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for statement in node.body:
                names, value = _targets(statement)
                if len(names) == 1 and value is not None and _is_literal(value):
                    yield f"{node.name}.{names[0]}", names[0], value, ()


def _unique(sites: list[Site]) -> list[Site]:
    """Number the names that occur more than once, in order of appearance."""
    met: Counter[str] = Counter()
    named: list[Site] = []
    for site in sites:
        met[site.name] += 1
        many = met[site.name] > 1
        named.append(replace(site, name=f"{site.name}#{met[site.name]}") if many else site)
    return named
