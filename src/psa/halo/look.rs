//! What there is to choose from, and whether all is there that a connector needs.

use firstline_fault::{Error, Result};
use jiff::SignedDuration;

use super::client::{self, fault};
use super::tables::{Table, UNASSIGNED};
use super::wire::{self, Row};
use super::{Halo, history, read};
use crate::connector::{CLOSING, Finding, Reference, clock};
use crate::findings::{closing as closing_statuses, counted, finding};

/// The status that closes in stock data.
pub(super) const CLOSED: i64 = 9;
/// Requests in five minutes that all sources allow.
const QUOTA: u32 = 300;
/// Entries of time that are looked at.
const ENTRIES: &str = "50";

/// Statuses that close: tickets that are closed show which.
pub(super) fn closing(psa: &mut Halo) -> Result<Vec<i64>> {
    let newest = [
        ("closed_only", "true"),
        ("order", "id"),
        ("orderdesc", "true"),
        ("pageinate", "true"),
        ("page_size", "100"),
        ("page_no", "1"),
    ];
    let mut closing = vec![CLOSED];
    for row in psa.client.page("Tickets", &newest)?.rows {
        let ticket: wire::Ticket = client::read(row)?;
        closing.extend(ticket.status_id.filter(|_| ticket.closed_at().is_some()));
    }
    closing.sort_unstable();
    closing.dedup();
    Ok(closing)
}

pub(super) fn reference(psa: &mut Halo) -> Result<Reference> {
    let closing = closing(psa)?;
    let mut rows = |table: Table| -> Result<Vec<Row>> {
        psa.tables.forget(table);
        let rows = psa.tables.rows(&mut psa.client, table)?;
        Ok(rows.iter().filter(|row| row.is_active()).cloned().collect())
    };
    let (teams, types, statuses) = (rows(Table::Team)?, rows(Table::Kind)?, rows(Table::Status)?);
    let (priorities, agents) = (rows(Table::Priority)?, rows(Table::Agent)?);
    let categories = rows(Table::Category)?;
    // Others are of approvals and contracts, where numbers tell them apart.
    let of_tickets = statuses.iter().any(|row| row.kind == Some(0));
    let is_of_tickets = |row: &&Row| !of_tickets || row.kind == Some(0);
    let closes = |row: &Row| row.id.is_some_and(|id| closing.contains(&id));
    let is_person = |row: &&Row| row.isapiagent != Some(true) && row.id != Some(UNASSIGNED);
    let mut found = Reference {
        boards: teams
            .iter()
            .filter(|row| row.forrequests != Some(false))
            .filter_map(|r| r.name.clone())
            .collect(),
        types: types.iter().filter_map(|row| Some((None, row.name.clone()?))).collect(),
        subtypes: categories.iter().filter_map(|row| Some((None, Table::Category.name_of(row)?))).collect(),
        statuses: statuses
            .iter()
            .filter(is_of_tickets)
            .filter_map(|row| Some((None, row.name.clone()?, closes(row))))
            .collect(),
        priorities: Vec::new(),
        technicians: agents.iter().filter(is_person).filter_map(|row| row.name.clone()).collect(),
    };
    for name in priorities.into_iter().filter_map(|row| row.name) {
        if !found.priorities.contains(&name) {
            found.priorities.push(name);
        }
    }
    Ok(found)
}

