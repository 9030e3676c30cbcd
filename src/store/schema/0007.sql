-- How far connections to service desks have come, and which process runs each. No words, no customers.
CREATE TABLE connections (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    cursor TEXT,
    updated_at BIGINT NOT NULL
);
