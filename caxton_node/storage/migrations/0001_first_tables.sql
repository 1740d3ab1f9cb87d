-- The tables that a node starts with.
--
-- Times are UTC since 1970 in the unit of the column's name. JSON columns hold UTF-8 text. Names of agents are
-- always written with their tenant (tenant/name). STRICT keeps a wrong type from being stored silently.

-- What is deployed on this node; the agents package reads it at start and brings each back to its desired state.
CREATE TABLE agents (
    name             TEXT PRIMARY KEY,              -- tenant/name
    version          TEXT NOT NULL,                 -- as its manifest says, 1.0.0 and the like
    module_sha256    TEXT NOT NULL,                 -- hex; the file is modules/<sha256>.wasm in the data directory
    instances        INTEGER NOT NULL DEFAULT 1,    -- how many instances run at once
    limits           TEXT NOT NULL DEFAULT '{}',    -- JSON: memory, fuel, time and the other limits set at deployment
    config           TEXT NOT NULL DEFAULT '{}',    -- JSON: handed to the guest's caxton_init
    desired_state    TEXT NOT NULL,                 -- the state to return to after a restart (names.md, Agent)
    manifest         TEXT NOT NULL DEFAULT '{}',    -- JSON: the rest of the manifest as it was deployed
    deployed_unix_ms INTEGER NOT NULL,
    updated_unix_ms  INTEGER NOT NULL
) STRICT;

-- Modules that this node holds, content-addressed.
CREATE TABLE modules (
    sha256         TEXT PRIMARY KEY,                -- hex of the bytes
    size_bytes     INTEGER NOT NULL,
    imports        TEXT NOT NULL DEFAULT '[]',      -- JSON list of "module.name", as validation saw them
    stored_unix_ms INTEGER NOT NULL
) STRICT;

-- The durable copy of the distributed registry; the live one is in memory.
CREATE TABLE registry_entries (
    kind    TEXT NOT NULL,                          -- instance, capability, route, ...
    key     TEXT NOT NULL,
    value   BLOB NOT NULL,                          -- MessagePack; empty for a tombstone
    clock   BLOB NOT NULL,                          -- vector clock, MessagePack
    stamp   INTEGER NOT NULL,                       -- hybrid logical clock: unix ms << 16 | count
    origin  TEXT NOT NULL,                          -- node that wrote this version
    deleted INTEGER NOT NULL,                       -- 1: a tombstone
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

-- Accepted messages that were still waiting when the node stopped; restored to their mailboxes at start.
CREATE TABLE spooled_messages (
    id              INTEGER PRIMARY KEY,            -- order in the mailbox
    receiver        TEXT NOT NULL,                  -- agent name, or instance if the mailbox was an instance's
    envelope        BLOB NOT NULL,
    spooled_unix_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX spooled_messages_by_receiver ON spooled_messages (receiver, id);

-- The last view of the cluster: whom to ask first after a restart.
CREATE TABLE members (
    node_id      TEXT PRIMARY KEY,
    host         TEXT NOT NULL,
    port         INTEGER NOT NULL,
    state        TEXT NOT NULL,                     -- alive, suspect, dead, left
    incarnation  INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,                  -- that node's boot counter
    metadata     BLOB NOT NULL DEFAULT x'',
    seen_unix_ms INTEGER NOT NULL
) STRICT;

-- One row: how many times this node has started. Raised before the node speaks to anyone.
CREATE TABLE boot (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL
) STRICT;
INSERT INTO boot (id, epoch) VALUES (1, 0);

-- API and join tokens, by their hash; the text itself is shown once and never stored.
CREATE TABLE tokens (
    hash            TEXT PRIMARY KEY,               -- SHA-256 of the token's text, hex
    kind            TEXT NOT NULL CHECK (kind IN ('api', 'join')),
    name            TEXT NOT NULL,                  -- the client (api), or a note (join)
    role            TEXT NOT NULL,                  -- admin, operator, viewer; empty for join
    created_unix_s  INTEGER NOT NULL,
    expires_unix_s  INTEGER,                        -- null: never
    uses_left       INTEGER                         -- null: any number
) STRICT;

-- Whose database this is: `node` and `cluster`, written at the first start and compared at every other.
CREATE TABLE cluster (
    key   TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT;
