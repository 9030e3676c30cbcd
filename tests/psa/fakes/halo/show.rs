//! A ticket as Halo shows it: thin in lists, with names in detail, with other keys in what a POST replies.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::numbers::What;
use super::refusals::{Outcome, Refusal};
use super::times::{self, Spelling};
use super::{Halo, UNASSIGNED, people, sla};
use crate::deed::Deed;
use crate::world::{Id, Stage, Ticket, World};

/// How much of a ticket is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// How keys and times are spelled.
    pub(super) spelling: Spelling,
    /// With names and long texts.
    pub(super) detail: bool,
    /// With custom fields.
    pub(super) custom: bool,
}

/// Whether the agent of the application can see a ticket. UNCONFIRMED: one of a team that they can't see is as if it weren't there.
pub(super) fn visible(world: &World, ticket: &Ticket) -> bool {
    !ticket.deleted && world.boards.get(&ticket.board).is_none_or(|board| !board.hidden)
}

/// A ticket that can be seen.
pub(super) fn found(world: &World, id: Id) -> Outcome<&Ticket> {
    let ticket = world.tickets.get(&id).filter(|ticket| visible(world, ticket));
    ticket.ok_or_else(|| Refusal::missing(format!("Ticket {id} was not found")))
}

/// When it was last updated, as the tenant counts it.
pub(super) fn updated(halo: &Halo, world: &World, ticket: &Ticket) -> Timestamp {
    if halo.settings.actions_move_last_update {
        return times::whole(ticket.updated_at);
    }
    let of_ticket = halo.numbers.changes(world, ticket.id).map(|change| change.at);
    times::whole(of_ticket.max().unwrap_or(ticket.entered_at))
}

/// A ticket. UNCONFIRMED: what an unset category, user or type looks like; here `""`, 0 and the tenant's first type.
pub(super) fn ticket(halo: &Halo, world: &World, ticket: &Ticket, look: Look) -> Value {
    let mut body = head(halo, world, ticket);
    clocks(&mut body, (halo, world, ticket), look.spelling);
    if let Some(body) = body.as_object_mut() {
        let kept = ticket.kept.iter().filter(|(key, _)| key.as_str() != "customfields");
        body.extend(kept.map(|(key, value)| (key.clone(), value.clone())));
    }
    if look.custom {
        body["customfields"] = custom_fields(ticket);
    }
    if look.detail {
        detail(&mut body, world, ticket);
    }
    if look.spelling == Spelling::Written {
        respell(&mut body);
    }
    body
}

fn head(halo: &Halo, world: &World, ticket: &Ticket) -> Value {
    let company = world.companies.get(&ticket.company);
    let contact = ticket.contact.and_then(|id| world.contacts.get(&id));
    let category = ticket.subkind.and_then(|id| world.subkinds.get(&id));
    let own = halo.numbers.of(ticket.id).iter().filter(|action| action.from.is_none());
    let mut notes = own.filter_map(|action| match action.what {
        What::Note(id) => world.notes.get(&id),
        _ => None,
    });
    let opening = notes.find(|note| note.first);
    let waits =
        ticket.status.and_then(|id| world.statuses.get(&id)).is_some_and(|s| s.stage == Stage::Waiting);
    let urgency = world.priorities.keys().position(|id| Some(*id) == ticket.priority).unwrap_or(2) + 1;
    json!({
        "id": ticket.id, "summary": ticket.summary, "details": opening.map_or("", |note| &note.text),
        "status_id": ticket.status, "tickettype_id": kind(world, ticket), "itil_requesttype_id": 1, "sla_id": 1,
        "priority_id": ticket.priority, "impact": urgency, "urgency": urgency,
        "client_id": ticket.company, "client_name": company.map(|company| &company.name),
        "site_id": people::site(ticket.company), "site_name": "Main",
        "user_id": contact.map_or(0, |contact| contact.id), "user_name": contact.map_or("", |contact| &contact.name),
        "user_email": contact.map_or("", |contact| &contact.email), "reportedby": contact.map_or("", |c| &c.name),
        "team": world.boards.get(&ticket.board).map(|board| &board.name), "team_id": ticket.board,
        "agent_id": ticket.owner.unwrap_or(UNASSIGNED), "source": ticket.source.unwrap_or(0),
        "category_1": category.map_or("", |category| &category.name),
        "category_2": "", "category_3": "", "category_4": "",
        "categoryid_1": category.map_or(0, |category| category.id),
        "onhold": waits, "inactive": false, "hasbeenclosed": ticket.has_been_closed, "excludefromsla": false,
        "merged_into_id": ticket.merged_into.unwrap_or(0), "parent_id": 0, "flagged": false, "read": true,
        "child_count": 0, "attachment_count": 0, "use": "ticket",
    })
}

