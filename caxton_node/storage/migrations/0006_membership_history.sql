-- What a node remembers of its cluster: who counts for a majority, what happened to members, and past splits.

-- The book of who counts; a node that starts alone must know that it is not all of them.
CREATE TABLE agreed (
    node_id TEXT PRIMARY KEY,
    turn    INTEGER NOT NULL,                       -- how often this line has changed; the highest holds
    counts  INTEGER NOT NULL,                       -- 0: struck off
    settled INTEGER NOT NULL                        -- 1: everybody must have heard that it counts
) STRICT, WITHOUT ROWID;
-- A node that has run before counts itself and whom it saw within a day of the last one it saw.
INSERT INTO agreed SELECT CAST(value AS TEXT), 1, 1, 1 FROM cluster WHERE key = 'node';
INSERT OR IGNORE INTO agreed SELECT node_id, 1, 1, 1 FROM members
    WHERE seen_unix_ms >= (SELECT MAX(seen_unix_ms) FROM members) - 86400000;

-- The latest of what happened to members, and to this node's view of the cluster.
CREATE TABLE membership_events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of events on this node
    at_unix_ms  INTEGER NOT NULL,
    what        TEXT NOT NULL,                      -- joined, suspected, refuted, died, left, view, healed
    node_id     TEXT NOT NULL,                      -- whom it happened to
    epoch       INTEGER NOT NULL,                   -- in which of its lives
    incarnation INTEGER NOT NULL,
    address     TEXT NOT NULL,                      -- host:port; empty when it is about this node's view
    accusers    TEXT NOT NULL,                      -- JSON list of node ids
    detail      TEXT NOT NULL                       -- for people
) STRICT;
CREATE INDEX membership_events_by_time ON membership_events (at_unix_ms);

-- The latest splits that have healed.
CREATE TABLE partition_reports (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    ended_unix_ms INTEGER NOT NULL,
    report        TEXT NOT NULL                     -- JSON
) STRICT;
