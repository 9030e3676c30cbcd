//! What a check finds, in the same words for every PSA: what there is to choose from, which statuses close, which names are near.
//!
//! Lists are bounded: a desk may have thousands of names.

use std::collections::{BTreeMap, BTreeSet};

use firstline_fault::{Code, Error, Result, UserError};

use crate::connector::{Finding, Reference};

/// Names that a row shows of a list.
const SHOWN: usize = 6;
/// Names that are near to one that is not there.
const NEAR: usize = 3;
/// How near a name has to be, from 0 to 1.
const NEARNESS: f64 = 0.8;

/// A row of what was looked at.
pub(crate) fn finding(what: &str, result: Result<String>) -> Finding {
    let (found, next) = match result {
        Ok(text) => (text, None),
        Err(Error::User(fault)) => (fault.problem, Some(fault.next)),
        Err(fault) => (fault.to_string(), Some("Please report it".to_owned())),
    };
    Finding { what: what.to_owned(), found, next }
}

/// A fault that a row tells.
pub(crate) fn fault(place: &str, problem: &str, next: &str) -> Error {
    UserError::new(Code::Psa, place, problem, next).into()
}

/// What there is to choose from, counted; `boards` is what the PSA calls them.
///
/// # Errors
/// Where there are no boards, statuses or technicians in sight, which `right` says how to mend.
pub(crate) fn counted(found: &Reference, boards: &str, right: &str) -> Result<String> {
    let told = format!(
        "{} {boards}, {} types, {} subtypes, {} statuses, {} priorities, {} technicians",
        found.boards.len(),
        found.types.len(),
        found.subtypes.len(),
        found.statuses.len(),
        found.priorities.len(),
        found.technicians.len()
    );
    if found.boards.is_empty() || found.statuses.is_empty() || found.technicians.is_empty() {
        return Err(fault("the PSA", &format!("too little is in sight: {told}"), right));
    }
    Ok(told)
}

/// Which statuses close, by board where statuses belong to one: boards that have the same ones stand together.
///
/// # Errors
/// Where a board has none: its tickets never end.
pub(crate) fn closing(found: &Reference) -> Result<String> {
    let by_board = found.statuses.iter().any(|(board, _, _)| board.is_some());
    let boards: Vec<Option<&String>> =
        if by_board { found.boards.iter().map(Some).collect() } else { vec![None] };
    let mut same: BTreeMap<BTreeSet<&str>, Vec<&str>> = BTreeMap::new();
    for board in boards {
        let of_board = found.statuses.iter().filter(|(of, _, closes)| of.as_ref() == board && *closes);
        let closing = of_board.map(|(_, status, _)| status.as_str()).collect();
        same.entry(closing).or_default().push(board.map_or("all", String::as_str));
    }
    if let Some(without) = same.get(&BTreeSet::new()) {
        let problem = match by_board {
            true => format!("boards without a status that closes: {}", some(without)),
            false => "no status closes".to_owned(),
        };
        let next = "Give each a closing status in the PSA, name those that end a ticket in \"close\" of [map], or leave the board out with \
                    \"ignore_boards\"";
        return Err(fault("the PSA", &problem, next));
    }
    let told = |(closing, boards): (&BTreeSet<&str>, &Vec<&str>)| {
        let closing = some(&closing.iter().copied().collect::<Vec<_>>());
        if by_board { format!("{}: {closing}", some(boards)) } else { closing }
    };
    Ok(same.iter().map(told).collect::<Vec<_>>().join("; "))
}

/// Some of the names, quoted, and how many there are more.
pub(crate) fn some(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("{name:?}")).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// Some of the texts, and how many there are more.
pub(crate) fn few(texts: &[String]) -> String {
    let more = texts.len().saturating_sub(SHOWN);
    let shown = texts.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
    if more == 0 { shown } else { format!("{shown}; and {more} more") }
}

/// A name as names are compared: whatever its case and blanks.
pub(crate) fn folded(name: &str) -> String {
    name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// The names that are nearest to `wanted`, the nearest first.
pub(crate) fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = folded(wanted);
    let near = |name: &str| {
        let name = folded(name);
        let words = || name.split(|c: char| !c.is_alphanumeric());
        let shared =
            wanted.split(' ').filter(|word| word.len() > 2).any(|word| words().any(|own| own == word));
        strsim::jaro_winkler(&wanted, &name).max(if shared { NEARNESS } else { 0.0 })
    };
    let mut found: Vec<(f64, &str)> = names.into_iter().map(|name| (near(name), name)).collect();
    found.retain(|(near, _)| *near >= NEARNESS);
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    found.dedup_by_key(|(_, name)| *name);
    found.into_iter().take(NEAR).map(|(_, name)| name).collect()
}

/// What is said of names that are not there: each with those that are nearest.
pub(crate) fn missing(wanted: &[&str], names: &[&str]) -> String {
    let one = |name: &&str| match nearest(name, names.iter().copied()) {
        near if near.is_empty() => format!("{name:?}"),
        near => format!("{name:?} (near it: {})", some(&near)),
    };
    let told: Vec<String> = wanted.iter().take(SHOWN).map(one).collect();
    let more = wanted.len().saturating_sub(SHOWN);
    if more == 0 { told.join(", ") } else { format!("{} and {more} more", told.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn near_names_are_those_that_somebody_may_have_meant() {
        for (wanted, near) in [
            ("Servicedesk", "Service Desk"),
            ("helpdesk", "Help Desk (MS)"),
            ("1st Level", "1st Line Support"),
            ("Netzwerk", "Netzwerke"),
            ("soporte", "Soporte técnico"),
        ] {
            let all =
                ["Service Desk", "Help Desk (MS)", "1st Line Support", "Netzwerke", "Soporte técnico", "HR"];
            assert_eq!(nearest(wanted, all).first(), Some(&near), "{wanted}");
        }
        assert!(nearest("Projects", ["Alerts", "HR"]).is_empty());
        assert!(missing(&["Servicedesk"], &["Service Desk"]).contains("(near it: \"Service Desk\")"));
    }

    #[test]
    fn a_board_without_a_closing_status_is_a_finding_whatever_the_others_have() {
        let status = |board: &str, name: &str, closes| (Some(board.to_owned()), name.to_owned(), closes);
        let mut found = Reference {
            boards: names(&["Desk", "Cloud", "Sales"]),
            statuses: vec![
                status("Desk", "Closed", true),
                status("Desk", "New", false),
                status("Cloud", "Closed", true),
                status("Sales", "Won", true),
            ],
            ..Reference::default()
        };
        assert_eq!(closing(&found).unwrap(), "\"Desk\", \"Cloud\": \"Closed\"; \"Sales\": \"Won\"");
        found.statuses.pop();
        let told = closing(&found).unwrap_err().to_string();
        assert!(told.contains("\"Sales\"") && !told.contains("\"Desk\"") && told.contains("[map]"), "{told}");
        let global = Reference { statuses: vec![(None, "Complete".to_owned(), true)], ..found.clone() };
        assert_eq!(closing(&global).unwrap(), "\"Complete\"");
        let none = Reference { statuses: vec![(None, "New".to_owned(), false)], ..found };
        assert!(closing(&none).is_err());
    }

    #[test]
    fn too_little_in_sight_is_a_finding() {
        assert!(counted(&Reference::default(), "boards", "Widen the role").is_err());
    }
}
