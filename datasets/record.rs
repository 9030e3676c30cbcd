//! What the PSA keeps beside a ticket: its audit trail as events, its messages, time entries, the labels that it came in with.
//!
//! Must never say anything that the ticket itself contradicts: the last value of a trail is the ticket's own, and nothing in it is
//! later than the end of the history.

use std::collections::BTreeMap;

use firstline_ticket::{ActorKind, Changed, Event, Field, Happening, Message};
use serde_json::{Map, Value, json};

use crate::arrivals::Shape;
use crate::calendar::MINUTE;
use crate::desk::moment;
use crate::dice::{Dice, Stream};
use crate::history::{PRIORITIES, Scene, timestamp};
use crate::talk::{DESK, Role, Said};

/// The board of the second tier. Tickets pass through it; none is closed there.
pub(crate) const SECOND_TIER: &str = "Tier 2 Escalations";
/// Statuses in which a ticket is done.
pub(crate) const CLOSED: [&str; 2] = ["Closed", "Merged"];
/// Statuses in which the desk waits for others.
pub(crate) const WAITING: [&str; 2] = ["Waiting on customer", "Waiting on vendor"];
const NEW: &str = "New";
const IN_PROGRESS: &str = "In Progress";

/// Seconds after the opening within which the rules run.
const RULES_RUN: (i64, i64) = (2, 50);
/// Work that is logged in two entries.
const LONG: i64 = 30 * MINUTE;
/// What most technicians round their time to, in seconds.
const QUARTER: i64 = 15 * MINUTE;

/// The messages of a conversation, as the ticket has them.
pub(crate) fn messages(scene: &Scene<'_>, said: &[Said]) -> Vec<Message> {
    let one = |(i, said): (usize, &Said)| {
        let mut extra = Map::new();
        if scene.plan.settings.include_history {
            extra.insert("psa_key".into(), message_key(i).into());
        }
        if is_automatic(said.role) {
            extra.insert("headers".into(), json!({ "Auto-Submitted": "auto-replied" }));
        }
        let from = if by_desk(said.role) { "technician" } else { "customer" };
        let (at, from, text) = (Some(timestamp(said.at)), from.to_owned(), said.text.clone());
        Message { at, from, text, visible: Some(said.visible), extra }
    };
    said.iter().enumerate().map(one).collect()
}

fn message_key(i: usize) -> String {
    format!("m{i:03}")
}

fn by_desk(role: Role) -> bool {
    matches!(role, Role::Acknowledgement { .. } | Role::Technician(_))
}

fn is_automatic(role: Role) -> bool {
    matches!(role, Role::Acknowledgement { with_header: true } | Role::OutOfOffice)
}

/// The keys beside those that every ticket has.
pub(crate) fn keys(
    scene: &Scene<'_>,
    said: &[Said],
    initial: &BTreeMap<Field, String>,
) -> Map<String, Value> {
    let mut keys = Map::new();
    let course = scene.course;
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            keys.insert(key.to_owned(), value);
        }
    };
    let done = scene.handling.resolved(scene.end).filter(|_| course.merged.is_none());
    put("handle_seconds", done.map(|_| worked(scene).into()));
    put("outcome_reported_at", course.reported_at.map(|at| timestamp(at).to_string().into()));
    put("sla_credit_at", course.sla_credit_at.map(|at| timestamp(at).to_string().into()));
    put("initial_labels", Some(json!(initial)));
    put("events", Some(json!(events(scene, said, initial))));
    keys
}

/// A trail while it is written.
struct Trail<'a, 'b> {
    scene: &'a Scene<'b>,
    /// In any order; equal instants as they happened.
    events: Vec<Event>,
    status: &'static str,
}

/// Who changes something.
#[derive(Clone, Copy)]
enum By<'a> {
    Technician(usize),
    /// Who gives tickets out.
    Dispatcher,
    System(&'a str),
}

/// All that happened, in order of time.
fn events(scene: &Scene<'_>, said: &[Said], initial: &BTreeMap<Field, String>) -> Vec<Event> {
    let mut dice = Dice::new(scene.plan.seed, Stream::Log, scene.index as u64);
    let mut trail = Trail { scene, events: Vec::new(), status: NEW };
    trail.intake(initial, &mut dice);
    trail.filing(initial, &mut dice);
    let answered = said.iter().any(|said| said.role == Role::Answers);
    trail.statuses(answered);
    trail.second_tier();
    trail.time_entries();
    let mut events = trail.events;
    events.sort_by_key(|event| event.at);
    for (i, event) in events.iter_mut().enumerate() {
        event.psa_key = format!("h{i:03}");
    }
    events.extend(said.iter().enumerate().map(|(i, said)| spoken(scene, i, said)));
    events.sort_by_key(|event| event.at);
    events
}

