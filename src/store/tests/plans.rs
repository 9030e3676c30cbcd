//! How each engine goes about the readers that figures are computed from: never by reading all decisions.
//!
//! `cargo test -p firstline-store plans -- --nocapture` prints the plans. How long a year takes is for the bench `year`.

use super::*;
use crate::db::{Db, Value};
use crate::postgres::Postgres;
use crate::sql::{Shelf, statements};
use crate::sqlite::Sqlite;
use crate::{Facts, Outcomes};
use firstline_ticket::Counted;

/// Tickets of a year.
const TICKETS: i64 = 10_000;
/// Microseconds from one ticket to the next, so that they fill a year.
const APART: i64 = 3_153_600_000;
/// Seconds of a week.
const WEEK: i64 = 7 * 86_400;

/// Rows as the service leaves them, written at once: for each ticket a decision with its alternatives, a draft, a review of every
/// second with the reply that was sent, an outcome of nine in ten, and four events.
const FILL: [&str; 6] = [
    "INSERT INTO tickets (id, customer, received_at, version, decision_id, number, source)
    SELECT 'd' || i, 'customer ' || i % 24, 1700000000000000 + i * APART, 1, 'd' || i, 't' || i, 'email' FROM n",
    "INSERT INTO decisions (id, ticket_id, at, received_at, opened_at, input_hash, bundle, decision, route, draft_state, draft_asked,
    draft_due, drafted_at, draft_confidence, phase, blind, board, type, own, kind, version)
    SELECT 'd' || i, 'd' || i, 1700000000000000 + i * APART, 1700000000000000 + i * APART, 1700000000000000 + i * APART - 30000000,
    'h', 'bundle', '{\"id\":\"t\",\"fields\":{\"board\":{\"label\":\"Board\",\"confidence\":0.9,\"alternatives\":ALTERNATIVES}}}',
    'review', CASE WHEN i % 2 = 0 THEN 'approved' ELSE 'pending' END, 1, 1,
    1700000000000000 + i * APART + 1000000 * (i % 90), 0.7, CASE WHEN i % 3 = 0 THEN 'shadow' ELSE 'assist' END, 0, 'Board ' || i % 7,
    'Type ' || i % 31, 1, CASE WHEN i % 9 = 0 THEN 'alert' ELSE 'person' END, 2 FROM n",
    "INSERT INTO reviews (decision_id, at, actor, reviewer, idempotency_key, digest, verdict, distance)
    SELECT 'd' || i, 1700000000000000 + i * APART + 99000000, 'key', 'kim', 'k' || i, 'digest', '\"approve\"', 0 FROM n WHERE i % 2 = 0",
    "INSERT INTO actions (kind, ticket_id, decision_id, idempotency_key, state, not_before, created_at, done_at, origin)
    SELECT 'reply', 'd' || i, 'd' || i, 'r' || i, 'done', 1700000000000000 + i * APART, 1700000000000000 + i * APART,
    1700000000000000 + i * APART + 100000000, 'person' FROM n WHERE i % 2 = 0",
    "INSERT INTO outcomes (ticket_id, decision_id, at, labels, first_response_at, resolved_at, reopened, handle_seconds, source, board,
    type, reported_at)
    SELECT 'd' || i, 'd' || i, 1700000000000000 + i * APART, '{\"board\":\"Board\",\"type\":\"Type\"}',
    1700000000000000 + i * APART + 1000000 * (i * 7919 % 7200), 1700000000000000 + i * APART + 1000000 * (i * 104729 % 200000),
    CASE WHEN i % 20 = 0 THEN 1 ELSE 0 END, i % 3600, 'feedback', 'Board ' || i % 7, 'Type ' || i % 29,
    1700000000000000 + i * APART FROM n WHERE i % 10 > 0",
    "INSERT INTO events (ticket_id, psa_key, at, kind, actor, actor_kind, visible, automatic, wide)
    SELECT 'd' || i, 'e' || k, 1700000000000000 + i * APART + 1000000 * k, 'message', 'Technician ' || i % 40, 'technician', 1, 0, 1
    FROM n CROSS JOIN (SELECT 1 AS k UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) e",
];

fn filled<D: Db>(db: &D) {
    let one = r#"{"label":"Another board with a long name","confidence":0.0123456789}"#;
    let alternatives = format!("[{}]", [one; 10].join(","));
    let numbers = format!(
        "WITH RECURSIVE n(i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {})",
        TICKETS - 1
    );
    for sql in FILL {
        let sql = sql.replace("APART", &APART.to_string()).replace("ALTERNATIVES", &alternatives);
        db.write(&mut |tx| tx.batch(&format!("{numbers} {sql}"))).unwrap();
    }
}

/// The first moment of week `n`.
fn monday(n: i64) -> Timestamp {
    at(n * WEEK)
}

/// The readers find a year's tickets, by plans that hold none of `scans`.
fn planned<D: Db>(shelf: &Shelf<D>, explain: &str, scans: &[&str]) {
    filled(&shelf.db);
    let all = &CustomerSet::All;
    for _ in ["each day made first", "ready"] {
        let mut counts = [0, 0];
        let mut each = |one: &Counted<'_>| counts[usize::from(matches!(one, Counted::Action(_)))] += 1;
        shelf.judged_tickets(monday(-1), monday(53), all, &mut each).unwrap();
        assert_eq!(counts, [TICKETS, TICKETS / 2]);
    }
    let mut found = 0;
    let mut each = |_| {
        found += 1;
        Ok(())
    };
    shelf.facts(monday(50), monday(51), all, &mut each).unwrap();
    assert!((190..195).contains(&found), "{found} in a week");
    if explain == "EXPLAIN" {
        shelf.db.write(&mut |tx| tx.batch("ANALYZE")).unwrap();
    }
    for (name, sql) in statements() {
        let values: Vec<Value> = match name {
            "pages" => vec![monday(50).into(), i64::MIN.into(), monday(51).into()],
            "span of the days" => Vec::new(),
            _ => vec![19_675_i64.into(), 20_045_i64.into()],
        };
        let mut plan = String::new();
        shelf
            .db
            .read(&mut |tx| {
                for row in tx.query(&format!("{explain} {sql}"), &values)? {
                    let texts = row.values().into_iter().filter_map(|value| match value {
                        Value::Text(text) => Some(text),
                        _ => None,
                    });
                    plan.extend(["    ".to_owned(), texts.collect::<Vec<_>>().join(" "), "\n".to_owned()]);
                }
                Ok(())
            })
            .unwrap();
        println!("{explain}, {name}:\n{plan}");
        assert!(!plan.is_empty() && scans.iter().all(|scan| !plan.contains(scan)), "{name}:\n{plan}");
    }
}

#[test]
fn sqlite_reads_no_more_decisions_than_it_gives() {
    let dir = tempfile::tempdir().unwrap();
    let db = Sqlite::open(&dir.path().join("a.db")).unwrap();
    planned(
        &Shelf { db },
        "EXPLAIN QUERY PLAN",
        &["SCAN d", "SCAN decisions", "SCAN outcomes", "SCAN o", "SCAN a"],
    );
}

mod postgres {
    use super::*;

    #[test]
    fn postgres_reads_no_more_decisions_than_it_gives() {
        if let Some(url) = server::database() {
            planned(
                &Shelf { db: Postgres::open(&url).unwrap() },
                "EXPLAIN",
                &["Seq Scan on decisions", "Seq Scan on actions"],
            );
        }
    }
}
