-- Messages that reached nobody, kept until somebody sends them again or drops them, or room is needed.

CREATE TABLE dead_letters (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,  -- what people type; never given twice on this node
    at_unix_us         INTEGER NOT NULL,            -- when it was given up
    reason             TEXT NOT NULL,               -- one word: no-such-agent, mailbox-full, trapped, ...
    detail             TEXT NOT NULL,               -- one sentence
    receiver           TEXT NOT NULL,               -- as addressed
    receiver_name      TEXT NOT NULL,               -- tenant/name of it, to search by
    sender             TEXT NOT NULL,               -- name@node; empty when nobody is known
    sender_name        TEXT NOT NULL,               -- tenant/name of it, to search by
    performative       TEXT NOT NULL,               -- its FIPA word
    conversation_id    TEXT NOT NULL,               -- empty when it has none
    message_id         BLOB NOT NULL,               -- 16 bytes; letters about one message share it
    size_bytes         INTEGER NOT NULL,            -- of the envelope
    sent_again         INTEGER NOT NULL DEFAULT 0,  -- how often somebody has sent it again
    sent_again_unix_ms INTEGER NOT NULL DEFAULT 0,  -- when it was last sent again; 0: never
    envelope           BLOB NOT NULL                -- last, so that the other columns are read without it
) STRICT;
-- Counts and sums by reason are answered from this index alone.
CREATE INDEX dead_letters_by_reason ON dead_letters (reason, size_bytes);
CREATE INDEX dead_letters_by_time ON dead_letters (at_unix_us);
