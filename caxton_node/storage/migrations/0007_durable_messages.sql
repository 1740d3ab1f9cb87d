-- Messages that must survive the death of a node: those that nobody has handled yet, and those that were handled here.

-- What agents and clients of this node sent; a row goes when its receiver's node says that it was handled, or refused.
CREATE TABLE durable_outbox (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of sending
    copy            BLOB NOT NULL UNIQUE,               -- 16 bytes: which message, to which receiver
    expires_unix_ms INTEGER NOT NULL,                   -- when it is given up
    envelope        BLOB NOT NULL
) STRICT;

-- What was handled here, or refused for good, and came from another node: it is not handled again.
CREATE TABLE durable_handled (
    copy               BLOB PRIMARY KEY,
    origin             TEXT NOT NULL,                   -- the node that keeps it until it knows
    keep_until_unix_ms INTEGER NOT NULL                 -- nobody sends it any more then
) STRICT, WITHOUT ROWID;
CREATE INDEX durable_handled_by_age ON durable_handled (keep_until_unix_ms);