/// The type; the tenant's first where none is set, since each ticket has one.
pub(super) fn kind(world: &World, ticket: &Ticket) -> Option<Id> {
    ticket.kind.or_else(|| world.kinds.keys().next().copied())
}

fn clocks(body: &mut Value, (halo, world, ticket): (&Halo, &World, &Ticket), spelling: Spelling) {
    let [respond, fix] = sla::targets(world, ticket);
    let responded = sla::responded(world, ticket, &halo.numbers);
    let last = halo.numbers.of(ticket.id).iter().map(|action| action.at).max();
    let assigned = halo.numbers.changes(world, ticket.id).rfind(|change| change.deed == Deed::Owner);
    let moved = halo.numbers.changes(world, ticket.id).rfind(|change| change.deed == Deed::Status);
    let now = world.now();
    body["dateoccurred"] = json!(spelling.time(Some(ticket.entered_at)));
    body["datecreated"] = json!(spelling.time(Some(ticket.entered_at)));
    body["laststatuschangestatusdate"] =
        json!(spelling.time(Some(moved.map_or(ticket.entered_at, |change| change.at))));
    body["dateassigned"] = json!(spelling.time(assigned.map(|change| change.at)));
    body["respondbydate"] = json!(spelling.time(respond));
    body["responsedate"] = json!(spelling.time(responded));
    body["fixbydate"] = json!(spelling.time(fix));
    body["deadlinedate"] = json!(spelling.time(None));
    body["dateclosed"] = json!(spelling.time(ticket.closed_at));
    body["lastactiondate"] = json!(spelling.time(Some(last.unwrap_or(ticket.entered_at))));
    body["last_update"] = json!(spelling.time(Some(updated(halo, world, ticket))));
    body["slaresponsestate"] = json!(sla::state(respond, responded, now));
    body["slastate"] = json!(sla::state(fix, ticket.closed_at, now));
    body["slaholdtime"] = json!(sla::held(world, ticket, &halo.numbers));
}

fn detail(body: &mut Value, world: &World, ticket: &Ticket) {
    let name = |of: Deed, id: Option<Id>| id.and_then(|id| world.name_of(of, id));
    let details = body["details"].as_str().unwrap_or_default().to_owned();
    body["guid"] = json!(guid(ticket.id, 0));
    if body["details_html"].is_null() {
        body["details_html"] = json!(html(&details));
    }
    body["status_name"] = json!(name(Deed::Status, ticket.status));
    body["priority_name"] = json!(name(Deed::Priority, ticket.priority));
    body["tickettype_name"] = json!(name(Deed::Kind, kind(world, ticket)));
    body["agent_name"] = json!(name(Deed::Owner, ticket.owner).unwrap_or_else(|| "Unassigned".to_owned()));
    body["sla_name"] = json!("Standard");
    body["responsestartdate"] = body["dateoccurred"].clone();
    if body["third_party_id"].is_null() {
        body["third_party_id"] = json!(0);
    }
}

/// The one custom field that the tenant has.
fn custom_fields(ticket: &Ticket) -> Value {
    let kept = ticket.kept.get("customfields").and_then(Value::as_array).into_iter().flatten();
    let value =
        kept.filter(|field| field["id"] == super::ASSET_TAG).map(|field| field["value"].clone()).next();
    json!([{
        "id": super::ASSET_TAG, "name": "CFassetTag", "label": "Asset tag", "type": 0,
        "value": value.unwrap_or(Value::Null),
    }])
}

/// A POST replies with some keys spelled otherwise.
fn respell(body: &mut Value) {
    let Some(body) = body.as_object_mut() else { return };
    let keys = [
        ("last_update", "lastupdate"),
        ("user_email", "useremail"),
        ("category_1", "category1"),
        ("category_2", "category2"),
        ("category_3", "category3"),
        ("category_4", "category4"),
    ];
    for (read, written) in keys {
        if let Some(value) = body.remove(read) {
            body.insert(written.to_owned(), value);
        }
    }
}

/// An id that is the same each time.
pub(super) fn guid(ticket: Id, number: Id) -> String {
    format!("{ticket:08x}-0000-4000-8000-{number:012x}")
}

/// Plain text as HTML.
pub(super) fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<p>{}</p>", escaped.replace('\n', "<br>"))
}

/// HTML as plain text: tags are left out, breaks become lines.
pub(super) fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let Some((tag, tail)) = after.split_once('>') else {
            rest = after;
            break;
        };
        let tag = tag.trim_matches('/').trim().to_ascii_lowercase();
        if tag == "br" || tag == "p" || tag == "div" {
            text.push('\n');
        }
        rest = tail;
    }
    text.push_str(rest);
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&amp;", "&");
    text.trim().to_owned()
}
