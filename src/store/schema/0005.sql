-- Facts for the rollout: what happened to tickets, what was granted, what was found. A decision's customer is that of its ticket's
-- row, which never changes its customer: it needs no column of its own. Time entries are events of their kind.

-- How it came in: email, phone. No words.
ALTER TABLE tickets ADD COLUMN source TEXT;

-- The phase of its scope when it was decided, and whether it belongs to the blind sample; null in stores of before.
ALTER TABLE decisions ADD COLUMN phase TEXT;
ALTER TABLE decisions ADD COLUMN blind BIGINT;
-- The category that was decided, and whether board and type are both its own: none of them set by a person before.
ALTER TABLE decisions ADD COLUMN board TEXT;
ALTER TABLE decisions ADD COLUMN type TEXT;
ALTER TABLE decisions ADD COLUMN own BIGINT;
-- Who or what wrote the ticket.
ALTER TABLE decisions ADD COLUMN kind TEXT;
CREATE INDEX decisions_opened ON decisions ((COALESCE(opened_at, received_at)), seq);

ALTER TABLE outcomes ADD COLUMN first_response_basis TEXT;
ALTER TABLE outcomes ADD COLUMN acknowledged_at BIGINT;
ALTER TABLE outcomes ADD COLUMN tier BIGINT;
ALTER TABLE outcomes ADD COLUMN initial_labels TEXT;
ALTER TABLE outcomes ADD COLUMN initial_basis TEXT;
ALTER TABLE outcomes ADD COLUMN opened_by_technician BIGINT;
ALTER TABLE outcomes ADD COLUMN project BIGINT;
ALTER TABLE outcomes ADD COLUMN deleted BIGINT;
ALTER TABLE outcomes ADD COLUMN merged_into TEXT;
ALTER TABLE outcomes ADD COLUMN history_known BIGINT;
-- When the resolution was first reported, or the outcome, where no resolution was.
ALTER TABLE outcomes ADD COLUMN reported_at BIGINT;
-- The category that it ended with, out of the labels.
ALTER TABLE outcomes ADD COLUMN board TEXT;
ALTER TABLE outcomes ADD COLUMN type TEXT;

ALTER TABLE reviews ADD COLUMN opened_at BIGINT;
ALTER TABLE reviews ADD COLUMN active_seconds DOUBLE PRECISION;

ALTER TABLE actions ADD COLUMN done_at BIGINT;
-- On whose word, and in view of which grants; null in stores of before: a person's, and none.
ALTER TABLE actions ADD COLUMN origin TEXT;
ALTER TABLE actions ADD COLUMN epoch BIGINT;
ALTER TABLE actions ADD COLUMN psa_ref TEXT;
ALTER TABLE actions ADD COLUMN held_at BIGINT;
CREATE INDEX actions_held ON actions (held_at) WHERE state = 'held';

-- Whose own key it is; null for a machine's. A person has one that holds.
ALTER TABLE api_keys ADD COLUMN person TEXT;
CREATE UNIQUE INDEX api_keys_person ON api_keys (person) WHERE revoked_at IS NULL;

-- What happened to a ticket, as the PSA reports it. No words.
CREATE TABLE events (
    ticket_id TEXT NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    -- The PSA's id of it.
    psa_key TEXT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    -- Of a change: what was changed, from what, to what. Of a merge: into which ticket.
    changed TEXT,
    was TEXT,
    became TEXT,
    actor TEXT,
    actor_kind TEXT NOT NULL,
    visible BIGINT,
    automatic BIGINT,
    -- A hash of a message's text, as a signed number.
    text_key BIGINT,
    seconds DOUBLE PRECISION,
    -- Whether a key for all customers has told it.
    wide BIGINT NOT NULL,
    PRIMARY KEY (ticket_id, psa_key)
);

-- Below, a nonce makes a row's digest in the audit log say nothing to those who guess.
CREATE TABLE programmes (
    id IDENTITY,
    started_on TEXT NOT NULL,
    -- Customers, as JSON.
    pilots TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    nonce TEXT NOT NULL
);

CREATE TABLE criteria (
    version BIGINT PRIMARY KEY,
    text TEXT NOT NULL,
    sha TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    nonce TEXT NOT NULL
);

CREATE TABLE signatures (
    id IDENTITY,
    version BIGINT NOT NULL REFERENCES criteria (version),
    person TEXT NOT NULL,
    typed_name TEXT NOT NULL,
    role TEXT NOT NULL,
    at BIGINT NOT NULL,
    nonce TEXT NOT NULL,
    UNIQUE (version, person)
);

-- Grants, holds and releases in one sequence: the number of the last that concerns a scope is the scope's epoch. Rows are only ever
-- added; of a scope's grants the newest holds.
CREATE TABLE grants (
    epoch IDENTITY,
    kind TEXT NOT NULL,
    -- What it is about; null stands for all.
    customer TEXT,
    board TEXT,
    type TEXT,
    -- Of a grant.
    phase TEXT,
    threshold DOUBLE PRECISION,
    bundle TEXT,
    evidence_sha TEXT,
    -- Of a hold and its release: how far it goes; of a release: its hold.
    level TEXT,
    hold BIGINT,
    figures TEXT,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    nonce TEXT NOT NULL
);

CREATE TABLE incidents (
    id TEXT PRIMARY KEY,
    ticket_id TEXT NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    -- The ticket's newest decision then.
    decision_id TEXT NOT NULL REFERENCES decisions (id) ON DELETE CASCADE,
    action_id BIGINT,
    at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    decided_at BIGINT,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    sla_credit BIGINT NOT NULL,
    state TEXT NOT NULL,
    actor TEXT NOT NULL,
    -- Null when there is none, and when it was purged.
    reason TEXT
);
CREATE INDEX incidents_at ON incidents (at);
CREATE INDEX incidents_ticket ON incidents (ticket_id);
CREATE INDEX incidents_decision ON incidents (decision_id);

-- Figures of weeks that are over. Rows are only ever added; those of one customer go when it is forgotten.
CREATE TABLE weeks (
    -- A salted hash of scope, customer, week and state.
    id TEXT PRIMARY KEY,
    scope TEXT NOT NULL,
    customer TEXT,
    week TEXT NOT NULL,
    state TEXT NOT NULL,
    figures TEXT NOT NULL,
    sha TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    nonce TEXT NOT NULL
);
CREATE INDEX weeks_week ON weeks (week, scope);

CREATE TABLE verdicts (
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    gate TEXT NOT NULL,
    passed BIGINT NOT NULL,
    evidence_sha TEXT NOT NULL,
    figures TEXT NOT NULL,
    actor TEXT NOT NULL,
    nonce TEXT NOT NULL
);

-- What figures need of the tickets that came in on a UTC day, kept ready. Rows are made from the other tables when they are asked for,
-- and go when anything about their tickets changes: the table can be emptied at any time.
CREATE TABLE days (
    -- Days since 1970.
    day BIGINT PRIMARY KEY,
    block TEXT NOT NULL
);
