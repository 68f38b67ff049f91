"""Markup that is safe by construction: whatever is not markup already is escaped on the way in."""

import html
import json
from collections.abc import Iterable

from upward.report.text import safe_text

CONTENT_LIMIT = 4_000
VOID = frozenset({"meta", "br", "hr", "input", "col"})
DRAWN = frozenset({"path", "circle", "rect", "line", "polygon"})


class Html(str):
    """Finished markup; the only text that is passed on as it is."""

    __slots__ = ()


Attribute = str | float | bool | None


def el(name: str, /, *children: str | None, **attributes: Attribute) -> Html:
    """Return one element with its children.

    Args:
        name: name of the element; never from outside.
        children: markup as it is, other text escaped, None left out.
        attributes: ``cls`` is ``class``, a trailing ``_`` is dropped, other ``_`` become ``-``;
            None and False are left out, True stands without a value.

    Example:
        >>> el("p", "1 < 2", el("br"), cls="note")
        '<p class="note">1 &lt; 2<br></p>'
    """
    inside = "".join(_child(child) for child in children if child is not None)
    opening = name + "".join(_attribute(k, v) for k, v in attributes.items())
    if name in VOID:
        return Html(f"<{opening}>")
    if name in DRAWN and not inside:
        return Html(f"<{opening}/>")
    return Html(f"<{opening}>{inside}</{name}>")


def join(parts: Iterable[str], between: str = "") -> Html:
    """Put parts beside each other; text among them is escaped."""
    return Html(_child(between).join(_child(part) for part in parts))


def verbatim(text: str) -> Html:
    """Escape text that was cleaned already, and keep every space and line break in it."""
    return Html(html.escape(text, quote=True))


def json_attribute(value: object) -> Html:
    """Return a value as JSON that can stand in an attribute."""
    return Html(html.escape(json.dumps(value, separators=(",", ":"), allow_nan=False)))


def _child(child: str) -> str:
    return child if isinstance(child, Html) else safe_spaced(child)


def safe_spaced(text: str) -> str:
    """Escape text without losing a space at either end, where sentences are joined."""
    inside = safe_text(text, CONTENT_LIMIT)
    if not inside:
        return " " if text.isspace() else ""
    return f"{' ' * text[0].isspace()}{inside}{' ' * text[-1].isspace()}"


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = "class" if name == "cls" else name.removesuffix("_").replace("_", "-")
    if value is True:
        return f" {name}"
    if isinstance(value, Html):
        return f' {name}="{value}"'
    if isinstance(value, str):
        return f' {name}="{safe_text(value, CONTENT_LIMIT)}"'
    return f' {name}="{coordinate(value)}"'


def coordinate(value: float) -> str:
    """Write a coordinate as short as a tenth of a pixel allows.

    Example:
        >>> coordinate(12.0), coordinate(3.14159), coordinate(-0.04)
        ('12', '3.1', '0')
    """
    text = f"{value:.1f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
