//! Where the rows are that digests are of: one shape for each kind.
//!
//! Data only. A column that entries cover must never leave a shape: what it said could not be compared any more. New columns are
//! added ones.

/// What a digest is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Decision,
    Ticket,
    /// That a ticket has left its customer: without it, its words are shown there again.
    Moved,
    Draft,
    Review,
    /// That a draft was reviewed, and how: without it nothing may be sent.
    Verdict,
    Outcome,
    Action,
    /// That an action was done: without it, it would be done again.
    Done,
    Key,
    Incident,
    Programme,
    Criteria,
    Signature,
    Grant,
    Week,
    /// What a gate found.
    Gate,
    User,
    Session,
    /// All events of a ticket together.
    Events,
}

/// Where a kind's rows are.
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    /// What tells rows apart.
    pub(super) key: &'static str,
    /// What stays.
    pub(super) columns: &'static str,
    /// The same of columns that later versions added: a digest covers those that are not null, so that rows of before keep theirs.
    pub(super) added: &'static [&'static str],
    /// What is deleted in time.
    pub(super) words: &'static str,
    pub(super) from: &'static str,
    /// Which rows, where not all.
    pub(super) only: &'static str,
    /// Those that an entry about `$1` is about.
    pub(super) about: &'static str,
}

pub(super) const SHAPES: [Shape; 19] = [
    Shape {
        kind: Kind::Decision,
        name: "decision",
        key: "d.id",
        columns: "d.id, d.ticket_id, d.at, d.received_at, d.opened_at, d.input_hash, d.bundle, d.drafting, d.decision, d.route,
            d.storm, d.collapsed_into",
        added: &["d.phase", "d.blind", "d.board", "d.type", "d.own", "d.kind"],
        words: "NULL",
        from: "decisions d",
        only: "1 = 1",
        about: "d.id = $1",
    },
    Shape {
        kind: Kind::Ticket,
        name: "ticket",
        key: "t.id",
        columns: "t.id, t.number, t.customer, t.received_at, t.decision_id, d.decision",
        added: &["t.source"],
        words: "NULL",
        from: "tickets t LEFT JOIN decisions d ON d.id = t.decision_id",
        only: "1 = 1",
        about: "t.decision_id = $1",
    },
    Shape {
        kind: Kind::Moved,
        name: "moved",
        key: "t.id",
        columns: "t.id",
        added: &[],
        words: "NULL",
        from: "tickets t",
        only: "t.moved_at IS NOT NULL",
        about: "t.decision_id = $1",
    },
    Shape {
        kind: Kind::Draft,
        name: "draft",
        key: "d.id",
        columns: "d.id, d.drafted_at, d.draft_confidence, d.drafted_bundle, d.drafted_by, d.decision",
        added: &[],
        words: "d.draft",
        from: "decisions d",
        only: "d.drafted_at IS NOT NULL",
        about: "d.id = $1",
    },
    Shape {
        kind: Kind::Review,
        name: "review",
        key: "r.decision_id",
        columns: "r.decision_id, r.at, r.actor, r.reviewer, r.idempotency_key, r.digest, r.distance, r.claimed, d.decision",
        added: &["r.opened_at", "r.active_seconds"],
        words: "r.verdict",
        from: "reviews r LEFT JOIN decisions d ON d.id = r.decision_id",
        only: "1 = 1",
        about: "r.decision_id = $1",
    },
    Shape {
        kind: Kind::Verdict,
        name: "verdict",
        key: "d.id",
        columns: "d.id, d.draft_state",
        added: &[],
        words: "NULL",
        from: "decisions d",
        only: "d.draft_state IN ('approved', 'edited', 'rejected')",
        about: "d.id = $1",
    },
    Shape {
        kind: Kind::Outcome,
        name: "outcome",
        key: "o.ticket_id",
        columns: "o.ticket_id, o.decision_id, o.at, o.labels, o.first_response_at, o.resolved_at, o.reopened, o.escalated,
            o.customer_visible_error, o.handle_seconds, o.distance, o.source, o.actor, o.wide, d.decision",
        added: &[
            "o.first_response_basis",
            "o.acknowledged_at",
            "o.tier",
            "o.initial_labels",
            "o.initial_basis",
            "o.opened_by_technician",
            "o.project",
            "o.deleted",
            "o.merged_into",
            "o.history_known",
            "o.reported_at",
            "o.board",
            "o.type",
        ],
        words: "o.reply",
        from: "outcomes o LEFT JOIN decisions d ON d.id = o.decision_id",
        only: "1 = 1",
        about: "o.ticket_id IN (SELECT x.ticket_id FROM decisions x WHERE x.id = $1)",
    },
    Shape {
        kind: Kind::Action,
        name: "action",
        key: "a.idempotency_key",
        columns: "a.idempotency_key, a.kind, a.ticket_id, a.decision_id, a.created_at, d.decision",
        added: &["a.origin", "a.epoch"],
        words: "a.payload",
        from: "actions a LEFT JOIN decisions d ON d.id = a.decision_id",
        only: "1 = 1",
        about: "a.decision_id = $1",
    },
    Shape {
        kind: Kind::Done,
        name: "done",
        key: "a.idempotency_key",
        columns: "a.idempotency_key",
        added: &["a.done_at", "a.psa_ref"],
        words: "NULL",
        from: "actions a",
        only: "a.state = 'done'",
        about: "a.decision_id = $1",
    },
    Shape {
        kind: Kind::Key,
        name: "key",
        key: "k.id",
        columns: KEY,
        added: &["k.person"],
        words: "NULL",
        from: "api_keys k",
        only: "1 = 1",
        about: "k.id = $1",
    },
    Shape {
        kind: Kind::Incident,
        name: "incident",
        key: "i.id",
        columns: "i.id, i.ticket_id, i.decision_id, i.action_id, i.at, i.recorded_at, i.decided_at, i.kind, i.severity, i.sla_credit,
            i.state, i.actor, d.decision",
        added: &["i.credit_amount"],
        words: "i.reason",
        from: "incidents i LEFT JOIN decisions d ON d.id = i.decision_id",
        only: "1 = 1",
        about: "i.decision_id = $1",
    },
    Shape {
        kind: Kind::Programme,
        name: "programme",
        key: "CAST(p.id AS TEXT)",
        columns: "p.id, p.started_on, p.pilots, p.at, p.actor, p.nonce",
        from: "programmes p",
        about: "CAST(p.id AS TEXT) = $1",
        ..PLAIN
    },
    Shape {
        kind: Kind::Criteria,
        name: "criteria",
        key: "CAST(c.version AS TEXT)",
        columns: "c.version, c.text, c.sha, c.at, c.actor, c.nonce",
        from: "criteria c",
        about: "CAST(c.version AS TEXT) = $1",
        ..PLAIN
    },
    Shape {
        kind: Kind::Signature,
        name: "signature",
        key: "CAST(s.id AS TEXT)",
        columns: "s.id, s.version, s.person, s.typed_name, s.role, s.at, s.nonce",
        from: "signatures s",
        about: "CAST(s.id AS TEXT) = $1",
        ..PLAIN
    },
    Shape {
        kind: Kind::Grant,
        name: "grant",
        key: "CAST(g.epoch AS TEXT)",
        columns: "g.epoch, g.kind, g.customer, g.board, g.type, g.phase, g.threshold, g.bundle, g.evidence_sha, g.level, g.hold,
            g.figures, g.at, g.actor, g.reason, g.nonce",
        added: &["g.thresholds", "g.trigger_key"],
        from: "grants g",
        about: "CAST(g.epoch AS TEXT) = $1",
        ..PLAIN
    },
    Shape {
        kind: Kind::Week,
        name: "week",
        key: "w.id",
        columns: "w.id, w.scope, w.customer, w.week, w.state, w.figures, w.sha, w.at, w.actor, w.nonce",
        from: "weeks w",
        about: "w.id = $1",
        ..PLAIN
    },
    Shape {
        kind: Kind::Gate,
        name: "gate",
        key: "v.id",
        columns: "v.id, v.at, v.gate, v.passed, v.evidence_sha, v.figures, v.actor, v.nonce",
        from: "verdicts v",
        about: "v.id = $1",
        ..PLAIN
    },
    Shape {
        kind: Kind::User,
        name: "user",
        key: "u.id",
        columns: "u.id, u.name, u.display, u.hash, u.rights, u.customers, u.created_at, u.disabled_at, u.link_hash, u.link_until,
            u.nonce",
        from: "users u",
        about: "u.id = $1",
        ..PLAIN
    },
    Shape {
        kind: Kind::Session,
        name: "session",
        key: "s.id",
        columns: "s.id, s.hash, s.user_id, s.created_at, s.expires_at",
        from: "sessions s",
        about: "s.id = $1",
        ..PLAIN
    },
];

/// A row without words that is about nothing else.
const PLAIN: Shape = Shape {
    kind: Kind::Gate,
    name: "",
    key: "",
    columns: "",
    added: &[],
    words: "NULL",
    from: "",
    only: "1 = 1",
    about: "",
};

/// The name under which the log tells of all events of a ticket.
pub(super) const EVENTS: &str = "events";

/// The columns of an API key.
const KEY: &str = "k.id, k.name, k.hash, k.scopes, k.customers, k.created_at, k.expires_at, k.revoked_at";

impl Shape {
    /// All that stays of a row.
    pub(super) fn all_columns(&self) -> String {
        [&[self.columns], self.added].concat().join(", ")
    }
}

/// Where the rows of `kind` are.
pub(super) fn shape(kind: Kind) -> &'static Shape {
    &SHAPES[kind as usize]
}
