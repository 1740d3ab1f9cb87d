-- What an agent's life leaves behind: why it failed, what happened to it, and its state for its successor.

-- Which instance of its version runs: raised by each reload, so that no two have one name.
ALTER TABLE agents ADD COLUMN number INTEGER NOT NULL DEFAULT 1;
-- JSON: kind, message, backtrace, message_id, at_unix_ms, reason; null while it never failed.
ALTER TABLE agents ADD COLUMN failure TEXT;

-- Every move of every agent, the latest of each.
CREATE TABLE agent_transitions (
    id         INTEGER PRIMARY KEY,                 -- order of events on this node
    agent      TEXT NOT NULL,                       -- tenant/name
    instance   TEXT NOT NULL,                       -- name#version.n@node
    source     TEXT NOT NULL,                       -- states and event as in the table of the lifecycle
    event      TEXT NOT NULL,
    target     TEXT NOT NULL,
    reason     TEXT NOT NULL DEFAULT '',            -- for people: a trap, an operator's command
    at_unix_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX agent_transitions_by_agent ON agent_transitions (agent, id);

-- What an instance left for the next one: its own checkpoint, or an image of its memory.
CREATE TABLE checkpoints (
    agent         TEXT PRIMARY KEY,                 -- tenant/name
    kind          TEXT NOT NULL CHECK (kind IN ('guest', 'image')),
    version       TEXT NOT NULL,                    -- of the agent that left it
    module_sha256 TEXT NOT NULL,                    -- of its module; an image fits no other
    data          BLOB NOT NULL,
    taken_unix_ms INTEGER NOT NULL
) STRICT;
