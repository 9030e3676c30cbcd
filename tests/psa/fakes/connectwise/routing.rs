//! What routes and answers without a person: workflows, rules of the mail connector, automatic assignment, templates, surveys, calendars.
//!
//! Workflows are the desk's own rules, so that what is shown is what acts.

use serde_json::{Value, json};

use super::Connectwise;
use super::lists::Rows;
use super::reference::setup;
use super::refusals;
use crate::deed::Deed;
use crate::http::Reply;
use crate::world::{Id, Rule, World};

/// The workflow that acknowledges mails.
const ACKNOWLEDGE: Id = 9_001;
/// What the id of an event has more than that of its workflow; an action's has twice as much.
const EVENT: Id = 100_000;

impl Connectwise {
    /// Workflows and what belongs to them.
    pub(super) fn workflows(&self, world: &World, parts: &[&str]) -> Result<Option<Rows>, Reply> {
        if parts.is_empty() {
            let rules = world.rules.iter().map(|rule| self.workflow(rule.id, &rule.name));
            let acknowledge = world.acknowledgement.as_ref();
            let acknowledge = acknowledge.map(|_| self.workflow(ACKNOWLEDGE, "Acknowledge new tickets"));
            return Ok(setup("Workflow", rules.chain(acknowledge).collect()));
        }
        let id: Option<Id> = parts[0].parse().ok();
        let rule = world.rules.iter().find(|rule| Some(rule.id) == id);
        let acknowledges = id == Some(ACKNOWLEDGE) && world.acknowledgement.is_some();
        let (true, Some(id)) = (rule.is_some() || acknowledges, id) else {
            return if parts.len() > 1 { Err(refusals::not_found("Workflow", parts[0])) } else { Ok(None) };
        };
        let is_event = |text: &str| text.parse() == Ok(id + EVENT);
        Ok(match &parts[1..] {
            ["events"] => setup("WorkflowEvent", vec![event(id, rule)]),
            ["events", event, "actions"] if is_event(event) => {
                setup("WorkflowAction", vec![self.action(world, id, rule)])
            }
            ["triggers"] => setup("WorkflowTrigger", vec![trigger(id)]),
            ["triggers", _, "options"] => setup("WorkflowTriggerOption", Vec::new()),
            _ => None,
        })
    }

    fn workflow(&self, id: Id, name: &str) -> Value {
        json!({
            "id": id, "name": name, "activateFlag": true, "batchInterval": 1,
            "tableType": {"id": 1, "name": "Service Ticket"}, "batchFrequencyUnit": "Minutes", "batchSchedule": "AnyTime",
            "location": self.reference("location", 1, "Head Office", "system/locations"),
            "department": {"id": 10, "identifier": "Services", "name": "Managed Services"},
        })
    }

    fn action(&self, world: &World, id: Id, rule: Option<&Rule>) -> Value {
        let named = |of: Deed, id: Option<Id>| {
            id.and_then(|id| Some(json!({"id": id, "name": world.name_of(of, id)?})))
        };
        let mut shown = match rule {
            Some(rule) => json!({
                "notifyType": {"id": 12, "name": "Update Ticket"},
                "board": named(Deed::Board, rule.board), "serviceType": named(Deed::Kind, rule.kind),
                "servicePriority": named(Deed::Priority, rule.priority),
                "specificMemberTo": self.member_ref(world, rule.owner),
                "updateOwnerFlag": rule.owner.is_some(),
            }),
            None => json!({
                "notifyType": {"id": 1, "name": "Email"}, "notifyWho": {"id": 5, "name": "Contact"},
                "subject": "We have your ticket", "notes": world.acknowledgement, "detailNotesFlag": true,
            }),
        };
        shown["id"] = (id + 2 * EVENT).into();
        super::shapes::without_nulls(&mut shown);
        shown
    }

    /// Mail connectors, their parsing styles, and the rules of those, where two clients made from the API's description look for them.
    pub(super) fn email_connectors(&self, world: &World, parts: &[&str]) -> Result<Option<Rows>, Reply> {
        Ok(match *parts {
            [] => setup(
                "EmailConnector",
                vec![json!({"id": 1, "emailErrorsTo": "errors@desk.example", "emailServerType": "Office365",
                    "serviceBoard": world.boards.keys().next().map(|id| self.board_ref(world, *id)),
                    "postRepliesToTicketFlag": true, "createContactFlag": true})],
            ),
            ["1", "parsingStyles"] => {
                setup("ParsingStyle", vec![json!({"id": 1, "parseRule": "Subject contains", "priority": 1})])
            }
            ["1", "parsingStyles", "1", "parsingRules"] => setup(
                "ParsingRule",
                self.settings.parsing_rules.clone().unwrap_or_else(|| self.parsing(world)),
            ),
            ["1", "parsingStyles", id, "parsingRules"] => {
                return Err(refusals::not_found("ParsingStyle", id));
            }
            [id, "parsingStyles", ..] => return Err(refusals::not_found("EmailConnector", id)),
            _ => None,
        })
    }

