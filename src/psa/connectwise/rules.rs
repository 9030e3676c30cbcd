//! Parsing rules, automatic assignment and workflow rules as they stand in the PSA, in the order in which they act on a ticket that comes
//! in.
//!
//! What is not understood is kept as it came: the syntax of a workflow's condition is nowhere written down. Must never guess what a rule
//! asks for.

use std::collections::{BTreeMap, BTreeSet};

use firstline_fault::Result;
use firstline_ticket::Field;
use serde_json::{Value, json};

use super::client::{Client, Refused};
use super::look;
use super::wire::{Named, OfBoard, ParsingRule, ParsingStyle, Workflow, WorkflowAction, WorkflowEvent};
use crate::connector::FoundRule;

/// Where a parsing style looks for a rule's words, as far as a ticket shows it.
const OF_THE_TEXT: [&str; 4] = ["subject", "body", "summary", "text"];

pub(super) fn rules(client: &mut Client) -> Result<Vec<FoundRule>> {
    let mut found = Vec::new();
    parsing_rules(client, &mut found)?;
    let closing = assigned(client, &mut found)?;
    let mut workflows: Vec<Workflow> = Vec::new();
    client.each("system/workflows", &[], &mut |workflow: Workflow| {
        if workflow.activate_flag != Some(false) {
            workflows.push(workflow);
        }
        Ok(())
    })?;
    for workflow in workflows {
        workflow_rules(client, &workflow, &closing, &mut found)?;
    }
    Ok(found)
}

/// Who is assigned by themselves, by board; gives the ids of statuses that close.
///
/// UNCONFIRMED: whether they become owners or resources, and which of several: kept as it came.
fn assigned(client: &mut Client, found: &mut Vec<FoundRule>) -> Result<BTreeSet<i64>> {
    let mut closing = BTreeSet::new();
    for board in look::boards(client)? {
        let (Some(id), Some(name)) = (board.id, board.name) else { continue };
        client.each(&format!("service/boards/{id}/statuses"), &[], &mut |status: OfBoard| {
            closing.extend(status.id.filter(|_| status.closed_status));
            Ok(())
        })?;
        let mut people: Vec<Value> = Vec::new();
        let list =
            client.list(&format!("service/boards/{id}/autoAssignResources"), &[], &mut |one: Value| {
                people.push(one);
                Ok(())
            });
        match list {
            Err(Refused::NoEndpoint | Refused::Missing) => continue,
            told => told?,
        }
        if people.is_empty() {
            continue;
        }
        let member = |one: &Value| serde_json::from_value::<Named>(one.get("member")?.clone()).ok()?.text();
        let set = match people.as_slice() {
            [one] => member(one).map(|member| (Field::Technician, member)).into_iter().collect(),
            _ => BTreeMap::new(),
        };
        found.push(FoundRule {
            name: format!("Automatic assignment on {name}"),
            source: "automatic assignment".to_owned(),
            order: found.len() as u64,
            stops: false,
            when: BTreeMap::from([("board".to_owned(), vec![name])]),
            set,
            acts_on_customers: false,
            raw: Some(json!({"board": id, "autoAssignResources": people}).to_string()),
        });
    }
    Ok(closing)
}

fn workflow_rules(
    client: &mut Client,
    workflow: &Workflow,
    closing: &BTreeSet<i64>,
    found: &mut Vec<FoundRule>,
) -> Result<()> {
    let Some(id) = workflow.id else { return Ok(()) };
    let mut events: Vec<WorkflowEvent> = Vec::new();
    client.each(&format!("system/workflows/{id}/events"), &[], &mut |event| {
        events.push(event);
        Ok(())
    })?;
    for event in events {
        let Some(event_id) = event.id else { continue };
        let mut rule = FoundRule {
            name: workflow.name.clone().unwrap_or_default(),
            source: "workflow".to_owned(),
            order: found.len() as u64,
            stops: false,
            when: BTreeMap::new(),
            set: BTreeMap::new(),
            acts_on_customers: false,
            // Without a condition it is not known when it fires.
            raw: Some(event.event_condition.clone().unwrap_or_else(|| "no condition is told".to_owned())),
        };
        if let Some(board) = workflow.board.as_ref().and_then(Named::text) {
            rule.when.insert("board".to_owned(), vec![board]);
        }
        let actions = format!("system/workflows/{id}/events/{event_id}/actions");
        client.each(&actions, &[], &mut |action: WorkflowAction| {
            let sets = [
                (Field::Board, &action.board),
                (Field::Type, &action.service_type),
                (Field::Subtype, &action.service_sub_type),
                (Field::Priority, &action.service_priority),
                (Field::Technician, &action.specific_member_to),
            ];
            rule.set.extend(sets.into_iter().filter_map(|(field, to)| Some((field, to.as_ref()?.text()?))));
            rule.acts_on_customers |= acts_on_customers(&action, closing);
            Ok(())
        })?;
        found.push(rule);
    }
    Ok(())
}

