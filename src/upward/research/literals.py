"""Literals as their author would write them: a new value in the style of the old source."""

import ast
import json
import math
import re
from decimal import Decimal
from functools import lru_cache

from upward.research.knob import Knob, Scalar, Scale

POWER = re.compile(r"(2\s*\*\*\s*|1\s*<<\s*)(\d{1,2})")
FLOAT_WORD = re.compile(r"[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d+)")
YAML_BOOLS = (("true", "false"), ("yes", "no"), ("on", "off"))
MAX_DIGITS = 17


@lru_cache(maxsize=4096)
def read_number(source: str) -> int | float | None:
    """Return the number that a literal of any of the supported languages stands for.

    Example:
        >>> read_number("2**4"), read_number("1_000"), read_number("3e-4"), read_number("x")
        (16, 1000, 0.0003, None)
    """
    power = POWER.fullmatch(source)
    if power:
        return 1 << int(power.group(2))
    try:
        value = ast.literal_eval(source.lstrip("+"))
    except (ValueError, SyntaxError):
        return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def write_number(knob: Knob, value: float) -> str:
    """Write a value in the knob's style, as short as possible, and inside its range.

    Few digits are enough for a person to read; more are used only where rounding would leave
    the range or give the old value back.

    Returns:
        Source text; equal in value to the old only if no other value is possible.
    """
    low, high = knob.low or 0.0, knob.high or 0.0
    value = min(max(value, low), high)
    if isinstance(knob.value, int):
        return _write_int(knob.source, _whole(value, low, high))
    for digits in range(2, MAX_DIGITS + 1):
        text = _write_float(knob, value, digits)
        number = float(text)
        if low <= number <= high and (number != knob.value or value == knob.value):
            return text
    return knob.source


def _whole(value: float, low: float, high: float) -> int:
    return min(max(round(value), math.ceil(low)), math.floor(high))


def _write_int(source: str, value: int) -> str:
    power = POWER.fullmatch(source)
    if power and value > 0:
        return f"{power.group(1)}{round(math.log2(value))}"
    if source[:2].lower() == "0x":
        return f"0x{value:x}"
    return f"{value:_}" if "_" in source else str(value)


def _write_float(knob: Knob, value: float, digits: int) -> str:
    if knob.scale is Scale.COLOG and value < 1.0:
        rest = Decimal(f"{1.0 - value:.{digits - 1}e}")
        return f"{(1 - rest).normalize():f}"
    exponent = re.search(r"([eE])([+-]?)(0?)\d", knob.source)
    if exponent:
        return _scientific(value, digits, exponent, dotted="." in knob.source)
    text = f"{Decimal(f'{value:.{digits - 1}e}').normalize():f}"
    text = text if "." in text else f"{text}.0"
    return text[1:] if knob.source.startswith(".") and text.startswith("0.") else text


def _scientific(value: float, digits: int, style: re.Match[str], *, dotted: bool) -> str:
    mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    if dotted and "." not in mantissa:
        mantissa += ".0"
    number = int(power)
    sign = "-" if number < 0 else ("+" if style.group(2) == "+" else "")
    return f"{mantissa}{style.group(1)}{sign}{style.group(3)}{abs(number)}"


def write_scalar(value: Scalar, like: str, language: str) -> str:
    """Write a value of a choice in the style of the source that it replaces.

    Args:
        value: the new value.
        like: source text of the old value, for its quotes.
        language: ``python``, ``toml``, ``yaml`` or ``json``.
    """
    if value is None:
        return "None" if language == "python" else "null"
    if isinstance(value, bool):
        return str(value) if language == "python" else str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return _write_text(value, like, language)


def _write_text(value: str, like: str, language: str) -> str:
    quote = like[:1] if like[:1] in ("'", '"') else ""
    plain = value.isprintable() and not set(value) & {"'", '"', "\\"}
    if quote and plain:
        return f"{quote}{value}{quote}"
    if language == "yaml" and not quote and re.fullmatch(r"[A-Za-z][\w.-]*", value):
        return value
    return repr(value) if language == "python" else json.dumps(value)


def bool_sources(source: str, language: str) -> tuple[str, str]:
    """Return how yes and no are written here, in the spelling of the source.

    Example:
        >>> bool_sources("Yes", "yaml")
        ('Yes', 'No')
    """
    if language == "python":
        return "True", "False"
    for pair in YAML_BOOLS:
        if source.lower() in pair:
            return _case(pair[0], source), _case(pair[1], source)
    return "true", "false"


def _case(word: str, like: str) -> str:
    if like.isupper():
        return word.upper()
    return word.capitalize() if like[:1].isupper() else word