/// What is wrong with an outcome for notes of that kind, and what to do.
pub(super) fn outcome_fault(outcomes: &[Row], id: Option<i64>, visible: bool) -> Option<(String, String)> {
    let key = if visible { "reply_outcome" } else { "note_outcome" };
    let name = |row: &Row| Table::Outcome.name_of(row).unwrap_or_default();
    let fits = |row: &&Row| {
        let quiet =
            row.hidefromuser == Some(true) && row.sendemail != Some(true) && row.newstatus.unwrap_or(0) <= 0;
        if visible { row.hidefromuser != Some(true) } else { quiet }
    };
    let choice = || {
        let fitting = outcomes.iter().filter(fits).filter(|row| row.is_active()).take(5);
        let named: Vec<String> =
            fitting.filter_map(|row| Some(format!("{} ({})", row.id?, name(row)))).collect();
        let named = if named.is_empty() { "make one in Halo".to_owned() } else { named.join(", ") };
        format!("Set \"{key}\" in the settings to the id of one that fits: {named}")
    };
    let Some(id) = id else { return Some((format!("\"{key}\" is not set"), choice())) };
    let Some(row) = outcomes.iter().find(|row| row.id == Some(id)) else {
        return Some((format!("it has no outcome {id}"), choice()));
    };
    let named = format!("outcome {id} ({})", name(row));
    let problem = match (visible, row.hidefromuser, row.sendemail) {
        (true, Some(true), _) => format!("{named} hides what the customer is to see"),
        (false, Some(true), Some(true)) => format!("{named} mails internal notes to the customer"),
        (false, Some(true), _) if row.newstatus.unwrap_or(0) > 0 => format!("{named} changes the status"),
        (false, Some(true), _) | (true, _, _) => return None,
        (false, _, _) => format!("{named} shows internal notes to the customer"),
    };
    Some((problem, choice()))
}

/// What is said where too little is in sight.
const SIGHT: &str = "Widen the role of the application's agent: teams, ticket types, agents";

/// A look at something that is needed.
type Look = fn(&mut Halo) -> Result<String>;

/// What is looked at once the application is signed in.
const LOOKS: [(&str, Look); 10] = [
    ("clock", |psa| clock(psa.client.clock()?, "HaloPSA")),
    ("tickets", tickets),
    ("changes", filters),
    ("actions and time", entries),
    ("history (audit)", trail),
    ("rules", rules),
    ("right to write", may_write),
    ("outcome of internal notes", |psa| outcome_of(psa, false)),
    ("outcome of replies", |psa| outcome_of(psa, true)),
    ("quota", quota),
];

pub(super) fn check(psa: &mut Halo) -> Vec<Finding> {
    let first = finding("address and key", signed_in(psa));
    let signed_in = first.next.is_none();
    let mut found = vec![first];
    if signed_in {
        let (listed, closes) = match reference(psa) {
            Ok(there) => (counted(&there, "teams", SIGHT), closing_statuses(&there)),
            Err(error) => (Err(error.clone()), Err(error)),
        };
        found.push(finding("teams, types, statuses, priorities, agents", listed));
        found.push(finding(CLOSING, closes));
        found.extend(LOOKS.into_iter().map(|(what, look)| finding(what, look(psa))));
    }
    found
}

/// Signs in, and says as whom; where that fails, what the PSA says about where tokens are to be had.
fn signed_in(psa: &mut Halo) -> Result<String> {
    match psa.client.scope() {
        Err(Error::User(mut error)) => {
            if let Some((url, tenant)) = psa.client.auth_info() {
                error.next.push_str(&format!(
                    ". The PSA names {url:?} as \"auth_url\" and {tenant:?} as \"tenant\""
                ));
            }
            return Err(Error::User(error));
        }
        scope => scope?,
    };
    let Some(me) = psa.tables.me(&mut psa.client)? else {
        return Ok("signed in; the PSA does not say as whom".to_owned());
    };
    let name = psa.tables.name(&mut psa.client, Table::Agent, Some(me))?;
    Ok(format!("signed in; what is written appears as {}", name.unwrap_or_else(|| format!("agent {me}"))))
}

fn tickets(psa: &mut Halo) -> Result<String> {
    let open = psa.client.count("Tickets", &[("open_only", "true")])?;
    Ok(format!("{open} open tickets in sight"))
}

fn rules(psa: &mut Halo) -> Result<String> {
    let rules = psa.client.count("TicketRules", &[])?;
    Ok(format!("{rules} ticket rules in sight"))
}

