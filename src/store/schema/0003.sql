-- A row of `tickets` never changes its customer. A ticket that moves to another customer gets a row of its own there, and the row
-- that it had is closed. So whatever hangs on a row, decisions, drafts, reviews, outcomes and actions, is of one customer for ever,
-- and every filter goes by the row's own.

-- What its senders call the ticket. `id` is the store's own name of the row.
ALTER TABLE tickets ADD COLUMN number TEXT NOT NULL DEFAULT '';
UPDATE tickets SET number = id;
-- When the ticket left for another customer; from then on the row is closed.
ALTER TABLE tickets ADD COLUMN moved_at BIGINT;
-- Whether a key for all customers has sent it: its word on whose a ticket is stands above that of a key held to one.
ALTER TABLE tickets ADD COLUMN wide BIGINT NOT NULL DEFAULT 1;
-- When such a key sent it last.
ALTER TABLE tickets ADD COLUMN wide_at BIGINT;
UPDATE tickets SET wide_at = received_at;
CREATE UNIQUE INDEX tickets_number ON tickets (number, customer) WHERE moved_at IS NULL;

-- Who wrote the outcome last, and whether that key was for all customers.
ALTER TABLE outcomes ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE outcomes ADD COLUMN wide BIGINT NOT NULL DEFAULT 1;

-- What the guard found in the reviewer's own words, as JSON; null when it was purged. Who the reviewer says to be, beside the key.
ALTER TABLE reviews ADD COLUMN findings TEXT;
ALTER TABLE reviews ADD COLUMN claimed TEXT;

-- The key that holds an action, and how often each key has claimed it: no key uses up another's attempts.
ALTER TABLE actions ADD COLUMN actor TEXT;
CREATE TABLE action_claims (
    action_id BIGINT NOT NULL REFERENCES actions (id) ON DELETE CASCADE,
    actor TEXT NOT NULL,
    claims BIGINT NOT NULL,
    PRIMARY KEY (action_id, actor)
);
CREATE INDEX actions_claimable ON actions (id) WHERE state IN ('waiting', 'claimed', 'failed');
