//! The largest categories of a desk, and how much of each could be left to the machine.

use std::collections::BTreeMap;

use firstline_fault::{Code, Result, UserError};
use firstline_stats::mean;
use firstline_ticket::{Field, Kind};
use serde::{Deserialize, Serialize};

use crate::{Share, TicketFacts};

/// What is known of a category beside its tickets, each a share in `0..=1`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Automation {
    /// How often a reply that the desk has sent before would have been the right one.
    pub repeats: Option<f64>,
    /// Share of its tickets that is above a certified threshold, or is expected to be.
    pub coverage: Option<f64>,
    /// Share that rules keep with a person, or for which an identity has to be verified.
    pub blocked: Option<f64>,
}

/// The shares of a file, `[[category]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AutomationFile {
    #[serde(default, rename = "category")]
    categories: Vec<AutomationEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AutomationEntry {
    board: String,
    r#type: String,
    repeats: Option<f64>,
    coverage: Option<f64>,
    blocked: Option<f64>,
}

/// Reads what was measured of categories, each a `[[category]]` with `board`, `type` and some of `repeats`, `coverage` and `blocked`;
/// `place` names the file in errors.
///
/// # Errors
/// [`Code::Config`] when it is not of that form, names a category twice, or has a share outside 0 to 1.
pub fn read_automation(text: &str, place: &str) -> Result<BTreeMap<(String, String), Automation>> {
    let fault = |problem: String| {
        let next = "Give each [[category]] board, type, and repeats, coverage or blocked as shares of 0 to 1";
        UserError::new(Code::Config, place, problem, next)
    };
    let file: AutomationFile = toml::from_str(text)
        .map_err(|e| fault(e.to_string().split_whitespace().collect::<Vec<_>>().join(" ")))?;
    let mut known = BTreeMap::new();
    for AutomationEntry { board, r#type, repeats, coverage, blocked } in file.categories {
        let shares = [repeats, coverage, blocked];
        if let Some(share) = shares.into_iter().flatten().find(|share| !(0.0..=1.0).contains(share)) {
            return Err(fault(format!("{board:?}, {type:?}: {share} is no share")).into());
        }
        let category = (board.trim().to_owned(), r#type.trim().to_owned());
        if known.insert(category, Automation { repeats, coverage, blocked }).is_some() {
            return Err(fault(format!("{board:?}, {type:?} stands twice")).into());
        }
    }
    Ok(known)
}

/// What was measured of a category.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MeasuredCategory {
    /// Drafts that could have been sent as they were, of those beside which the reply is known.
    pub repeats: Option<Share>,
    /// Tickets whose board and type were both decided at a certified threshold.
    pub coverage: Option<Share>,
}

/// Tickets of a category from which a share is written.
const FEWEST: u64 = 10;

/// The file that [`read_automation`] reads, with what each share is counted over as a comment. Shares of fewer than ten tickets are left
/// out; `None` where that leaves nothing.
pub fn write_automation(measured: &BTreeMap<(String, String), MeasuredCategory>) -> Option<String> {
    let mut text = "# What of each category could be automated, as held-out tickets show it. Give it to `firstline rollout baseline` and\n\
                    # `firstline rollout pilots` with --automation.\n"
        .to_owned();
    let quoted = |name: &str| toml::Value::String(name.to_owned()).to_string();
    let mut any = false;
    for ((board, kind), found) in measured {
        let shares = [
            ("repeats", found.repeats, "drafts could have been sent as they were"),
            ("coverage", found.coverage, "tickets were decided at a certified threshold"),
        ];
        let lines: Vec<String> = shares
            .into_iter()
            .filter_map(|(name, share, what)| Some((name, share.filter(|share| share.of >= FEWEST)?, what)))
            .filter_map(|(name, share, what)| {
                Some(format!("{name} = {:.3} # {} of {} {what}\n", share.share?, share.count, share.of))
            })
            .collect();
        if !lines.is_empty() {
            any = true;
            text += &format!("\n[[category]]\nboard = {}\ntype = {}\n", quoted(board), quoted(kind));
            text += &lines.concat();
        }
    }
    any.then_some(text)
}

/// A board and a type.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Category {
    /// The board.
    pub board: String,
    /// The type.
    pub r#type: String,
    /// Tickets in the category.
    pub tickets: u64,
    /// Tickets a week.
    pub per_week: f64,
    /// Mean minutes of work on one, and on how many that is known.
    pub handle_minutes: Option<(f64, u64)>,
    /// What is known of it beside; `None` for alerts, which get no reply.
    pub automation: Option<Automation>,
    /// Minutes a week that could be saved: tickets a week, times repeats, coverage and what is not blocked, times minutes. `None`
    /// where one of them is not known, and for alerts.
    pub minutes_per_week: Option<f64>,
}

/// The largest categories: of people's tickets, and of alerts apart.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LargestCategories {
    /// Of people's tickets, the largest first.
    pub people: Vec<Category>,
    /// Of alerts, the largest first.
    pub alerts: Vec<Category>,
}

