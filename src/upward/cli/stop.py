"""Ctrl-C as a question: a command ends at its next step, and cleans up."""

import signal
import sys
from types import FrameType


class Stop:
    """Turns the first Ctrl-C or SIGTERM into a question that the loop asks; a second one kills."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Stop":
        for name in (signal.SIGINT, signal.SIGTERM):
            self._before[name] = signal.signal(name, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for name, handler in self._before.items():
            signal.signal(name, handler)  # pyright: ignore[reportArgumentType]

    def _ask(self, number: int, _: FrameType | None) -> None:
        if self.asked:
            sys.exit(128 + number)
        self.asked = True
