-- What a node that stops in good order was in the middle of, so that protocols go on after its next start.

-- Conversations in which a protocol expects something; the latest of them. Empty while the node runs.
CREATE TABLE conversations (
    id     TEXT PRIMARY KEY,
    record BLOB NOT NULL                            -- MessagePack array: who, trace, counts, and how far each course is
) STRICT, WITHOUT ROWID;

-- Requests of agents here to agents here whose deadline has not passed. Empty while the node runs.
CREATE TABLE open_requests (
    id       INTEGER PRIMARY KEY,                   -- order in which they were made
    envelope BLOB NOT NULL                          -- as sent, without content, to the one who is to answer
) STRICT;

-- One row from a stop in good order until the next start; none while the node runs, so none after a crash either.
CREATE TABLE last_stop (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    at_unix_ms INTEGER NOT NULL,
    forgotten  INTEGER NOT NULL                     -- open conversations for which there was no room
) STRICT;
-- A node that has never run has nothing to remember.
INSERT INTO last_stop (id, at_unix_ms, forgotten) SELECT 1, 0, 0 FROM boot WHERE epoch = 0;

-- 0: it never had a receiver, so its conversation was not told of it yet.
ALTER TABLE spooled_messages ADD COLUMN is_followed INTEGER NOT NULL DEFAULT 1;
