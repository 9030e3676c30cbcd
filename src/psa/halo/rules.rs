//! Rules as they stand in the PSA. What the numbers of their comparisons mean is not known: each is kept as it came, too.

use std::collections::BTreeMap;

use firstline_fault::Result;
use firstline_ticket::Field;
use serde_json::Value;

use super::client::{self, Refused};
use super::tables::Table;
use super::{Halo, wire};
use crate::connector::FoundRule;

/// Fields of criteria that hold words of the ticket.
const WORDS: [&str; 5] = ["symptom", "summary", "subject", "details", "note"];

/// Rules in the order in which they act on a mail that comes in: those of the mail, and then those of the ticket.
pub(super) fn rules(psa: &mut Halo) -> Result<Vec<FoundRule>> {
    let closing = super::look::closing(psa)?;
    let tickets = raw(psa, "TicketRules", &[("includecriteriainfo", "true")])?;
    let mails = match raw(psa, "EmailRule", &[]) {
        // Tenants without them, and roles that may not see them, have none to tell.
        Err(Refused::Missing | Refused::Denied(_)) => Vec::new(),
        told => told?,
    };
    let mut found = Vec::new();
    for (rows, source) in [(mails, "e-mail rule"), (tickets, "ticket rule")] {
        let mut of_source = Vec::new();
        for row in rows {
            of_source.extend(rule(psa, row, source, &closing)?);
        }
        of_source.sort_by_key(|rule| rule.order);
        found.extend(of_source);
    }
    Ok(found)
}

fn raw(psa: &mut Halo, path: &str, query: &[(&str, &str)]) -> std::result::Result<Vec<Value>, Refused> {
    let mut rows = Vec::new();
    psa.client.list(path, query, &mut |row: Value| {
        rows.push(row);
        Ok(())
    })?;
    Ok(rows)
}

/// A rule that is in use.
fn rule(psa: &mut Halo, raw: Value, source: &str, closing: &[i64]) -> Result<Option<FoundRule>> {
    let text = raw.to_string();
    let rule: wire::Rule = client::read(raw)?;
    if rule.active == Some(false) {
        return Ok(None);
    }
    let order = rule.precedence.or(rule.sequence).and_then(|order| u64::try_from(order).ok());
    let closes = rule.new_status_id.is_some_and(|status| closing.contains(&status));
    let mut when = BTreeMap::new();
    let words = words(&rule);
    if !words.is_empty() {
        when.insert("words".to_owned(), words);
    }
    Ok(Some(FoundRule {
        name: rule.name.clone().unwrap_or_default(),
        source: source.to_owned(),
        order: order.unwrap_or_default(),
        stops: rule.stopmatching == Some(true),
        when,
        set: sets(psa, &rule)?,
        acts_on_customers: closes || rule.send_reply == Some(true),
        raw: Some(text),
    }))
}

/// The words that a rule looks for: those of its criteria, or the subject of an e-mail.
fn words(rule: &wire::Rule) -> Vec<String> {
    let criteria = rule.criteria.as_array().into_iter().flatten();
    let of_words = criteria.filter(|one| {
        let field = one.get("fieldname").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        WORDS.contains(&field.as_str())
    });
    let words = of_words.filter_map(|one| one.get("value_string").and_then(Value::as_str));
    let words = words.map(str::to_owned).chain(rule.subject.clone());
    words.filter(|word| !word.trim().is_empty()).collect()
}

fn sets(psa: &mut Halo, rule: &wire::Rule) -> Result<BTreeMap<Field, String>> {
    let mut set = BTreeMap::new();
    if let Some(team) = wire::given(rule.new_team.as_ref()) {
        set.insert(Field::Board, team);
    }
    for (field, table, id) in [
        (Field::Type, Table::Kind, rule.new_tickettype_id),
        (Field::Subtype, Table::Category, rule.new_category_1_id),
        (Field::Priority, Table::Priority, rule.new_priority_id),
        (Field::Technician, Table::Agent, rule.new_agent_id),
    ] {
        if let Some(name) = psa.tables.name(&mut psa.client, table, id)? {
            set.insert(field, name);
        }
    }
    Ok(set)
}