    /// Templates and surveys.
    pub(super) fn routing(&self, world: &World, parts: &[&str]) -> Result<Option<Rows>, Reply> {
        Ok(match *parts {
            ["templates"] => setup("ServiceTemplate", self.templates(world)),
            ["surveys"] => {
                setup("Survey", vec![json!({"id": 1, "name": "How did we do?", "inactiveFlag": false})])
            }
            ["surveys", "1", "results"] => setup("SurveyResult", self.settings.survey_results.clone()),
            ["surveys", id, "results"] => return Err(refusals::not_found("Survey", id)),
            _ => None,
        })
    }

    /// One rule of the mail connector. It is only shown: mails of this desk come in by the world.
    fn parsing(&self, world: &World) -> Vec<Value> {
        let Some((&board, &priority)) = world.boards.keys().last().zip(world.priorities.keys().next()) else {
            return Vec::new();
        };
        let priority = json!({"id": priority, "name": world.name_of(Deed::Priority, priority)});
        vec![
            json!({"id": 1, "priority": 1, "searchTerm": "[ALERT]", "serviceBoard": self.board_ref(world, board),
            "servicePriority": priority}),
        ]
    }

    fn templates(&self, world: &World) -> Vec<Value> {
        let Some(&board) = world.boards.keys().next() else { return Vec::new() };
        let kind = world.kinds_of(board).next().map(|kind| json!({"id": kind.id, "name": kind.name}));
        vec![json!({
            "id": 1, "name": "New starter", "templateFlag": true, "summary": "New starter", "type": kind,
            "board": self.board_ref(world, board), "impact": "Low", "severity": "Medium",
            "problem": "Name, start date, manager", "emailContactFlag": true, "assignedNotifyFlag": false,
        })]
    }

    /// Routing of a board.
    pub(super) fn of_board_routing(&self, world: &World, board: Id, kind: &str) -> Option<Rows> {
        let first = world.technicians.values().find(|t| t.active).map(|t| t.id);
        let is_first = world.boards.keys().next() == Some(&board);
        let rows = match kind {
            "autoAssignResources" => {
                let member = first.filter(|_| is_first);
                let shown = |id| {
                    json!({"id": 1, "member": self.member_ref(world, Some(id)),
                    "notifyWho": {"id": 3, "identifier": "Member", "name": "Member"}})
                };
                member.map(shown).into_iter().collect()
            }
            "autoTemplates" | "notifications" => Vec::new(),
            _ => return None,
        };
        setup("BoardRouting", rows)
    }

    /// Calendars and holidays.
    pub(super) fn schedule(&self, parts: &[&str]) -> Result<Option<Rows>, Reply> {
        Ok(match *parts {
            ["calendars"] => setup("Calendar", vec![calendar()]),
            ["holidayLists"] => setup("HolidayList", vec![json!({"id": 1, "name": "Public holidays"})]),
            ["holidayLists", "1", "holidays"] => setup("Holiday", holidays()),
            ["holidayLists", id, "holidays"] => return Err(refusals::not_found("HolidayList", id)),
            _ => None,
        })
    }
}

fn event(id: Id, rule: Option<&Rule>) -> Value {
    let condition =
        rule.map_or("Ticket is new".to_owned(), |rule| format!("Summary contains \"{}\"", rule.word));
    json!({"id": id + EVENT, "name": "New ticket", "eventCondition": condition, "executionTime": "Once",
        "frequencyUnit": "Minutes", "frequencyOfExecution": 1, "maxNumberOfExecution": 1})
}

fn trigger(id: Id) -> Value {
    json!({"id": id + 3 * EVENT, "name": "Summary", "description": "Summary of the ticket",
        "hasOperatorFlag": true, "hasOptionsFlag": false, "expectedType": "String"})
}

fn calendar() -> Value {
    let mut calendar =
        json!({"id": 1, "name": "Office hours", "holidayList": {"id": 1, "name": "Public holidays"}});
    for day in ["monday", "tuesday", "wednesday", "thursday", "friday"] {
        calendar[format!("{day}StartTime")] = "08:00:00".into();
        calendar[format!("{day}EndTime")] = "17:00:00".into();
    }
    calendar
}

fn holidays() -> Vec<Value> {
    [("New Year's Day", "2026-01-01"), ("Labor Day", "2026-09-07"), ("Christmas Day", "2026-12-25")]
        .into_iter()
        .zip(1..)
        .map(|((name, date), id)| {
            json!({"id": id, "name": name, "date": date, "allDayFlag": true,
                "holidayList": {"id": 1, "name": "Public holidays"}})
        })
        .collect()
}
