//! The history itself: who writes when and what becomes of it is planned first, in little memory; the tickets
//! are put into words one by one as they are asked for.

use firstline_ticket::Ticket;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::arrivals::{self, Event, Shape};
use crate::calendar::{DAY, Span};
use crate::catalog::{Catalog, Kind};
use crate::course::{self, Course};
use crate::desk::{self, Handling};
use crate::dice::{Dice, Stream};
use crate::facts::Facts;
use crate::record;
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
    pub(crate) courses: Vec<Course>,
    /// Which technicians log their time to the second.
    pub(crate) exact: Vec<bool>,
    /// Each ticket's number within its day.
    numbers: Vec<u32>,
}

impl Plan {
    pub(crate) fn new(settings: &Settings, count: usize, seed: u64) -> Self {
        let catalog = Catalog::load();
        let world = World::new(&catalog, settings, seed);
        let events = arrivals::events(&catalog, &world, settings, count, seed);
        let handled = desk::handle(&catalog, &world, settings, &events, seed);
        let courses = course::courses(&catalog, &world, settings, (&events, &handled), seed);
        let exact = course::exact_loggers(&catalog, settings, seed);
        let numbers = numbers(&events);
        Self { catalog, world, settings: settings.clone(), seed, events, handled, courses, exact, numbers }
    }

    /// The id of the ticket with this index.
    pub(crate) fn id(&self, index: usize) -> String {
        let date = timestamp(self.events[index].at).to_zoned(jiff::tz::TimeZone::UTC).date();
        format!("T{:04}{:02}{:02}-{:04}", date.year(), date.month(), date.day(), self.numbers[index])
    }

    /// The first instant after the history.
    pub(crate) fn end(&self) -> i64 {
        Span::ending(self.settings.end, self.settings.days).end()
    }
}

/// Numbers of `events`, which are in order of time, from 1 each day.
fn numbers(events: &[Event]) -> Vec<u32> {
    let (mut day, mut number) = (i64::MIN, 0);
    let mut next = |event: &Event| {
        let own = event.at.div_euclid(DAY);
        number = if own == day { number + 1 } else { 1 };
        day = own;
        number
    };
    events.iter().map(&mut next).collect()
}

/// What stands behind a ticket about to be written: everything its texts draw on.
pub(crate) struct Scene<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) index: usize,
    /// The first instant after the history.
    pub(crate) end: i64,
    pub(crate) event: &'a Event,
    pub(crate) handling: &'a Handling,
    pub(crate) course: &'a Course,
    pub(crate) customer: &'a Customer,
    pub(crate) contact: &'a Contact,
    pub(crate) kind: &'a Kind,
    pub(crate) facts: Facts,
}

impl Scene<'_> {
    /// Whether a machine opened the ticket.
    pub(crate) fn alert(&self) -> bool {
        self.kind.traits.alert
    }

    /// Index of the technician who closes the ticket, or has it when the history ends.
    pub(crate) fn closer(&self) -> usize {
        let senior = self.course.senior.filter(|senior| senior.keeps);
        senior.map_or(self.handling.technician, |senior| senior.technician)
    }
}

/// Generates `count` tickets in order of `opened_at`, the same ones for the same settings and seed. The
/// settings are taken as checked ([`Settings::from_toml`], [`Settings::default`]).
pub fn generate(settings: &Settings, count: usize, seed: u64) -> GeneratedHistory {
    GeneratedHistory { plan: Plan::new(settings, count, seed), next: 0 }
}

/// The tickets of a generated history, in order of time.
#[derive(Debug)]
pub struct GeneratedHistory {
    plan: Plan,
    next: usize,
}

impl GeneratedHistory {
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }
}

impl Iterator for GeneratedHistory {
    type Item = Ticket;

