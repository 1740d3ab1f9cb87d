-- How far the change log is, so that the log and the database can be compared after a crash.

-- One row. A database that was written to without its log moves on by two, so that the gap is seen.
CREATE TABLE change_log (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL                       -- of the last group of writes that was logged; 0: none ever was
) STRICT;
INSERT INTO change_log (id, sequence) VALUES (1, 0);
