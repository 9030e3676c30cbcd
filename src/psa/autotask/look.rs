//! What there is to choose from, and whether all is there that a connector needs.

use std::collections::BTreeSet;

use firstline_fault::Result;
use firstline_ticket::Field;
use serde_json::{Value, json};

use super::client::{Client, HISTORY, is};
use super::names::{COMPLETE, Names, field_of};
use super::refusal::{Refused, fault};
use super::wire::RoleOf;
use super::{Autotask, wire, write};
use crate::connector::{CLOSING, Finding, Reference, clock};
use crate::findings::{closing, counted, finding, some};

/// What is said where too little is in sight.
const SIGHT: &str = "Check the API user's security level: Service Desk, and resources";

/// What is in use, by name.
pub(super) fn reference(names: &Names) -> Reference {
    let used = |field: &str| {
        let picks = names.picks(field).iter().filter(|pick| pick.is_active());
        picks.filter_map(|pick| Some((pick.value?, pick.label.clone()?))).collect::<Vec<_>>()
    };
    let labels = |field: &str| used(field).into_iter().map(|(_, label)| label).collect();
    let statuses = used("status").into_iter().map(|(id, label)| (None, label, id == COMPLETE));
    let technicians = names.technicians().filter_map(|one| names.resource(one.id?));
    Reference {
        boards: labels(field_of(Field::Board)),
        types: used(field_of(Field::Type)).into_iter().map(|(_, label)| (None, label)).collect(),
        subtypes: used(field_of(Field::Subtype)).into_iter().map(|(_, label)| (None, label)).collect(),
        statuses: statuses.collect(),
        priorities: labels(field_of(Field::Priority)),
        technicians: technicians.collect(),
    }
}

/// Looks at all that is needed; no further than the credentials where they are refused.
pub(super) fn check(psa: &mut Autotask) -> Vec<Finding> {
    let client = &mut psa.client;
    let zone = finding("address, user and zone", client.base(true).map(|base| format!("the zone is {base}")));
    if zone.next.is_some() {
        return vec![zone];
    }
    let key = finding("credentials, requests of the hour", quota(client));
    if key.found.contains("credentials") {
        return vec![zone, key];
    }
    let mut found = vec![zone, key];
    let mut look = |what: &str, result| found.push(finding(what, result));
    look("clock", client.clock().and_then(|server| clock(server, "Autotask")));
    look("tickets", tickets(client));
    look("notes", readable(client, "TicketNotes", "ticketID"));
    look("customers and contacts", people(client));
    look("history (TicketHistory)", readable(client, HISTORY, "ticketID"));
    look("time entries", readable(client, "TimeEntries", "ticketID"));
    look("writing tickets", may(client, "Tickets", "Update"));
    look("writing notes", may(client, "TicketNotes", "Create"));
    let a_minute = client.settings.requests_per_minute;
    psa.names = None;
    match psa.parts(|_| false) {
        Err(error) => look("queues, types, statuses, priorities, resources", Err(error)),
        Ok((client, names)) => {
            let there = reference(names);
            look("queues, types, statuses, priorities, resources", counted(&there, "queues", SIGHT));
            look(CLOSING, closing(&there));
            look("roles of technicians", roles(client, names));
            look("note type", write::note_type(client, names).map(|id| named(names, id)));
            look("who writes", writer(client, names));
        }
    }
    look(
        "quota",
        Ok(format!(
            "{a_minute} requests a minute at most; history waits while others use half of the hour's"
        )),
    );
    let rules = "Autotask tells no workflow rules: what is in the rules file counts, and what is learnt";
    look("rules", Ok(rules.to_owned()));
    found
}

fn quota(client: &mut Client) -> Result<String> {
    let Some((used, most)) = client.used()? else { return Ok("the hour's requests are not told".to_owned()) };
    let told = format!("{used} of the hour's {most} requests are used, by all integrations");
    if 2 * used < most {
        return Ok(told);
    }
    Err(fault(
        &told,
        "See in Autotask which integration asks so much: history waits while half of them are used",
    ))
}