/// The `limit` largest categories of `tickets` ([`select`](crate::select)ed from the time of `weeks`), those without a board and a
/// type left out. Equal ones by name.
pub fn largest_categories(
    tickets: &[&TicketFacts],
    weeks: f64,
    automation: &BTreeMap<(String, String), Automation>,
    limit: usize,
) -> LargestCategories {
    let of = |alerts: bool| {
        let mut groups: BTreeMap<(&str, &str), Vec<&TicketFacts>> = BTreeMap::new();
        for ticket in tickets.iter().filter(|ticket| (ticket.kind == Kind::Alert) == alerts) {
            if let (Some(board), Some(kind)) = (ticket.label(Field::Board), ticket.label(Field::Type)) {
                groups.entry((board, kind)).or_default().push(ticket);
            }
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(_, tickets)| std::cmp::Reverse(tickets.len()));
        groups.truncate(limit);
        let known = |(board, kind): (&str, &str)| {
            let key = (board.to_owned(), kind.to_owned());
            (!alerts).then(|| automation.get(&key).copied().unwrap_or_default())
        };
        groups.into_iter().map(|(name, tickets)| category(name, &tickets, weeks, known(name))).collect()
    };
    LargestCategories { people: of(false), alerts: of(true) }
}

fn category(
    (board, kind): (&str, &str),
    tickets: &[&TicketFacts],
    weeks: f64,
    automation: Option<Automation>,
) -> Category {
    let minutes: Vec<f64> =
        tickets.iter().filter_map(|ticket| ticket.handle_time()).map(|seconds| seconds / 60.0).collect();
    let handle_minutes = mean(&minutes).map(|mean| (mean, minutes.len() as u64));
    let per_week = if weeks > 0.0 { tickets.len() as f64 / weeks } else { 0.0 };
    let saved =
        |a: Automation| Some(per_week * a.repeats? * a.coverage? * (1.0 - a.blocked?) * handle_minutes?.0);
    Category {
        board: board.to_owned(),
        r#type: kind.to_owned(),
        tickets: tickets.len() as u64,
        per_week,
        handle_minutes,
        automation,
        minutes_per_week: automation.and_then(saved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::ticket;

    #[test]
    fn r6_measured_shares_are_read_and_what_is_no_share_is_refused() {
        let one = "[[category]]\nboard = \"Network\"\ntype = \"VPN\"\nrepeats = 0.4\n";
        let known = read_automation(one, "a.toml").unwrap();
        let vpn = known[&("Network".to_owned(), "VPN".to_owned())];
        assert_eq!(vpn, Automation { repeats: Some(0.4), ..Automation::default() });
        let wrong = |text: &str| read_automation(text, "a.toml").unwrap_err().to_string();
        assert!(wrong(&one.replace("0.4", "40")).contains("40 is no share"));
        assert!(wrong(&one.repeat(2)).contains("stands twice"));
        assert!(wrong(&one.replace("repeats", "repeat")).contains("repeat"));
    }

    #[test]
    fn r6_what_was_measured_is_read_as_it_was_written() {
        let name = |board: &str, kind: &str| (board.to_owned(), kind.to_owned());
        let measured = [
            (name("Desk \"A\"", "Post\\Fach\n# no"), (Some(Share::new(4, 16)), Some(Share::new(10, 30)))),
            (name("Réseau", "VPN"), (None, Some(Share::new(0, 12)))),
            (name("Few", "Tickets"), (Some(Share::new(9, 9)), None)),
        ];
        let measured: BTreeMap<(String, String), MeasuredCategory> = measured
            .into_iter()
            .map(|(name, (repeats, coverage))| (name, MeasuredCategory { repeats, coverage }))
            .collect();
        let text = write_automation(&measured).unwrap();
        let read = read_automation(&text, "automation.toml").unwrap();
        assert_eq!(read.len(), 2, "{text}");
        let odd = read[&name("Desk \"A\"", "Post\\Fach\n# no")];
        assert_eq!((odd.repeats, odd.coverage, odd.blocked), (Some(0.25), Some(0.333), None));
        assert_eq!(read[&name("Réseau", "VPN")].coverage, Some(0.0));
        assert!(text.contains("# 4 of 16 drafts"), "{text}");
        assert_eq!(write_automation(&BTreeMap::new()), None);
    }

    #[test]
    fn r6_potential_is_the_product_of_what_is_known_and_never_of_alerts() {
        let one = |kind: &str, who: Kind, minutes: Option<f64>| {
            let mut facts = TicketFacts { kind: who, ..ticket("1") };
            facts.labels.insert(Field::Type, kind.into());
            facts.handle_seconds = minutes.map(|minutes| minutes * 60.0);
            facts
        };
        let mut tickets = vec![one("Mail", Kind::Person, Some(10.0)), one("Mail", Kind::Person, Some(20.0))];
        tickets.extend([one("Mail", Kind::Person, None), one("VPN", Kind::Person, Some(30.0))]);
        tickets.extend([one("Backup", Kind::Alert, Some(5.0)), one("", Kind::Person, None)]);
        let all: Vec<&TicketFacts> = tickets.iter().collect();
        let known = Automation { repeats: Some(0.5), coverage: Some(0.8), blocked: Some(0.25) };
        let automation = [(("Service Desk".to_owned(), "Mail".to_owned()), known)].into();
        let found = largest_categories(&all, 2.0, &automation, 10);
        let names: Vec<&str> = found.people.iter().map(|category| category.r#type.as_str()).collect();
        assert_eq!(names, ["Mail", "VPN"]);
        let mail = &found.people[0];
        assert_eq!((mail.per_week, mail.handle_minutes), (1.5, Some((15.0, 2))));
        assert!((mail.minutes_per_week.unwrap() - 1.5 * 0.5 * 0.8 * 0.75 * 15.0).abs() < 1e-12);
        assert_eq!(found.people[1].minutes_per_week, None);
        assert_eq!((found.alerts.len(), found.alerts[0].automation), (1, None));
        assert_eq!(largest_categories(&all, 2.0, &automation, 1).people.len(), 1);
    }
}
