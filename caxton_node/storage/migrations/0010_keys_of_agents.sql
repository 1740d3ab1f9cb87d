-- What agents keep by way of the platform agents kv and ams: their own keys, and the timers that outlive a restart.

-- What each agent uses of its quota. The row stays when the last key goes, so that no version comes twice.
CREATE TABLE agent_key_accounts (
    agent   TEXT PRIMARY KEY,          -- tenant/name
    keys    INTEGER NOT NULL,          -- how many it has
    bytes   INTEGER NOT NULL,          -- of keys and values together
    version INTEGER NOT NULL           -- of its last write
) STRICT, WITHOUT ROWID;

-- The keys with their values.
CREATE TABLE agent_keys (
    agent           TEXT NOT NULL,     -- tenant/name
    key             TEXT NOT NULL,
    value           BLOB NOT NULL,     -- JSON as it was written
    version         INTEGER NOT NULL,  -- grows with each write of the agent
    changed_unix_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX agent_keys_by_name ON agent_keys (agent, key);

-- Timers that ring after a restart of the node, too.
CREATE TABLE agent_timers (
    agent       TEXT NOT NULL,         -- tenant/name
    id          TEXT NOT NULL,         -- its name for it
    due_unix_ms INTEGER NOT NULL,
    every_ms    INTEGER NOT NULL,      -- 0: it rings once
    request     BLOB NOT NULL,         -- the message that set it, whose conversation the answer belongs to
    PRIMARY KEY (agent, id)
) STRICT, WITHOUT ROWID;
