-- What REST answered to requests with an idempotency key, so that the same request is not done twice.

CREATE TABLE rest_reply (
    principal    TEXT NOT NULL,     -- who asked; keys of different callers have nothing to do with each other
    key          TEXT NOT NULL,     -- as the header had it
    request      BLOB NOT NULL,     -- SHA-256 of verb, path, query and body
    begun_unix_s INTEGER NOT NULL,
    status       INTEGER NOT NULL,  -- of the answer; 0: there is none yet
    content_type TEXT NOT NULL,
    body         BLOB NOT NULL,     -- empty beside a status: it was too large
    PRIMARY KEY (principal, key)
) STRICT;
CREATE INDEX rest_reply_by_age ON rest_reply (begun_unix_s);
