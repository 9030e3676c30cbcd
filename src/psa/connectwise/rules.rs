//! Workflow and parsing rules as they stand in the PSA. The syntax of a workflow's condition is not known: it is kept as it came.

use std::collections::BTreeMap;

use firstline_fault::Result;
use firstline_ticket::Field;

use super::client::{Client, Refused};
use super::wire::{Named, ParsingRule, Workflow, WorkflowAction, WorkflowEvent};
use crate::connector::FoundRule;

pub(super) fn rules(client: &mut Client) -> Result<Vec<FoundRule>> {
    let mut found = Vec::new();
    let mut workflows: Vec<Workflow> = Vec::new();
    client.each("system/workflows", &[], &mut |workflow: Workflow| {
        if workflow.activate_flag != Some(false) {
            workflows.push(workflow);
        }
        Ok(())
    })?;
    for workflow in workflows {
        workflow_rules(client, &workflow, &mut found)?;
    }
    parsing_rules(client, &mut found)?;
    Ok(found)
}

fn workflow_rules(client: &mut Client, workflow: &Workflow, found: &mut Vec<FoundRule>) -> Result<()> {
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
            raw: event.event_condition.clone(),
        };
        if let Some(board) = workflow.board.as_ref().and_then(Named::text) {
            rule.when.insert("board".to_owned(), vec![board]);
        }
        client.each(
            &format!("system/workflows/{id}/events/{event_id}/actions"),
            &[],
            &mut |action: WorkflowAction| {
                let sets = [
                    (Field::Board, &action.board),
                    (Field::Type, &action.service_type),
                    (Field::Subtype, &action.service_sub_type),
                    (Field::Priority, &action.service_priority),
                    (Field::Technician, &action.specific_member_to),
                ];
                rule.set
                    .extend(sets.into_iter().filter_map(|(field, to)| Some((field, to.as_ref()?.text()?))));
                let notify =
                    action.notify_type.as_ref().and_then(Named::text).unwrap_or_default().to_lowercase();
                let closes = action
                    .board_status
                    .as_ref()
                    .and_then(Named::text)
                    .is_some_and(|s| s.to_lowercase().contains("clos"));
                rule.acts_on_customers |=
                    action.email_template.is_some() || notify.contains("contact") || closes;
                Ok(())
            },
        )?;
        found.push(rule);
    }
    Ok(())
}

/// Mail connectors hold parsing styles, and those hold the rules.
fn parsing_rules(client: &mut Client, found: &mut Vec<FoundRule>) -> Result<()> {
    // The two lists of the API's paths that are known disagree on where mail connectors are.
    for path in ["system/emailConnectors", "service/emailConnectors"] {
        let connectors = match ids(client, path) {
            Err(Refused::NoEndpoint | Refused::Missing) => continue,
            told => told?,
        };
        for connector in connectors {
            let styles = format!("{path}/{connector}/parsingStyles");
            for style in ids(client, &styles)? {
                rules_of(client, &format!("{styles}/{style}/parsingRules"), found)?;
            }
        }
        return Ok(());
    }
    Ok(())
}

fn ids(client: &mut Client, path: &str) -> std::result::Result<Vec<i64>, Refused> {
    let mut ids = Vec::new();
    client.list(path, &[], &mut |record: Named| {
        ids.extend(record.id);
        Ok(())
    })?;
    Ok(ids)
}

fn rules_of(client: &mut Client, path: &str, found: &mut Vec<FoundRule>) -> Result<()> {
    client.each(path, &[], &mut |rule: ParsingRule| {
        let sets = [
            (Field::Board, &rule.service_board),
            (Field::Type, &rule.service_type),
            (Field::Subtype, &rule.service_sub_type),
            (Field::Priority, &rule.service_priority),
        ];
        let words = rule.search_term.clone().into_iter().collect::<Vec<_>>();
        found.push(FoundRule {
            name: rule.name.clone().or_else(|| rule.search_term.clone()).unwrap_or_default(),
            source: "parsing rule".to_owned(),
            order: found.len() as u64,
            stops: true,
            when: BTreeMap::from([("words".to_owned(), words)]),
            set: sets.into_iter().filter_map(|(field, to)| Some((field, to.as_ref()?.text()?))).collect(),
            acts_on_customers: false,
            raw: None,
        });
        Ok(())
    })
}
