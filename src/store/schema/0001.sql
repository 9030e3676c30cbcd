-- Times are microseconds since 1970, truth is 0 or 1, JSON is text. IDENTITY is put in by the engine.

-- What is locked when something is put on record: audit entries follow on one another.
INSERT INTO meta (name, setting) VALUES ('head', '');
INSERT INTO meta (name, setting) VALUES ('ping', '');

CREATE TABLE tickets (
    id TEXT PRIMARY KEY,
    customer TEXT NOT NULL,
    -- The newest text; null when it was purged.
    ticket TEXT,
    received_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    -- The newest decision.
    decision_id TEXT NOT NULL
);
CREATE INDEX tickets_customer ON tickets (customer);
CREATE INDEX tickets_received ON tickets (received_at) WHERE ticket IS NOT NULL;

CREATE TABLE decisions (
    seq IDENTITY,
    id TEXT NOT NULL UNIQUE,
    ticket_id TEXT NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    opened_at BIGINT,
    input_hash TEXT NOT NULL,
    bundle TEXT NOT NULL,
    decision TEXT NOT NULL,
    route TEXT NOT NULL,
    storm TEXT,
    collapsed_into TEXT,
    draft_state TEXT NOT NULL,
    -- Whether one was ever asked for.
    draft_asked BIGINT NOT NULL,
    -- Null until it is written, and when it was purged.
    draft TEXT,
    draft_confidence DOUBLE PRECISION,
    drafted_at BIGINT,
    version BIGINT NOT NULL
);
CREATE INDEX decisions_ticket ON decisions (ticket_id);
CREATE INDEX decisions_state ON decisions (draft_state, seq);
CREATE INDEX decisions_storm ON decisions (storm, at) WHERE storm IS NOT NULL;
CREATE INDEX decisions_received ON decisions (received_at);

CREATE TABLE reviews (
    decision_id TEXT PRIMARY KEY REFERENCES decisions (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    -- Hash of verdict and fields: what makes the same key the same review.
    digest TEXT NOT NULL,
    -- Null when it was purged.
    verdict TEXT,
    distance DOUBLE PRECISION NOT NULL,
    UNIQUE (actor, idempotency_key)
);

CREATE TABLE outcomes (
    ticket_id TEXT PRIMARY KEY REFERENCES tickets (id) ON DELETE CASCADE,
    -- The decision that is judged by it.
    decision_id TEXT NOT NULL REFERENCES decisions (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    labels TEXT NOT NULL,
    -- A JSON string; null when there is none, and when it was purged.
    reply TEXT,
    first_response_at BIGINT,
    resolved_at BIGINT,
    reopened BIGINT,
    customer_visible_error BIGINT,
    handle_seconds DOUBLE PRECISION,
    distance DOUBLE PRECISION,
    source TEXT NOT NULL
);
CREATE INDEX outcomes_decision ON outcomes (decision_id);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    total BIGINT NOT NULL,
    done BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    drafts BIGINT NOT NULL,
    actor TEXT NOT NULL,
    idempotency_key TEXT,
    -- Hash of what was asked: what makes the same key the same job.
    digest TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (actor, idempotency_key)
);

-- Items of jobs, which stay, and drafts to be written, which go when they are.
CREATE TABLE work (
    id IDENTITY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    owner TEXT,
    lease_until BIGINT,
    attempts BIGINT NOT NULL DEFAULT 0,
    actor TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    job TEXT REFERENCES jobs (id) ON DELETE CASCADE,
    place BIGINT,
    customer TEXT,
    -- Null but for items that are still to be decided.
    ticket TEXT,
    -- What is to be drafted; what the item became.
    decision_id TEXT REFERENCES decisions (id) ON DELETE SET NULL,
    fault TEXT
);
CREATE UNIQUE INDEX work_job ON work (job, place);
CREATE INDEX work_decision ON work (decision_id);
CREATE INDEX work_customer ON work (customer) WHERE customer IS NOT NULL;
CREATE INDEX work_open ON work (kind, id) WHERE state IN ('waiting', 'claimed');
CREATE INDEX work_worn ON work (kind) WHERE state IN ('waiting', 'claimed') AND attempts >= 20;
CREATE INDEX work_owner ON work (owner) WHERE owner IS NOT NULL;

CREATE TABLE actions (
    id IDENTITY,
    kind TEXT NOT NULL,
    ticket_id TEXT NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    decision_id TEXT NOT NULL REFERENCES decisions (id) ON DELETE CASCADE,
    -- Null when it was purged.
    payload TEXT,
    idempotency_key TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    owner TEXT,
    lease_until BIGINT,
    attempts BIGINT NOT NULL DEFAULT 0,
    most BIGINT,
    not_before BIGINT NOT NULL,
    fault TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX actions_open ON actions (id) WHERE state IN ('waiting', 'claimed');
CREATE INDEX actions_owner ON actions (owner) WHERE owner IS NOT NULL;
CREATE INDEX actions_ticket ON actions (ticket_id, id);
CREATE INDEX actions_decision ON actions (decision_id);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    customers TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

CREATE TABLE audit_log (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);
