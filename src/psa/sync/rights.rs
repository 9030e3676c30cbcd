//! What the service says of the key and of what it decides, before anything is sent there.
//!
//! Each scope is asked by a call that is refused for being empty once the key may make it. Must never put anything on record.

use std::collections::{BTreeMap, BTreeSet};

use firstline_fault::{Code, Result, UserError};
use firstline_ticket::Field;
use serde_json::{Value, json};
use ureq::http::Method;

use super::api::Service;
use crate::connector::{Finding, Reference};
use crate::findings::{fault, finding, folded, missing};
use crate::mapped::names_of;

/// A scope, what it is for, and a call that needs it: its path and its body, where it has one.
type Scope = (&'static str, &'static str, &'static str, Option<&'static str>);
const SCOPES: [Scope; 3] = [
    ("triage", "sends tickets", "/v1/triage", Some("tickets")),
    ("feedback", "tells ends and events", "/v1/feedback", Some("items")),
    ("act", "takes approved actions", "/v1/outbox?limit=1", None),
];
/// Statuses of a key that is not known, of one that may not, and of too many calls.
const UNKNOWN: u16 = 401;
const FORBIDDEN: u16 = 403;
const BUSY: u16 = 429;

impl Service {
    /// Whether the service answers and takes the key, and whether the key has each scope that is needed: `act` where the connection
    /// `writes`.
    pub fn rights(&mut self, writes: bool) -> Vec<Finding> {
        let mut rows = Vec::new();
        for (scope, what, path, list) in SCOPES {
            let asked = self.asked(path, list);
            if let Err(error) = asked {
                rows.push(finding("the service", Err(error)));
                return rows;
            }
            if rows.is_empty() {
                rows.push(finding("the service", Ok("it answers and knows the key".to_owned())));
            }
            let needed = writes || scope != "act";
            let told = match asked {
                Ok(true) => Ok(format!("the key has it: {what}")),
                _ if !needed => Ok(format!(
                    "the key does not have it, nor needs it until there is a [write] section: {what}"
                )),
                _ => Err(fault(
                    "the service",
                    &format!("the key does not have the scope {scope:?}: {what}"),
                    &format!(
                        "Create a key with it: firstline store keys create --name connect --scope {}",
                        wanted(writes)
                    ),
                )),
            };
            rows.push(finding(&format!("the service's scope {scope}"), told));
        }
        rows
    }

    /// Whether the key may make the call: an empty list is refused for what it is by then.
    fn asked(&mut self, path: &str, list: Option<&str>) -> Result<bool> {
        let body = list.map(|list| json!({list: []}));
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let answer = self.send(method, path, body.as_ref())?;
        match answer.status {
            FORBIDDEN => Ok(false),
            status if status == UNKNOWN || status == BUSY || status >= 500 => {
                self.judged(answer, path).map(|_| true)
            }
            404 | 405 => {
                let next = "Check \"service\" in the settings: it is the address of `firstline serve`, without a path";
                Err(UserError::new(Code::Psa, "the service", format!("{path} is not there (404)"), next)
                    .into())
            }
            _ => Ok(true),
        }
    }

    /// The labels that the bundle in service can decide; none of a field that it does not decide.
    ///
    /// # Errors
    /// When the service can't be asked.
    pub fn labels(&mut self, field: Field) -> Result<Vec<String>> {
        let body = json!({"inputs": "a ticket", "field": field, "truncate": true});
        let answer = self.send(Method::POST, "/predict", Some(&body))?;
        if matches!(answer.status, 400 | 422) {
            return Ok(Vec::new());
        }
        let told = self.judged(answer, "/predict")?.json().unwrap_or_default();
        let labels = told.as_array().into_iter().flatten();
        Ok(labels.filter_map(|one| one.get("label").and_then(Value::as_str)).map(str::to_owned).collect())
    }
}

fn wanted(writes: bool) -> &'static str {
    if writes { "triage,feedback,act" } else { "triage,feedback" }
}

/// Whether the PSA has the labels that the bundle decides. Old labels of its history may be gone: to read that is no harm, to write is.
pub fn decided(found: &Reference, labels: &BTreeMap<Field, Vec<String>>) -> Vec<Finding> {
    let decided = labels.iter().filter(|(_, labels)| !labels.is_empty());
    decided.map(|(field, labels)| row(found, *field, labels)).collect()
}

fn row(found: &Reference, field: Field, labels: &[String]) -> Finding {
    let names = names_of(found, field);
    let there: BTreeSet<String> = names.iter().map(|name| folded(name)).collect();
    let gone: Vec<&str> =
        labels.iter().filter(|label| !there.contains(&folded(label))).map(String::as_str).collect();
    let n = labels.len();
    let told = match gone.len() {
        0 => Ok(format!("all {n} are there")),
        few => {
            let told = format!("{few} of {n} are not in the PSA: {}", missing(&gone, &names));
            let next = format!(
                "Map them, \"Firstline's name\" = \"the PSA's name\" in [map.{field}], or train on the present names"
            );
            Err(fault("the bundle", &told, &next))
        }
    };
    finding(&format!("{field} labels of the bundle"), told)
}
