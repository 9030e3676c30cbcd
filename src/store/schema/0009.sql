-- People who sign in, and the sessions that they have open.

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- What pages show.
    display TEXT NOT NULL,
    -- Argon2id, a PHC string; null before the first password.
    hash TEXT,
    rights TEXT NOT NULL,
    customers TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT,
    -- sha256 of the code with which a password can be set once, and until when.
    link_hash TEXT,
    link_until BIGINT,
    -- It makes the row's digest in the audit log say nothing to those who guess.
    nonce TEXT NOT NULL
);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    -- sha256 of the token that the browser keeps.
    hash TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    -- The browser, as it names itself, shortened.
    agent TEXT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);

-- The entries that say what a user or a session is, which are compared with the rows whenever these are read.
CREATE INDEX audit_log_people ON audit_log (subject, seq) WHERE action IN ('user_add', 'user_adopt', 'user_change', 'user_link', 'user_password', 'user_disable', 'session_add', 'session_end');
