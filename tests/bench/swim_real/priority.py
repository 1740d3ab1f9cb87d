"""Lets what is measured have the processor before its neighbours, where that is allowed.

Many members on few cores that others use as well are starved, and a starved detector shows the faults of the
machine and not its own: memberlist then suspects members by the hundred without any loss.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

FIRST = -19


def prefer(pid: int) -> None:
    """Prefer a process that was started in a session of its own just now."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, pid, FIRST)
    with suppress(PermissionError, FileNotFoundError):  # where sessions share the processor as groups
        Path(f"/proc/{pid}/autogroup").write_text(str(FIRST))
