"""The real clock."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Adapter of the port `Clock`: this machine's time."""

    def now(self) -> str:
        """UTC time, ISO 8601 to the millisecond, with a ``Z`` at its end."""
        return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def monotonic_s(self) -> float:
        """Seconds that only go up, whatever happens to the wall clock."""
        return time.monotonic()
