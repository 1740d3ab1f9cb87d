-- Versions of registry entries that lost to one whose writer did not know of them: the report of a partition.
CREATE TABLE registry_conflicts (
    id               INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which this node noticed them
    kind             TEXT NOT NULL,                     -- of the entry: name, route, deployment, ...
    key              TEXT NOT NULL,
    loser_stamp      INTEGER NOT NULL,                  -- unix ms << 16 | count
    loser_origin     TEXT NOT NULL,                     -- node that wrote the version that is gone
    loser_digest     TEXT NOT NULL,                     -- of what it said; empty for a withdrawal
    loser_summary    TEXT NOT NULL,                     -- the same for people
    winner_stamp     INTEGER NOT NULL,
    winner_origin    TEXT NOT NULL,
    winner_digest    TEXT NOT NULL,
    winner_summary   TEXT NOT NULL,
    noticed_unix_ms  INTEGER NOT NULL,
    action           TEXT NOT NULL DEFAULT '',          -- what this node did about it; empty: nothing
    UNIQUE (kind, key, loser_stamp, loser_origin)
) STRICT;
CREATE INDEX registry_conflicts_by_stamp ON registry_conflicts (loser_stamp);
