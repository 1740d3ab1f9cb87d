"""The node's one SQLite file: opened checked, written by one writer in groups, migrated forward only.

Start reading at `database.py`; `group_commit.py` is why thousands of durable writes per second are possible,
`integrity.py` is what happens before the first byte is written, `migrations/` is the schema, commented;
`ownership.py` keeps a second daemon out. `DESIGN.md` tells of backups, the change log, restoring and salvage,
and `service.py` is what a running node does of that.

It does not own any table's meaning: each package has a `store.py` with its own SQL.
"""

from caxton_node.storage.database import Database
from caxton_node.storage.errors import SchemaMismatch, StoreFailed, WriteRefused
from caxton_node.storage.group import Statement
from caxton_node.storage.group_commit import WriteCounts
from caxton_node.storage.ownership import owned

__all__ = [
    "Database",
    "SchemaMismatch",
    "Statement",
    "StoreFailed",
    "WriteCounts",
    "WriteRefused",
    "owned",
]
