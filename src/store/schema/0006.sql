-- What figures need of the tickets that came in on a UTC day, kept ready. Rows are made from the other tables when they are asked for,
-- and go when anything about their tickets changes: the table can be emptied at any time.
CREATE TABLE days (
    -- Days since 1970.
    day BIGINT PRIMARY KEY,
    block TEXT NOT NULL
);