/// Whether an action mails a contact or closes the ticket.
fn acts_on_customers(action: &WorkflowAction, closing: &BTreeSet<i64>) -> bool {
    let says = |named: &Option<Named>, words: &[&str]| {
        let text = named.as_ref().and_then(Named::text).unwrap_or_default().to_lowercase();
        words.iter().any(|word| text.contains(word))
    };
    let to_contact = says(&action.notify_type, &["contact", "customer"])
        || says(&action.notify_who, &["contact", "customer"])
        || action.email_template.is_some();
    let closes = action.board_status.as_ref().and_then(|status| status.id);
    to_contact || closes.is_some_and(|status| closing.contains(&status))
}

/// Mail connectors hold parsing styles, and those hold the rules.
fn parsing_rules(client: &mut Client, found: &mut Vec<FoundRule>) -> Result<()> {
    // The two lists of the API's paths that are known disagree on where mail connectors are.
    for path in ["system/emailConnectors", "service/emailConnectors"] {
        let mut connectors: Vec<i64> = Vec::new();
        let list = client.list(path, &[], &mut |record: Named| {
            connectors.extend(record.id);
            Ok(())
        });
        match list {
            Err(Refused::NoEndpoint | Refused::Missing) => continue,
            told => told?,
        }
        for connector in connectors {
            let path = format!("{path}/{connector}/parsingStyles");
            let mut styles: Vec<ParsingStyle> = Vec::new();
            client.each(&path, &[], &mut |style| {
                styles.push(style);
                Ok(())
            })?;
            styles.sort_by_key(|style| (style.priority, style.id));
            for style in styles {
                let Some(id) = style.id else { continue };
                rules_of(client, &format!("{path}/{id}/parsingRules"), &style, found)?;
            }
        }
        return Ok(());
    }
    Ok(())
}

fn rules_of(client: &mut Client, path: &str, style: &ParsingStyle, found: &mut Vec<FoundRule>) -> Result<()> {
    let mut rows: Vec<Value> = Vec::new();
    client.each(path, &[], &mut |row| {
        rows.push(row);
        Ok(())
    })?;
    let mut rules = Vec::new();
    for raw in rows {
        let rule: ParsingRule = serde_json::from_value(raw.clone()).unwrap_or_default();
        rules.push((rule.priority, rule.id, rule, raw));
    }
    rules.sort_by_key(|(priority, id, ..)| (*priority, *id));
    for (_, _, rule, raw) in rules {
        let sets = [
            (Field::Board, &rule.service_board),
            (Field::Type, &rule.service_type),
            (Field::Subtype, &rule.service_sub_type),
            (Field::Priority, &rule.service_priority),
        ];
        let words: Vec<String> =
            rule.search_term.iter().filter(|term| term.contains(char::is_alphanumeric)).cloned().collect();
        let looks_at = style.parse_rule.as_deref().unwrap_or("subject").to_lowercase();
        let of_the_text = OF_THE_TEXT.iter().any(|part| looks_at.contains(part)) && !looks_at.contains("not");
        let is_read = !words.is_empty() && of_the_text;
        let kept = || json!({"parseRule": style.parse_rule, "rule": raw}).to_string();
        found.push(FoundRule {
            name: rule.name.clone().or_else(|| rule.search_term.clone()).unwrap_or_default(),
            source: "parsing rule".to_owned(),
            order: found.len() as u64,
            stops: true,
            when: if words.is_empty() {
                BTreeMap::new()
            } else {
                BTreeMap::from([("words".to_owned(), words)])
            },
            set: sets.into_iter().filter_map(|(field, to)| Some((field, to.as_ref()?.text()?))).collect(),
            acts_on_customers: false,
            raw: (!is_read).then(kept),
        });
    }
    Ok(())
}
