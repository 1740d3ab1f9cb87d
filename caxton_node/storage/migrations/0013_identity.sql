-- API keys that were revoked: kept after the key itself is gone, so that no older copy of it comes back.
CREATE TABLE revoked_tokens (
    hash           TEXT PRIMARY KEY,                -- SHA-256 of the key's text, hex
    revoked_unix_s INTEGER NOT NULL,
    forget_unix_s  INTEGER NOT NULL                 -- when it would have expired, or a year after it was revoked
) STRICT;