/// Whether changes can be asked for by time: the ticket that changed last is among those that changed since just before.
fn filters(psa: &mut Halo) -> Result<String> {
    let newest = read::newest(&mut psa.client)?;
    let Some((at, id)) = newest.iter().filter_map(|row| Some((row.updated_at()?, row.id?))).max() else {
        return Ok("no ticket to try it with".to_owned());
    };
    let from = client::time(at.checked_sub(SignedDuration::from_secs(2)).unwrap_or(at));
    let wrong = || {
        let problem = format!("tickets that changed since {from} are not those that were asked for");
        fault(&problem, "Set the time zone of the application's agent to UTC in Halo, and check again")
    };
    let mut there = false;
    let query = [("lastupdatefromdate", from.as_str()), ("order", "id")];
    psa.client.each("Tickets", &query, &mut |row: wire::Ticket| {
        there |= row.id == Some(id);
        if read::is_heeded(&row, at) { Ok(()) } else { Err(wrong()) }
    })?;
    if !there {
        return Err(wrong());
    }
    let still = read::leaves_still(psa)?;
    let actions = if still { "; actions leave it as it is, so they are read too" } else { "" };
    Ok(format!("can be asked for by time of update{actions}"))
}

/// Whether actions can be read, and in which unit they count time.
fn entries(psa: &mut Halo) -> Result<String> {
    let query = [("timeentriesonly", "true"), ("count", ENTRIES)];
    let rows = psa.client.page("Actions", &query)?.rows;
    for row in &rows {
        history::count_units(psa, &client::read(row.clone())?);
    }
    let unit = match psa.units {
        (0, 0) => "no entry says in which unit: hours are taken",
        (hours, minutes) if minutes > hours => "time counts minutes",
        _ => "time counts hours",
    };
    Ok(format!("can be read; {unit}"))
}

fn trail(psa: &mut Halo) -> Result<String> {
    let found = if history::is_narrowed(psa)? {
        "can be read by ticket"
    } else {
        "can't be read by ticket: changes are read from actions; those of type, category and customer stay unknown"
    };
    Ok(found.to_owned())
}

/// Whether the application may write, as far as its token says.
fn may_write(psa: &mut Halo) -> Result<String> {
    let Some(scope) = psa.client.scope()? else {
        return Ok("the token does not say; the first write will".to_owned());
    };
    let may = scope.split_whitespace().any(|one| ["all", "all:standard", "edit:tickets"].contains(&one));
    if !may {
        let problem = format!("the token's scope is {scope:?}: tickets can be read only");
        return Err(fault(
            &problem,
            "Allow \"edit:tickets\" for the application and add it to \"scope\"; without it nothing is written",
        ));
    }
    Ok(format!("the token's scope is {scope:?}"))
}

fn outcome_of(psa: &mut Halo, visible: bool) -> Result<String> {
    let settings = &psa.client.settings;
    let id = if visible { settings.reply_outcome } else { Some(settings.note_outcome) };
    if id.is_none() {
        return Ok("\"reply_outcome\" is not set: customers are sent nothing".to_owned());
    }
    psa.tables.forget(Table::Outcome);
    let outcomes = psa.tables.rows(&mut psa.client, Table::Outcome)?;
    if let Some((problem, next)) = outcome_fault(outcomes, id, visible) {
        return Err(fault(&problem, &next));
    }
    let row = outcomes.iter().find(|row| row.id == id);
    let name = row.and_then(|row| Table::Outcome.name_of(row)).unwrap_or_default();
    let status = row.and_then(|row| row.newstatus).filter(|&status| status > 0);
    let sets = status.map(|status| format!("; it sets status {status}")).unwrap_or_default();
    Ok(format!("{} ({name}){sets}", id.unwrap_or_default()))
}

fn quota(psa: &mut Halo) -> Result<String> {
    let requests = psa.client.settings.requests_per_five_minutes;
    if requests > QUOTA {
        let problem =
            format!("{requests} requests in five minutes: tenants that allow {QUOTA} refuse the rest");
        let next =
            format!("Set \"requests_per_five_minutes\" to {QUOTA} or less, unless Halo has confirmed more");
        return Err(fault(&problem, &next));
    }
    Ok(format!("{requests} requests in five minutes at most"))
}