    fn next(&mut self) -> Option<Ticket> {
        let ticket = (self.next < self.plan.events.len()).then(|| write(&self.plan, self.next))?;
        self.next += 1;
        Some(ticket)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.plan.events.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for GeneratedHistory {}

/// What stands behind a ticket, and the chance that gives its first message a form.
fn scene(plan: &Plan, index: usize) -> (Scene<'_>, Dice) {
    let (event, handling, course) = (&plan.events[index], &plan.handled[index], &plan.courses[index]);
    let customer = &plan.world.customers[event.customer];
    let contact = &customer.contacts[event.contact];
    let kind = &plan.catalog.kinds[event.kind];
    let mut dice = Dice::new(plan.seed, Stream::Facts, event.facts);
    let product = &plan.settings.product.name;
    let mut facts = Facts::draw(customer, contact, &plan.catalog, product, &mut dice);
    let mut dress = Dice::new(plan.seed, Stream::Dress, index as u64);
    if kind.traits.alert {
        facts.draw_numbers(480, &mut dress);
    }
    let end = plan.end();
    (Scene { plan, index, end, event, handling, course, customer, contact, kind, facts }, dress)
}

fn write(plan: &Plan, index: usize) -> Ticket {
    let (scene, mut dress) = scene(plan, index);
    let Letter { subject, body, source } = text::write(&scene, &mut dress);
    let mut talk = Dice::new(plan.seed, Stream::Talk, index as u64);
    let (said, resolution) = talk::write(&scene, &mut talk);
    let text = [&subject, &body].map(|text| text.as_deref().unwrap_or_default()).join(" ");
    let mut ticket = Ticket { subject, body, source: Some(source.to_owned()), ..labelled(&scene) };
    if plan.settings.include_history {
        let initial = plan.catalog.rules.route(source, &text);
        ticket.extra.extend(record::keys(&scene, &said, &initial));
    }
    // The PSA takes the machine's word for the first response.
    let acknowledged = said
        .first()
        .filter(|said| matches!(said.role, talk::Role::Acknowledgement { .. }))
        .map(|said| said.at);
    let first_response_at = acknowledged.map(timestamp).or(ticket.first_response_at);
    Ticket { messages: record::messages(&scene, &said), resolution, first_response_at, ..ticket }
}

/// All of the ticket that is not text. What lies beyond the end of the history has not happened yet.
fn labelled(scene: &Scene<'_>) -> Ticket {
    let (handling, end) = (scene.handling, scene.end);
    let place = &scene.plan.catalog.places[handling.place];
    let merged = scene.course.merged;
    let resolved = merged.map(|merge| merge.at).or(handling.resolved(end));
    let answered = Some(handling.responded_at).filter(|at| merged.is_none() && *at < end);
    Ticket {
        id: scene.plan.id(scene.index),
        opened_at: Some(timestamp(scene.event.at)),
        customer: Some(scene.customer.name.clone()),
        contact: (!scene.alert()).then(|| scene.contact.name()),
        board: Some(place.board.clone()),
        kind: Some(place.kind.clone()),
        subtype: Some(place.subtype.clone()),
        priority: Some(PRIORITIES[handling.priority].to_owned()),
        technician: Some(scene.plan.catalog.staff[scene.closer()].name.clone()),
        first_response_at: answered.map(timestamp),
        resolved_at: resolved.map(timestamp),
        reopened: Some(merged.is_none() && handling.opened_again(end).is_some()),
        escalated: Some(scene.course.senior.is_some()),
        extra: extra(scene),
        ..Ticket::default()
    }
}

fn extra(scene: &Scene<'_>) -> Map<String, Value> {
    let mut extra = Map::new();
    if !scene.alert() && scene.contact.vip {
        extra.insert("vip".into(), Value::Bool(true));
    }
    if let Some(merge) = scene.course.merged {
        extra.insert("merged_into".into(), scene.plan.id(merge.into).into());
    }
    if scene.plan.settings.include_truth {
        let shape = match scene.event.shape {
            Shape::Single => "single",
            Shape::Echo => "echo",
            Shape::Outage => "outage",
            Shape::Storm => "storm",
        };
        let truth = json!({ "kind": scene.kind.name, "noisy_fields": scene.handling.noisy, "event": shape });
        extra.insert("generated".into(), truth);
    }
    extra
}

pub(crate) fn timestamp(at: i64) -> Timestamp {
    Timestamp::from_second(at).expect("settings keep a history between 1980 and 2200")
}

/// The language, role and text of all that is said in one ticket.
#[cfg(test)]
pub(crate) fn said(plan: &Plan, index: usize) -> Vec<(String, talk::Role, String)> {
    let (scene, _) = scene(plan, index);
    let (said, _) = talk::write(&scene, &mut Dice::new(plan.seed, Stream::Talk, index as u64));
    said.into_iter().map(|said| (scene.contact.language.clone(), said.role, said.text)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn with_truth() -> Settings {
        Settings { include_truth: true, ..Settings::default() }
    }

    #[test]
    fn the_same_seed_gives_the_same_tickets_and_another_seed_others() {
        let settings = Settings::default();
        let json = |seed| {
            let lines = generate(&settings, 300, seed).map(|t| serde_json::to_string(&t).unwrap());
            lines.collect::<Vec<_>>()
        };
        assert_eq!(json(1), json(1));
        let (one, two) = (json(1), json(2));
        assert!(one.iter().zip(&two).all(|(a, b)| a != b));
    }

    #[test]
    fn every_ticket_passes_the_check_and_ids_are_unique() {
        let tickets = generate(&Settings::default(), 3000, 9);
        assert_eq!(tickets.len(), 3000);
        let mut ids = BTreeSet::new();
        let mut last = None;
        for ticket in tickets {
            ticket.check("generated").unwrap();
            assert!(ticket.opened_at >= last, "{} is out of order", ticket.id);
            last = ticket.opened_at;
            assert!(ids.insert(ticket.id));
        }
        assert_eq!(ids.len(), 3000);
    }

    #[test]
    fn labels_are_valid_and_times_go_forward() {
        let catalog = Catalog::load();
        let path = |p: &crate::catalog::Place| [p.board.clone(), p.kind.clone(), p.subtype.clone()];
        let valid: BTreeSet<_> = catalog.places.iter().map(path).collect();
        let (mut closed, mut talked) = (0, 0);
        for ticket in generate(&Settings::default(), 2000, 4) {
            let place = [&ticket.board, &ticket.kind, &ticket.subtype].map(|l| l.clone().unwrap());
            assert!(valid.contains(&place), "{place:?}");
            assert!(PRIORITIES.contains(&ticket.priority.as_deref().unwrap()));
            let opened = ticket.opened_at.unwrap();
            assert!(ticket.first_response_at.is_none_or(|r| r > opened));
            let merged = ticket.extra.contains_key("merged_into");
            assert!(merged || ticket.resolved_at.is_none_or(|r| r >= ticket.first_response_at.unwrap()));
            assert_eq!(ticket.resolved_at.is_some(), ticket.resolution.is_some());
            assert!(ticket.messages.is_sorted_by_key(|m| m.at));
            assert!(ticket.messages.iter().all(|m| m.at.unwrap() > opened && !m.text.contains('{')));
            closed += usize::from(ticket.resolved_at.is_some());
            talked += usize::from(ticket.messages.len() > 1);
        }
        assert!((1900..2000).contains(&closed), "some tickets are still open: {closed}");
        assert!(talked > 1000);
    }

    #[test]
    fn the_truth_is_told_only_where_it_is_asked_for() {
        assert!(generate(&Settings::default(), 200, 1).all(|t| !t.extra.contains_key("generated")));
        let mut kinds = BTreeMap::<String, usize>::new();
        for ticket in generate(&with_truth(), 200, 1) {
            let kind = ticket.extra["generated"]["kind"].as_str().unwrap().to_owned();
            *kinds.entry(kind).or_default() += 1;
        }
        assert!(kinds.len() > 30);
    }

    #[test]
    fn asking_for_the_truth_changes_nothing_else() {
        let plain: Vec<Ticket> = generate(&Settings::default(), 100, 6).collect();
        let told = generate(&with_truth(), 100, 6).map(|mut t| {
            t.extra.remove("generated");
            t
        });
        assert_eq!(plain, told.collect::<Vec<_>>());
    }

    #[test]
    fn acknowledgements_come_at_once_and_change_nothing_else() {
        let bare = Settings { include_history: false, ..Settings::default() };
        let (mut none, mut settings) = (bare.clone(), bare);
        (none.desk.acknowledged, settings.desk.acknowledged) = (0.0, 0.6);
        let (mut acknowledged, mut people) = (0, 0);
        for (plain, mut ticket) in generate(&none, 500, 3).zip(generate(&settings, 500, 3)) {
            people += usize::from(ticket.contact.is_some());
            if ticket.messages.len() > plain.messages.len() {
                let sent = ticket.messages.remove(0).at;
                assert!(sent > ticket.opened_at && sent == ticket.first_response_at);
                ticket.first_response_at = plain.first_response_at;
                acknowledged += 1;
            }
            assert_eq!(ticket, plain);
        }
        assert!((50 * people..70 * people).contains(&(100 * acknowledged)), "{acknowledged} of {people}");
    }

    #[test]
    fn the_new_product_is_not_named_before_its_day() {
        let settings = Settings::default();
        let span = Span::ending(settings.end, settings.days);
        let launch = span.start() + i64::from(settings.product.day) * DAY;
        let mut after = 0;
        for ticket in generate(&settings, 3000, 2) {
            let early = ticket.opened_at.unwrap().as_second() < launch;
            let text = serde_json::to_string(&ticket).unwrap();
            let named = text.to_lowercase().contains(&settings.product.name.to_lowercase());
            assert!(!(early && named), "{text}");
            after += usize::from(named);
        }
        assert!(after > 20);
    }

    #[test]
    fn mails_come_in_every_dress() {
        let settings = with_truth();
        let tickets: Vec<Ticket> = generate(&settings, 2500, 8).collect();
        let bodies: Vec<&str> = tickets.iter().filter_map(|t| t.body.as_deref()).collect();
        for mark in ["MsoNormal", "wrote:\n> ", "Sent from my", "CAUTION", "Original Message", "555-01"] {
            assert!(bodies.iter().any(|b| b.contains(mark)), "{mark}");
        }
        let vips = tickets.iter().filter(|t| t.extra.contains_key("vip")).count();
        assert!((100..500).contains(&vips), "{vips}");
        for source in ["email", "portal", "phone", "monitoring"] {
            assert!(tickets.iter().any(|t| t.source.as_deref() == Some(source)));
        }
        let german = bodies.iter().filter(|b| b.contains(" nicht ") || b.contains("bitte")).count();
        assert!(german > 20, "{german}");
    }
}
