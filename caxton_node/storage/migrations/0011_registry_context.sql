-- What this node has seen of everybody's writes to the registry, so that what was deleted while it was away
-- can be told from what is new.

CREATE TABLE registry_context (
    node  TEXT PRIMARY KEY,                         -- a node that has written, or is a member
    stamp INTEGER NOT NULL                          -- all that it wrote up to this stamp is reflected in registry_entries
) STRICT;
