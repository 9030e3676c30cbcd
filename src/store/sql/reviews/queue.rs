//! The lists that a person works through: which rows, in which order.
//!
//! Must never list what is hidden, or another customer's. Words that are looked for are values, never part of a statement.

use super::super::{decisions, outbox};
use crate::db::Value;
use crate::{QueueList, QueueQuery};

/// That nobody has reviewed the decision `d`, that it is its ticket's newest, and that the ticket is open.
const OPEN: &str =
    "t.decision_id = d.id AND t.moved_at IS NULL AND o.resolved_at IS NULL AND COALESCE(o.deleted, 0) = 0
    AND o.merged_into IS NULL AND NOT EXISTS (SELECT 1 FROM reviews r WHERE r.decision_id = d.id)";

/// The rows of a list, from `FROM` to the limit's place.
pub(super) fn list(query: &QueueQuery<'_>) -> (String, Vec<Value>) {
    let (sources, shown) = (decisions::SOURCES, decisions::SHOWN);
    let mut values: Vec<Value> = Vec::new();
    let which = match query.list {
        QueueList::Waiting => "d.draft_state = 'pending'".to_owned(),
        QueueList::Person => "d.draft_state = 'pending' AND d.route = 'person'".to_owned(),
        QueueList::Undone => "d.draft_state = 'pending' AND d.undone > 0".to_owned(),
        QueueList::Held => "d.id IN (SELECT a.decision_id FROM actions a WHERE a.state = 'held')".to_owned(),
        QueueList::Fields => format!("d.draft_state = 'none' AND {OPEN}"),
        QueueList::Mine => {
            values.push(query.actor.into());
            "d.id IN (SELECT r.decision_id FROM reviews r WHERE r.actor = $1 ORDER BY r.at DESC LIMIT 500)"
                .to_owned()
        }
    };
    let mut sql = format!("FROM decisions d {sources} WHERE {which} AND {shown}");
    let mut add = |sql: &mut String, clause: &str, value: &str| {
        values.push(value.into());
        sql.push_str(&clause.replace("$?", &format!("${}", values.len())));
    };
    // What was done last is what is looked for.
    let newest = query.newest || matches!(query.list, QueueList::Mine | QueueList::Fields);
    if let Some(after) = query.after {
        let side = if newest { "<" } else { ">" };
        add(&mut sql, &format!(" AND d.seq {side} (SELECT p.seq FROM decisions p WHERE p.id = $?)"), after);
    }
    if let Some(board) = query.board {
        add(&mut sql, " AND d.board = $?", board);
    }
    if let Some(kind) = query.ticket_type {
        add(&mut sql, " AND d.type = $?", kind);
    }
    if let Some(words) = query.words {
        let like = " AND (t.number = $? OR LOWER(t.ticket) LIKE $? ESCAPE '!')";
        let (number, pattern) = like.split_once(" OR ").unwrap_or_default();
        add(&mut sql, number, words);
        add(&mut sql, &format!(" OR {pattern}"), &pattern_of(words));
    }
    outbox::seen_by(&mut sql, &mut values, query.customers);
    let order = if newest { " DESC" } else { "" };
    sql.push_str(&format!(" ORDER BY d.seq{order} LIMIT ${}", values.len() + 1));
    (sql, values)
}

/// What a ticket's JSON holds that has these words in it.
fn pattern_of(words: &str) -> String {
    let json = serde_json::Value::from(words.to_lowercase()).to_string();
    let inner = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
    let mut out = String::from("%");
    for c in inner.chars() {
        if matches!(c, '%' | '_' | '!') {
            out.push('!');
        }
        out.push(c);
    }
    out.push('%');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_looked_for_as_they_are() {
        assert_eq!(pattern_of("50% of A_B!"), "%50!% of a!_b!!%");
        assert_eq!(pattern_of("a \"b\" \\"), "%a \\\"b\\\" \\\\%");
    }
}
