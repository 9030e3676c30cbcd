-- Acting alone.

-- From which confidence on each thing that is certified there may be done alone, as JSON; null in grants of before.
ALTER TABLE grants ADD COLUMN thresholds TEXT;
-- Of a hold: what fired, so that the same never fires twice.
ALTER TABLE grants ADD COLUMN trigger_key TEXT;
CREATE UNIQUE INDEX grants_trigger ON grants (trigger_key) WHERE trigger_key IS NOT NULL;

-- What became of a decision that stands where Firstline may act alone, as JSON: what it does, or why a person decides. Null where
-- nobody has looked.
ALTER TABLE decisions ADD COLUMN acting TEXT;
CREATE INDEX decisions_to_act ON decisions (seq) WHERE route = 'auto' AND acting IS NULL;
CREATE INDEX actions_alone ON actions (created_at) WHERE origin = 'auto';

-- What came of an action that an automation was asked to do, as JSON.
ALTER TABLE actions ADD COLUMN result TEXT;

-- How what a customer wrote after a reply was read. No words.
CREATE TABLE answers (
    ticket_id TEXT NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    -- A hash of the message.
    message_key TEXT NOT NULL,
    at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    said TEXT NOT NULL,
    language TEXT,
    confidence DOUBLE PRECISION,
    PRIMARY KEY (ticket_id, message_key)
);

-- Lanes that work on one replica at a time: who has each, until when.
CREATE TABLE lanes (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    until BIGINT NOT NULL
);
