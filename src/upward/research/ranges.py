"""What a literal's name, value and remark say about how it can be tuned, if at all."""

import ast
import re

from upward.core.errors import UnreadableSource
from upward.research.knob import Kind, Knob, Scalar, Scale, Site
from upward.research.literals import POWER, bool_sources, read_number, write_scalar

# Seeds are no knobs: another seed is another draw of the noise, not an improvement. The rest names
# places, devices, shapes of the data and what is printed. These words count anywhere in a name.
NEVER = re.compile(
    r"""seeds?|random_state|version|license|paths?|dir|folder|filename|url|devices?|dtype|debug
    |verbose|verbosity|wandb|num_workers|n_jobs|vocab|vocab_size|num_classes|n_classes|timeout
    |pin_memory|requires_grad|capture_output""",
    re.VERBOSE,
)
# These only as the whole name: LABEL_SMOOTHING, LOG_TARGET and ZERO_INIT are fine knobs.
ALONE = re.compile(
    r"""author|file|host|port|quiet|logs?|logging|log_(every|interval|freq|level|steps)|print|plot
    |name|title|labels?|description|help|prog|usage|encoding|mode|sep|end|flush|errors|newline
    |keepdims?|inplace|non_blocking|workers|classes|(is_)?causal|strict|check|text|shell|indent
    |sort_keys|ensure_ascii|exist_ok|parents|required|nargs|action|metavar|frozen|slots|kw_only
    |weights_only|map_location|pi|ignore_index|stacklevel|daemon|maxsize|unit|format|init|repr
    |order|return_\w+""",
    re.VERBOSE,
)
# And these only as keywords of a call, where they give a shape and not a size to choose.
SHAPE = re.compile(r"axis|axes|dims?|dim0|dim1|size|shape|start|stop|high|low")
FRACTION = re.compile(
    r"frac|fraction|ratio|dropout|drop|prob|probability|pct|percent|percentage|share|momentum"
    r"|portion|proportion|p|quantile|smoothing|alpha|subsample|mixup"
)
NEAR_ONE = re.compile(
    r"betas?|beta1|beta2|b1|b2|momentum|decay|ema|gamma|rho|avg|average|polyak|lambda|lam"
)
REMARK = re.compile(r"#(?:.*?\b(range|choices):|\s*(fixed)\b)\s*(.*)$")
NUMBER = r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
RANGE = re.compile(rf"({NUMBER})\s*\.\.\s*({NUMBER})")
FLOAT_SPREAD = 30.0
LARGE_SPREAD = 10.0
INT_SPREAD = 8.0


def make_knob(path: str, site: Site) -> Knob | None:
    """Return the knob that a literal is, or None where nobody should turn it.

    A remark at the line's end wins over everything that is inferred: ``# range: 1e-4..1e-1``,
    ``# choices: relu, gelu``, ``# fixed``.

    Raises:
        UnreadableSource: a remark that cannot be understood; it is not silently ignored.
    """
    remark, given = _remark(site)
    if remark == "fixed" or (not remark and _never(site)):
        return None
    if remark == "range":
        return _ranged(path, site, given)
    if remark == "choices":
        return _choice(path, site, _listed(path, site, given))
    return _inferred(path, site)


def _inferred(path: str, site: Site) -> Knob | None:
    if len(site.choices) > 1 and site.value in site.choices:
        texts = tuple(write_scalar(v, site.source, site.language) for v in site.choices)
        return _choice(path, site, texts)
    if isinstance(site.value, bool):
        return _knob(path, site, Kind.BOOL, choices=bool_sources(site.source, site.language))
    if isinstance(site.value, int):
        return _int(path, site, site.value)
    if isinstance(site.value, float):
        scale, low, high = float_range(site.value, words(site.word))
        return _knob(path, site, Kind.FLOAT, scale, low, high)
    return _knob(path, site, Kind.TEXT) if isinstance(site.value, str) else None


def words(name: str) -> frozenset[str]:
    """Split a name into its lower-case words, and keep the whole of it too.

    Example:
        >>> sorted(words("warmupFrac")), sorted(words("ADAM_BETA2"))
        (['frac', 'warmup', 'warmupfrac'], ['adam', 'adam_beta2', 'beta2'])
    """
    plain = re.sub(r"\[.*?\]", "", name)
    parts = re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+", plain)
    return frozenset(part.lower() for part in parts) | {plain.lower()}