/// A message as an event.
fn spoken(scene: &Scene<'_>, i: usize, said: &Said) -> Event {
    let staff = &scene.plan.catalog.staff;
    let actor = match said.role {
        Role::Acknowledgement { .. } => DESK.to_owned(),
        Role::Technician(technician) => staff[technician].name.clone(),
        _ => scene.contact.name(),
    };
    let from_desk = by_desk(said.role);
    let actor_kind = if from_desk { ActorKind::Technician } else { ActorKind::Customer };
    let text_key = (from_desk && said.visible).then(|| text_key(&said.text, &scene.contact.name()));
    let what = Happening::Message { visible: said.visible, automatic: is_automatic(said.role), text_key };
    Event { psa_key: message_key(i), at: timestamp(said.at), actor: Some(actor), actor_kind, what }
}

/// FNV-1a of the words of `text`, without numbers and the words of `name`.
fn text_key(text: &str, name: &str) -> u64 {
    let own: Vec<&str> = name.split(' ').collect();
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !word.contains(|c: char| c.is_numeric()) && !own.contains(word));
    let bytes = words.flat_map(|word| word.bytes().chain([b' ']));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

impl Trail<'_, '_> {
    fn name(&self, technician: usize) -> String {
        self.scene.plan.catalog.staff[technician].name.clone()
    }

    /// Adds what happened at `at`, if the history goes so far.
    fn add(&mut self, at: i64, by: By<'_>, what: Happening) {
        if at >= self.scene.end {
            return;
        }
        let (actor, actor_kind) = match by {
            By::Technician(technician) => (self.name(technician), ActorKind::Technician),
            By::Dispatcher => ("Dispatch".to_owned(), ActorKind::Technician),
            By::System(name) => (name.to_owned(), ActorKind::System),
        };
        let (psa_key, at, actor) = (String::new(), timestamp(at), Some(actor));
        self.events.push(Event { psa_key, at, actor, actor_kind, what });
    }

    fn change(&mut self, at: i64, by: By<'_>, of: Changed, (from, to): (Option<&str>, &str)) {
        let (from, to) = (from.map(str::to_owned), Some(to.to_owned()));
        self.add(at, by, Happening::Change { of, from, to });
    }

    fn set_status(&mut self, at: i64, by: By<'_>, to: &'static str) {
        let from = std::mem::replace(&mut self.status, to);
        self.change(at, by, Changed::Status, (Some(from), to));
    }

    /// The instant, or the last of the history.
    fn within(&self, at: i64) -> i64 {
        at.min((self.scene.end - 1).max(self.scene.event.at))
    }

    /// When the ticket is filed: as somebody begins with it, or by the end of the history.
    fn filed_at(&self) -> i64 {
        self.within(self.scene.handling.started_at)
    }

    /// What the rules change of a ticket with the PSA's defaults.
    fn intake(&mut self, initial: &BTreeMap<Field, String>, dice: &mut Dice) {
        let at = self.within(self.scene.event.at + dice.between(RULES_RUN.0, RULES_RUN.1));
        let defaults = [
            (Field::Board, Some(crate::rules::INBOX)),
            (Field::Type, None),
            (Field::Priority, Some(crate::rules::PRIORITY)),
        ];
        for (field, default) in defaults {
            if let Some(label) =
                initial.get(&field).map(String::as_str).filter(|label| Some(*label) != default)
            {
                self.change(at, By::System("Routing rules"), changed(field), (default, label));
            }
        }
    }

    /// Who gets it, and what the one who begins changes of the labels and the customer.
    fn filing(&mut self, initial: &BTreeMap<Field, String>, dice: &mut Dice) {
        let scene = self.scene;
        let (opened, filed, owner) = (scene.event.at, self.filed_at(), scene.handling.technician);
        let assigned = (opened + MINUTE + 1).max(opened + ((filed - opened) as f64 * dice.unit()) as i64);
        let assigned = assigned.min(filed);
        let first = self.name(scene.course.first_owner);
        self.change(assigned, By::Dispatcher, Changed::Owner, (None, &first));
        let by = By::Technician(owner);
        if scene.course.first_owner != owner {
            let (by, to) = (By::Technician(scene.course.first_owner), self.name(owner));
            self.change(filed, by, Changed::Owner, (Some(&first), &to));
        }
        let place = &scene.plan.catalog.places[scene.handling.place];
        let labels = [
            (Field::Board, place.board.as_str()),
            (Field::Type, &place.kind),
            (Field::Subtype, &place.subtype),
            (Field::Priority, PRIORITIES[scene.handling.priority]),
        ];
        for (field, label) in labels {
            let was = initial.get(&field).map(String::as_str);
            if was != Some(label) {
                self.change(filed, by, changed(field), (was, label));
            }
        }
        if let Some(wrong) = scene.course.came_under {
            let wrong = scene.plan.world.customers[wrong].name.as_str();
            self.change(filed, by, Changed::Customer, (Some(wrong), &scene.customer.name));
        }
    }

