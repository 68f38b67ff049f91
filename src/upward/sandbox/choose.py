"""The best sandbox that really works here."""

import shutil
from functools import lru_cache

from upward.core.ports import Sandbox
from upward.core.records import Isolation
from upward.sandbox.bubblewrap import Bubblewrap
from upward.sandbox.plain import PlainProcess
from upward.sandbox.probe import ADVICE


@lru_cache(maxsize=1)
def tried() -> Isolation:
    """What bubblewrap really holds here, from trying it once."""
    if shutil.which("bwrap") is None:
        reason = f"bubblewrap is not installed. {ADVICE}"
        return Isolation("bubblewrap", isolated=False, holds={}, advice=reason)
    return Bubblewrap().probe()


def best_sandbox() -> Sandbox:
    """Return a new sandbox: bubblewrap where a real start shows that it isolates, else none.

    It never falls back silently: the plain one reports `isolated=False` with what to do.
    """
    found = tried()
    if found.isolated:
        return Bubblewrap(found)
    broken = [name for name, held in found.holds.items() if not held]
    reason = f"bubblewrap does not hold here: {', '.join(broken)}. " if broken else ""
    return PlainProcess(reason + found.advice)
