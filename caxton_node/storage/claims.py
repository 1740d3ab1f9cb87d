"""What a database must not go on saying when it was put back or pieced together.

Some rows are true only together with others: with every row of another table, or with what happened since
they were written. A copy of them is not as good as they were, so they are given up, and the node learns or
makes them anew.
"""

from __future__ import annotations

import sqlite3

CLAIMS_OF_COMPLETENESS = frozenset({"registry_context"})
"""Tables that say of another that nothing is missing in it; what a salvage lost would pass for deleted.

`registry_context` tells the peers which writes `registry_entries` reflects. What lies below and is not there
was deleted, as they see it, and they delete it, too.
"""


def void_join_tokens(connection: sqlite3.Connection) -> int:
    """Remove the join tokens of a database that was put back; return how many there were.

    Since the backup they may have been used up, or made void because a node was revoked, and nothing else
    keeps a record of that. Making a new one is one command.
    """
    return connection.execute("DELETE FROM tokens WHERE kind = 'join'").rowcount