/// A user without sight of tickets is told of none, and not refused.
fn tickets(client: &mut Client) -> Result<String> {
    let open = client.count("Tickets", &json!({"op": "noteq", "field": "status", "value": COMPLETE}))?;
    if open > 0 {
        return Ok(format!("{open} open tickets in sight"));
    }
    let all = client.count("Tickets", &json!({"op": "gte", "field": "id", "value": 0}))?;
    if all > 0 {
        return Ok(format!("no open tickets, {all} in all"));
    }
    Err(fault(
        "no ticket is in sight",
        "Check the API user's security level and line of business: Autotask hides what they may not see",
    ))
}

fn people(client: &mut Client) -> Result<String> {
    let any = json!({"op": "gte", "field": "id", "value": 0});
    let (companies, contacts) = (client.count("Companies", &any)?, client.count("Contacts", &any)?);
    if companies == 0 {
        return Err(fault(
            "no company is in sight",
            "Let the API user's security level see companies and contacts",
        ));
    }
    Ok(format!("{companies} companies, {contacts} contacts"))
}

/// No ticket has the id 0: that nothing is found says that it may be asked for.
fn readable(client: &mut Client, entity: &str, field: &str) -> Result<String> {
    match client.each(entity, &[is(field, 0)], &[], &mut |_: Value| Ok(())) {
        Ok(()) | Err(Refused::Missing) => Ok("can be read".to_owned()),
        Err(refused) => Err(refused.into()),
    }
}

/// Whether the API user may do something with an entity, as the entity tells. UNCONFIRMED: the wrapper and the names.
fn may(client: &mut Client, entity: &str, deed: &str) -> Result<String> {
    let told: Value = client.get(&format!("{entity}/entityInformation"))?;
    let info = told.get("info").unwrap_or(&told);
    let can = info.get(format!("can{deed}")).and_then(Value::as_bool) != Some(false);
    let access = info.get(format!("userAccessFor{deed}")).and_then(Value::as_str).unwrap_or("not told");
    if can && !access.eq_ignore_ascii_case("none") {
        return Ok(format!("access: {access}"));
    }
    Err(fault("the API user may not", "Widen the API user's security level, where anything is to be written"))
}

/// A technician can be assigned in a role on the service desk only.
fn roles(client: &mut Client, names: &Names) -> Result<String> {
    let mut with = BTreeSet::new();
    let any = [json!({"op": "gte", "field": "id", "value": 0})];
    client.each(
        "ResourceServiceDeskRoles",
        &any,
        &["resourceID", "roleID", "isActive"],
        &mut |one: RoleOf| {
            with.extend(one.resource.filter(|_| one.is_active != Some(false)));
            Ok(())
        },
    )?;
    let without = names.technicians().filter(|one| one.id.is_some_and(|id| !with.contains(&id)));
    let without: Vec<String> = without.filter_map(|one| names.resource(one.id?)).collect();
    if without.is_empty() {
        return Ok("each has one on the service desk".to_owned());
    }
    let without: Vec<&str> = without.iter().map(String::as_str).collect();
    Ok(format!("no ticket can be assigned to these, who have none on the service desk: {}", some(&without)))
}

/// In whose name is written.
fn writer(client: &Client, names: &Names) -> Result<String> {
    let Some(id) = client.settings.act_as else { return Ok("the API user itself".to_owned()) };
    if names.technicians().any(|one| one.id == Some(id)) {
        return Ok(format!("{}, whom the API user acts as", names.resource(id).unwrap_or_default()));
    }
    Err(fault(
        &format!("it has no resource {id} that is in use"),
        "Set \"act_as\" in the settings to the id of a technician who allows to be acted as, or leave it out",
    ))
}

fn named(names: &Names, id: i64) -> String {
    let label = names.note_picks("noteType").iter().find(|pick: &&wire::Pick| pick.value == Some(id));
    label.and_then(|pick| pick.label.clone()).unwrap_or_else(|| format!("type {id}"))
}
