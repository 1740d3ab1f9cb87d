"""Write the table of README.md anew: `python -m tests.integration.runtime.hostile`."""

from __future__ import annotations

from tests.integration.runtime.hostile.suite import README, TABLE_MARK, table

if __name__ == "__main__":
    head = README.read_text().partition(TABLE_MARK)[0]
    README.write_text(head + TABLE_MARK + table())
