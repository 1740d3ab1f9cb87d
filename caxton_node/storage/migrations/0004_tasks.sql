-- Contract Nets that this node has initiated, the latest of them.
CREATE TABLE tasks (
    seq               INTEGER PRIMARY KEY,          -- order of submission
    id                TEXT NOT NULL UNIQUE,         -- 16 hex digits
    state             TEXT NOT NULL,                -- as in the table of the lifecycle
    outcome           TEXT NOT NULL DEFAULT '',     -- how it ended
    summary           BLOB NOT NULL,                -- MessagePack: the line in a list
    record            BLOB NOT NULL,                -- MessagePack: everything
    submitted_unix_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX tasks_by_state ON tasks (state);