def float_range(value: float, name: frozenset[str]) -> tuple[Scale, float, float]:
    """Infer scale and range of a float from its value and the words of its name.

    Returns:
        Scale, lowest and highest value; the value lies between them.
    """
    if 0.5 <= value < 1.0 and _meets(name, NEAR_ONE):
        rest = 1.0 - value
        return Scale.COLOG, min(value, 1.0 - min(0.5, rest * 30.0)), 1.0 - rest / 30.0
    if 0.0 <= value <= 1.0 and _meets(name, FRACTION):
        return Scale.LINEAR, 0.0, 1.0 if value == 1.0 else max(0.95, value)
    if value == 0.0:
        return Scale.LINEAR, 0.0, 1.0
    if value < 0.0:
        return Scale.LINEAR, 3.0 * value, -value
    spread = FLOAT_SPREAD if value < 1.0 else LARGE_SPREAD
    return Scale.LOG, value / spread, value * spread


def _int(path: str, site: Site, value: int) -> Knob | None:
    if value < 0 or value > 10**12:
        return None
    if value == 0:
        return _knob(path, site, Kind.INT, Scale.LINEAR, 0.0, 10.0)
    low, high = max(1.0, value // INT_SPREAD), max(4.0, value * INT_SPREAD)
    if value > 1 and value & (value - 1) == 0 and POWER.fullmatch(site.source):
        low = max(2.0, low)
    return _knob(path, site, Kind.INT, Scale.LOG, low, high)


def _never(site: Site) -> bool:
    name = site.name.rpartition(".")[2]
    if site.word.startswith("_") or name.startswith("_"):
        return True
    word = site.word.lower()
    shape = "(" in site.name and SHAPE.fullmatch(word)
    return bool(shape or ALONE.fullmatch(word)) or _meets(words(site.word), NEVER)


def _meets(name: frozenset[str], pattern: re.Pattern[str]) -> bool:
    return any(pattern.fullmatch(word) for word in name)


def _remark(site: Site) -> tuple[str, str]:
    found = REMARK.search(site.remark)
    if not found or (found.group(1) == "range" and ".." not in found.group(3)):
        return "", ""  # an ordinary comment
    return found.group(1) or found.group(2), found.group(3).strip()


def _ranged(path: str, site: Site, given: str) -> Knob | None:
    if isinstance(site.value, bool) or not isinstance(site.value, int | float):
        raise UnreadableSource(path, site.line, f"a range for {site.name}, which is no number")
    found = RANGE.match(given)
    low, high = (read_number(text) for text in found.groups()) if found else (None, None)
    if low is None or high is None or low >= high:
        raise UnreadableSource(path, site.line, "a range is written as `# range: low..high`")
    kind = Kind.INT if isinstance(site.value, int) else Kind.FLOAT
    scale = Scale.LOG if low > 0 and high / low >= 8 and site.value > 0 else Scale.LINEAR
    return _knob(path, site, kind, scale, float(low), float(high))


def _listed(path: str, site: Site, given: str) -> tuple[str, ...]:
    texts = [text.strip() for text in given.split(",") if text.strip()]
    choices = tuple(dict.fromkeys(_like(text, site) for text in texts))
    if len(choices) < 2:
        raise UnreadableSource(path, site.line, "choices are written as `# choices: a, b, c`")
    return choices


def _like(text: str, site: Site) -> str:
    """Write one listed choice as the source would: a bare word is text where text stands."""
    value: Scalar = text
    try:
        read = ast.literal_eval(text)
        value = read if read is None or isinstance(read, bool | int | float | str) else text
    except (ValueError, SyntaxError):
        pass
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (
            text
            if not isinstance(site.value, str)
            else write_scalar(text, site.source, site.language)
        )
    return write_scalar(value, site.source, site.language)


def _choice(path: str, site: Site, choices: tuple[str, ...]) -> Knob:
    if site.source not in choices:
        choices = (site.source, *(c for c in choices if not _same(c, site)))
    return _knob(path, site, Kind.CHOICE, choices=choices)


def _same(text: str, site: Site) -> bool:
    if isinstance(site.value, str):
        return text.strip("\"'") == site.value
    return read_number(text) == site.value and not isinstance(site.value, bool)


def _knob(
    path: str,
    site: Site,
    kind: Kind,
    scale: Scale | None = None,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Knob:
    return Knob(
        path,
        site.name,
        kind,
        site.value,
        site.source,
        site.line,
        site.start,
        site.end,
        scale,
        low,
        high,
        choices,
    )
