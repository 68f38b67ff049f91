"""Text and numbers for people: hostile text made harmless, numbers with sensible digits."""

import html
import math
import re
import unicodedata
from datetime import UTC, datetime

from upward.stats import say

LIMIT = 400
ANSI = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -~]?)|\x9b[0-?]*[@-~]"
)
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
SPACES = frozenset({"Zl", "Zp"})
MINUS = "\N{MINUS SIGN}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def safe_text(text: str, limit: int = LIMIT, *, lines: bool = False) -> str:
    """Make text from a candidate, a researcher or a log harmless in markup and in attributes.

    For element content and for attribute values between double quotes. Not for scripts, styles
    or addresses: such text has no business there, however it is escaped.

    Args:
        text: anything.
        limit: longest result before escaping, characters.
        lines: whether line breaks and tabs stay; otherwise they become one space.

    Returns:
        The cleaned text (see `clean`) with ``& < > " '`` escaped.

    Example:
        >>> safe_text("<script>" + chr(27) + "[31mred")
        '&lt;script&gt;red'
    """
    return html.escape(clean(text, limit, lines=lines), quote=True)


def clean(text: str, limit: int = LIMIT, *, lines: bool = False) -> str:
    """Drop terminal escapes, control, bidirectional and invisible characters, and cut the rest.

    Returns:
        At most `limit` characters; an ellipsis stands where something was cut.
    """
    cut = len(text) > 4 * limit
    text = text[: 4 * limit]
    if not (text.isascii() and text.isprintable()):
        text = _printable(ANSI.sub("", text), lines=lines)
    if not lines:
        text = " ".join(text.split())
    if len(text) > limit or cut:
        return text[: max(0, limit - 1)].rstrip() + ELLIPSIS
    return text


def tail(text: str, limit: int = LIMIT) -> str:
    """Return the cleaned end of a log, line by line, where the cause usually stands."""
    kept = clean(text[-limit:], limit, lines=True).strip()
    return (ELLIPSIS + kept) if len(text) > limit else kept


def reveal(text: str, limit: int) -> str:
    """Clean program text so that what could mislead a reader is shown instead of dropped.

    An invisible or bidirectional character in source can make a diff read as something that it
    is not; here it appears as its code point.
    """
    shown = "".join(_revealed(char) for char in text[: limit + 1])
    return clean(shown, limit, lines=True)


def _revealed(char: str) -> str:
    if char in "\n\t" or unicodedata.category(char) not in HIDDEN:
        return char
    return f"\u2039U+{ord(char):04X}\u203a"


def _printable(text: str, *, lines: bool) -> str:
    kept = list[str]()
    marks = 0
    for char in text.replace("\r\n", "\n"):
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > 2:
            continue  # a tower of accents that would cover its neighbours
        if char in "\n\t":
            kept.append(char if lines else " ")
        elif category in SPACES:
            kept.append("\n" if lines else " ")
        elif category not in HIDDEN:
            kept.append(char)
    return "".join(kept)


# -- numbers -----------------------------------------------------------------------------------


def decimals_for(spread: float, most: int = 8) -> int:
    """How many decimals two significant digits of a spread need.

    Example:
        >>> decimals_for(0.0123), decimals_for(4.0), decimals_for(250.0)
        (3, 1, 0)
    """
    if not (math.isfinite(spread) and spread > 0):
        return 3
    return min(most, max(0, 1 - math.floor(math.log10(spread))))


def number(value: float, decimals: int | None = None) -> str:
    """Write a number: fixed decimals, thousands apart, a real minus sign.

    Without `decimals`, up to eight significant digits, as many as are needed.

    Example:
        >>> number(12345.678, 1), number(2.5), number(3e-9, 3)
        ('12,345.7', '2.5', '3e-09')
    """
    if not math.isfinite(value):
        return "unknown"
    size = abs(value)
    if decimals is None:
        text = f"{value:.8g}" if 1e-4 <= size < 1e7 or size == 0 else f"{value:.3g}"
    elif size >= 1e9 or 0 < size < 10.0**-decimals / 2:
        text = f"{value:.2g}"
    else:
        text = f"{value:,.{decimals}f}"
    return text.replace("-", MINUS, 1) if text.startswith("-") else text


def signed(value: float, decimals: int | None = None) -> str:
    """Write a number that always carries its sign."""
    text = number(value, decimals)
    return text if text.startswith(MINUS) or value == 0 else f"+{text}"


def percent(share: float) -> str:
    """Write a share as a percentage with about three significant digits, never broken in two.

    Example:
        >>> [percent(share).split() for share in (0.1193, 0.00042, 1.5)]
        [['11.9', '%'], ['0.042', '%'], ['150', '%']]
    """
    value = 100.0 * share
    decimals = 1 if 1 <= abs(value) < 100 else 0 if abs(value) >= 100 else decimals_for(abs(value))
    return f"{number(value, min(decimals, 4))}\N{NO-BREAK SPACE}%"


def count(number_of: int, word: str, plural: str = "") -> str:
    """Write a count with its noun.

    Example:
        >>> count(1, "trial"), count(2000, "trial"), count(0, "study", "studies")
        ('1 trial', '2,000 trials', '0 studies')
    """
    return f"{number_of:,} {word if number_of == 1 else plural or word + 's'}"


def seconds(value: float) -> str:
    """Write a duration in the unit that people would choose.

    Example:
        >>> seconds(0.42), seconds(90), seconds(3600), seconds(200_000)
        ('0.42 s', '1.5 min', '60 min', '2.3 days')
    """
    for unit, size, least in (("days", 86_400.0, 2.0), ("h", 3_600.0, 1.5), ("min", 60.0, 1.2)):
        if value >= least * size:
            share = value / size
            return f"{number(share, 1 if share < 10 else 0)} {unit}"
    return f"{number(value, 2 if value < 1 else 1 if value < 10 else 0)} s"


def odds(evidence: float) -> str:
    """Write an e-value as odds against "no gain", rounded down.

    Example:
        >>> odds(38.9), odds(0.031), odds(4e9)
        ('38 to 1', 'under 0.1 to 1', 'over a million to 1')
    """
    return f"{say.odds(evidence)} to 1"


def moment(at: str) -> datetime | None:
    """Parse a UTC time of the ledger; None for anything else."""
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def day_and_time(at: str) -> str:
    """Write a UTC time of the ledger for people, without the seconds."""
    found = moment(at)
    return clean(at, 40) if found is None else f"{found:%d %b %Y, %H:%M} UTC".lstrip("0")
