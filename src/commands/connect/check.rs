//! `firstline connect --check`: whether all is there that a connection needs, each with a next step where it is not.
//!
//! Nothing is written anywhere. Must never print a secret.

use std::collections::BTreeMap;

use firstline_fault::Error;
use firstline_psa::connector::{Connector, Finding};
use firstline_psa::sync::{Service, decided};
use firstline_ticket::Field;
use serde_json::json;

use super::PsaSettings;
use crate::table::printable;
use crate::ui::print;

/// What the service says: of itself, of the key's scopes, and what its bundle decides.
pub(super) fn of_service(settings: &PsaSettings) -> (Vec<Finding>, Option<Service>) {
    match settings.service() {
        Ok(mut service) => {
            let rows = service.rights(settings.writes());
            let asked = rows.len() > 1;
            (rows, asked.then_some(service))
        }
        Err(error) => (vec![finding("the service", &error)], None),
    }
}

/// Whether the PSA has the labels that the service decides.
pub(super) fn of_labels(psa: &mut dyn Connector, service: Option<Service>) -> Vec<Finding> {
    let Some(mut service) = service else { return Vec::new() };
    let mut labels = BTreeMap::new();
    for field in Field::ALL {
        match service.labels(field) {
            Ok(found) => drop(labels.insert(field, found)),
            // Its key may not ask, or it is of another version: there is nothing to compare.
            Err(_) => return Vec::new(),
        }
    }
    // What can't be read has a row of its own by then.
    psa.reference().map(|found| decided(&found, &labels)).unwrap_or_default()
}

/// Prints what was found, and of `notes` what matters once anything is written; whether anything is missing.
pub(super) fn show(settings: &PsaSettings, found: &[Finding], notes: &[Finding], json: bool) -> bool {
    let missing = found.iter().filter(|finding| finding.next.is_some()).count();
    let rows = || found.iter().map(|row| (row, "MISSING")).chain(notes.iter().map(|row| (row, "note")));
    if json {
        for (Finding { what, found, next }, otherwise) in rows() {
            let good = next.is_none() || otherwise == "note";
            print(
                json!({"connection": settings.name, "what": what, "found": found, "next": next, "good": good}),
            );
        }
        return missing > 0;
    }
    print(format_args!("{} ({})", settings.name, settings.psa_name()));
    let width = rows().map(|(row, _)| row.what.chars().count()).max().unwrap_or_default();
    for (Finding { what, found, next }, otherwise) in rows() {
        let state = if next.is_none() { "good" } else { otherwise };
        print(format_args!("  {state:<8} {what:<width$}  {}", printable(found)));
        if let Some(next) = next {
            print(format_args!("  {:<8} {:<width$}  Next: {}", "", "", printable(next)));
        }
    }
    let checks = rows().count();
    let noted = notes.iter().filter(|note| note.next.is_some()).count();
    let noted =
        if noted == 0 { String::new() } else { format!("; {noted} to fix before anything is written") };
    print(match missing {
        0 => format!("{checks} checks, all passed{noted}"),
        n => format!("{checks} checks, {n} failed{noted}"),
    });
    missing > 0
}

/// A row of something that failed.
pub(super) fn finding(what: &str, error: &Error) -> Finding {
    let (found, next) = match error {
        // Of the settings, it matters which file or line is meant.
        Error::User(fault) if what == "settings" => {
            (format!("{}: {}", fault.place, fault.problem), fault.next.clone())
        }
        Error::User(fault) => (fault.problem.clone(), fault.next.clone()),
        fault => (fault.to_string(), "Please report it".to_owned()),
    };
    Finding { what: what.to_owned(), found, next: Some(next) }
}
