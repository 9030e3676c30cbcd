//! The history itself: who writes when and what becomes of it is planned first, in little memory; the tickets
//! are put into words one by one as they are asked for.

use firstline_ticket::Ticket;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::arrivals::{self, Event, Shape};
use crate::calendar::{DAY, Span};
use crate::catalog::{Catalog, Kind};
use crate::desk::{self, Handling};
use crate::dice::{Dice, Stream};
use crate::facts::Facts;
use crate::settings::Settings;
use crate::talk;
use crate::text::{self, Letter};
use crate::world::{Contact, Customer, World};

/// The priority labels of the PSA.
pub(crate) const PRIORITIES: [&str; 4] = ["P1 - Critical", "P2 - High", "P3 - Medium", "P4 - Low"];

/// What there is to know about a history before a word of it is written.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) catalog: Catalog,
    pub(crate) world: World,
    pub(crate) settings: Settings,
    pub(crate) seed: u64,
    pub(crate) events: Vec<Event>,
    pub(crate) handled: Vec<Handling>,
}

impl Plan {
    pub(crate) fn new(settings: &Settings, count: usize, seed: u64) -> Self {
        let catalog = Catalog::load();
        let world = World::new(&catalog, settings, seed);
        let events = arrivals::events(&catalog, &world, settings, count, seed);
        let handled = desk::handle(&catalog, &world, settings, &events, seed);
        Self { catalog, world, settings: settings.clone(), seed, events, handled }
    }
}

/// A ticket about to be written: everything its texts draw on.
pub(crate) struct Case<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) event: &'a Event,
    pub(crate) handling: &'a Handling,
    pub(crate) customer: &'a Customer,
    pub(crate) contact: &'a Contact,
    pub(crate) kind: &'a Kind,
    pub(crate) facts: Facts,
}

impl Case<'_> {
    /// Whether a machine opened the ticket.
    pub(crate) fn alert(&self) -> bool {
        self.kind.traits.alert
    }
}

/// Generates `count` tickets in order of `opened_at`, the same ones for the same settings and seed. The
/// settings are taken as checked ([`Settings::from_toml`], [`Settings::default`]).
pub fn generate(settings: &Settings, count: usize, seed: u64) -> History {
    History { plan: Plan::new(settings, count, seed), next: 0, day: i64::MIN, number: 0 }
}

/// The tickets of a generated history, in order of time.
#[derive(Debug)]
pub struct History {
    plan: Plan,
    next: usize,
    /// Day of the last ticket and its number within that day.
    day: i64,
    number: u32,
}

impl History {
    fn id(&mut self, at: i64) -> String {
        let day = at.div_euclid(DAY);
        self.number = if day == self.day { self.number + 1 } else { 1 };
        self.day = day;
        let date = timestamp(at).to_zoned(jiff::tz::TimeZone::UTC).date();
        format!("T{:04}{:02}{:02}-{:04}", date.year(), date.month(), date.day(), self.number)
    }
}

impl Iterator for History {
    type Item = Ticket;

    fn next(&mut self) -> Option<Ticket> {
        let at = self.plan.events.get(self.next)?.at;
        let id = self.id(at);
        let ticket = write(&self.plan, self.next, id);
        self.next += 1;
        Some(ticket)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.plan.events.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for History {}

fn write(plan: &Plan, index: usize, id: String) -> Ticket {
    let (event, handling) = (&plan.events[index], &plan.handled[index]);
    let customer = &plan.world.customers[event.customer];
    let contact = &customer.contacts[event.contact];
    let kind = &plan.catalog.kinds[event.kind];
    let mut dice = Dice::new(plan.seed, Stream::Facts, event.facts);
    let product = &plan.settings.product.name;
    let mut facts = Facts::draw(customer, contact, &plan.catalog.slots, product, &mut dice);
    let mut dress = Dice::new(plan.seed, Stream::Dress, index as u64);
    if event.shape == Shape::Storm || kind.traits.nightly {
        facts.redraw_numbers(&mut dress);
    }
    let case = Case { plan, event, handling, customer, contact, kind, facts };
    let letter = text::write(&case, &mut dress);
    let mut talk = Dice::new(plan.seed, Stream::Talk, index as u64);
    let end = Span::ending(plan.settings.end, plan.settings.days).end();
    let (messages, resolution) = talk::write(&case, end, &mut talk);
    let ticket = Ticket { id, messages, resolution, ..labelled(&case, end) };
    let Letter { subject, body, source } = letter;
    Ticket { subject, body, source: Some(source.to_owned()), ..ticket }
}

/// All of the ticket that is not text. What lies beyond the end of the history has not happened yet.
fn labelled(case: &Case<'_>, end: i64) -> Ticket {
    let handling = case.handling;
    let place = &case.plan.catalog.places[handling.place];
    let past = |at: i64| (at < end).then(|| timestamp(at));
    let resolved = past(handling.resolved_at);
    Ticket {
        opened_at: Some(timestamp(case.event.at)),
        customer: Some(case.customer.name.clone()),
        contact: (!case.alert()).then(|| case.contact.name()),
        board: Some(place.board.clone()),
        kind: Some(place.kind.clone()),
        subtype: Some(place.subtype.clone()),
        priority: Some(PRIORITIES[handling.priority].to_owned()),
        technician: Some(case.plan.catalog.staff[handling.technician].name.clone()),
        first_response_at: past(handling.responded_at),
        resolved_at: resolved,
        reopened: Some(handling.reopened && resolved.is_some()),
        escalated: Some(handling.escalated),
        extra: extra(case),
        ..Ticket::default()
    }
}

fn extra(case: &Case<'_>) -> Map<String, Value> {
    let mut extra = Map::new();
    if !case.alert() && case.contact.vip {
        extra.insert("vip".into(), Value::Bool(true));
    }
    if case.plan.settings.include_truth {
        let shape = match case.event.shape {
            Shape::Single => "single",
            Shape::Echo => "echo",
            Shape::Outage => "outage",
            Shape::Storm => "storm",
        };
        let truth = json!({ "kind": case.kind.name, "noisy_fields": case.handling.noisy, "event": shape });
        extra.insert("generated".into(), truth);
    }
    extra
}

pub(crate) fn timestamp(at: i64) -> Timestamp {
    Timestamp::from_second(at).expect("settings keep a history between 1980 and 2200")
}
