"""The only place that joins concrete classes: from what a user asked for to a running study."""

from upward.wiring.check import open_check
from upward.wiring.machine import cores, software
from upward.wiring.pursuit import Opened, open_pursuit, reopen
from upward.wiring.workspace import ARM, Workspace, audit, open_workspace, write_report

__all__ = [
    "ARM",
    "Opened",
    "Workspace",
    "audit",
    "cores",
    "open_check",
    "open_pursuit",
    "open_workspace",
    "reopen",
    "software",
    "write_report",
]