    fn statuses(&mut self, answered: bool) {
        let scene = self.scene;
        let h = scene.handling;
        let (by, customer) = (By::Technician(h.technician), By::System("Customer's reply"));
        if let Some(merge) = scene.course.merged {
            self.set_status(merge.at, by, CLOSED[1]);
            self.add(merge.at, by, Happening::Merge { into: scene.plan.id(merge.into) });
            return;
        }
        self.set_status(h.started_at, by, IN_PROGRESS);
        if answered {
            self.set_status(h.responded_at, by, WAITING[0]);
            self.set_status(h.at(moment::CUSTOMER_ANSWERS), customer, IN_PROGRESS);
        }
        if h.vendor {
            self.set_status(h.at(moment::VENDOR_FROM), by, WAITING[1]);
            self.set_status(h.at(moment::VENDOR_TO), by, IN_PROGRESS);
        }
        let closer = By::Technician(scene.closer());
        if h.reopening.is_some() {
            self.set_status(h.at(moment::FIRST_CLOSED), closer, CLOSED[0]);
            let again = if scene.alert() { By::System("Monitoring") } else { customer };
            self.set_status(h.at(moment::OPENED_AGAIN), again, IN_PROGRESS);
        }
        self.set_status(h.resolved_at, closer, CLOSED[0]);
    }

    /// To the second tier and, mostly, back.
    fn second_tier(&mut self) {
        let scene = self.scene;
        let h = scene.handling;
        let (Some(senior), true) = (scene.course.senior, scene.course.merged.is_none()) else { return };
        let (up, back) = (h.at(moment::ESCALATED), h.back_at());
        let (first, engineer) = (self.name(h.technician), self.name(senior.technician));
        let board = scene.plan.catalog.places[h.place].board.as_str();
        let (sends, returns) = (By::Technician(h.technician), By::Technician(senior.technician));
        if senior.by_board {
            self.change(up, sends, Changed::Board, (Some(board), SECOND_TIER));
            self.change(back, returns, Changed::Board, (Some(SECOND_TIER), board));
        }
        self.change(up, sends, Changed::Owner, (Some(&first), &engineer));
        if !senior.keeps {
            self.change(back, returns, Changed::Owner, (Some(&engineer), &first));
        }
    }

    fn time_entries(&mut self) {
        for (technician, seconds, at) in sessions(self.scene) {
            let exact = self.scene.plan.exact[technician];
            let quarters = ((seconds + QUARTER / 2) / QUARTER).max(1) * QUARTER;
            let seconds = if exact { seconds } else { quarters } as f64;
            self.add(at, By::Technician(technician), Happening::TimeEntry { seconds, visible: false });
        }
    }
}

/// Seconds of work until the history ends.
fn worked(scene: &Scene<'_>) -> i64 {
    let done = sessions(scene).into_iter().filter(|(_, _, at)| *at < scene.end);
    done.map(|(_, seconds, _)| seconds).reduce(|a, b| a + b).unwrap_or(scene.handling.work)
}

/// Who worked how many seconds, until when. Nobody logs the alerts of a storm one by one.
fn sessions(scene: &Scene<'_>) -> Vec<(usize, i64, i64)> {
    let h = scene.handling;
    if scene.course.merged.is_some() || scene.event.shape == Shape::Storm {
        return Vec::new();
    }
    let first = h.technician;
    if let Some(senior) = scene.course.senior {
        let own = h.work * 2 / 5;
        let done = if senior.keeps { h.resolved_at } else { h.back_at() };
        return vec![(first, own, h.at(moment::ESCALATED)), (senior.technician, h.work - own, done)];
    }
    let half = h.work / 2;
    match h.reopening {
        Some(_) => vec![(first, half, h.at(moment::FIRST_CLOSED)), (first, h.work - half, h.resolved_at)],
        None if h.work >= LONG => {
            let pause = (h.started_at + half).min(h.resolved_at);
            vec![(first, half, pause), (first, h.work - half, h.resolved_at)]
        }
        None => vec![(first, h.work, h.resolved_at)],
    }
}

fn changed(field: Field) -> Changed {
    match field {
        Field::Board => Changed::Board,
        Field::Type => Changed::Type,
        Field::Subtype => Changed::Subtype,
        Field::Priority => Changed::Priority,
        Field::Technician => Changed::Owner,
    }
}

#[cfg(test)]
mod tests;
