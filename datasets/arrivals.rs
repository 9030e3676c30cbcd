//! What happens when: requests of people over the day and the week, outages that several people report, mails
//! that repeat an earlier one, alerts one by one, every night and in storms.

use crate::calendar::{DAY, HOUR, MINUTE, Span, day_of, day_weight, hour_weights};
use crate::catalog::{Catalog, Kind};
use crate::dice::{Dice, Stream, Wheel};
use crate::settings::Settings;
use crate::world::World;

/// Why an event stands beside others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Single,
    /// A later mail about an earlier one.
    Echo,
    /// One of several reports of an outage.
    Outage,
    /// One alert of a storm.
    Storm,
}

/// Something that opens a ticket.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) at: i64,
    pub(crate) customer: usize,
    pub(crate) contact: usize,
    pub(crate) kind: usize,
    pub(crate) shape: Shape,
    /// Stream of the wording: an echo has that of what it repeats.
    pub(crate) words: u64,
    /// Stream of the facts: the alerts of a storm have one asset, the reports of an outage one site.
    pub(crate) facts: u64,
}

/// Storms are no longer than this.
const STORM_SECONDS: i64 = 30 * MINUTE;
/// Alerts in a storm.
const STORM_SIZE: (i64, i64) = (5, 40);
/// Days in which the new product comes to all its customers.
const ROLLOUT_DAYS: f64 = 40.0;

/// Exactly `count` events, in order of time.
pub(crate) fn events(
    catalog: &Catalog,
    world: &World,
    settings: &Settings,
    count: usize,
    seed: u64,
) -> Vec<Event> {
    let mut source = Source::new(catalog, world, settings, seed);
    let alerts = (count as f64 * settings.mix.alerts) as usize;
    let mut events = Vec::with_capacity(count + STORM_SIZE.1 as usize);
    let storms = (alerts as f64 * settings.mix.storms) as usize;
    while events.len() < storms {
        source.storm(storms - events.len(), &mut events);
    }
    while events.len() < alerts {
        let event = source.alert();
        events.push(event);
    }
    while events.len() < count {
        source.person(&mut events);
        events.truncate(count);
    }
    // Equal instants keep the order in which they were drawn: the sort is stable.
    events.sort_by_key(|e| e.at);
    events
}

struct Source<'a> {
    catalog: &'a Catalog,
    world: &'a World,
    settings: &'a Settings,
    span: Span,
    dice: Dice,
    next_stream: u64,
    work_days: Wheel,
    hours: Wheel,
    customers: Wheel,
    /// For each customer: people's old kinds, alerts, alerts that storm.
    people: Vec<Wheel>,
    alerts: Vec<Wheel>,
    storms: Vec<Wheel>,
    product: Wheel,
}

impl<'a> Source<'a> {
    fn new(catalog: &'a Catalog, world: &'a World, settings: &'a Settings, seed: u64) -> Self {
        let span = Span::ending(settings.end, settings.days);
        let holidays = settings.calendar.holidays.iter().map(|date| day_of(*date)).collect();
        let weight = |kind: &Kind| kind.weight * settings.weights.get(&kind.name).copied().unwrap_or(1.0);
        let wheels = |keep: fn(&Kind) -> bool| -> Vec<Wheel> {
            let of = |weights: &Vec<f64>| {
                let kinds = catalog.kinds.iter().zip(weights);
                Wheel::new(kinds.map(|(k, w)| if keep(k) { weight(k) * w } else { 0.0 }))
            };
            world.customers.iter().map(|c| of(&c.kinds)).collect()
        };
        Self {
            span,
            dice: Dice::new(seed, Stream::Arrivals, 0),
            next_stream: 0,
            work_days: Wheel::new((0..span.days).map(|d| day_weight(span, d, &holidays))),
            hours: Wheel::new(hour_weights()),
            customers: Wheel::new(world.customers.iter().map(|c| c.size)),
            people: wheels(|k| !k.traits.alert && !k.traits.product),
            alerts: wheels(|k| k.traits.alert),
            storms: wheels(|k| k.traits.storm),
            product: Wheel::new(catalog.kinds.iter().map(|k| if k.traits.product { weight(k) } else { 0.0 })),
            catalog,
            world,
            settings,
        }
    }

    fn stream(&mut self) -> u64 {
        self.next_stream += 1;
        self.next_stream
    }

    /// A customer that is one on `day`.
    fn customer(&mut self, day: i64) -> usize {
        loop {
            let customer = self.customers.spin(&mut self.dice);
            let (from, until) = self.world.customers[customer].active;
            // Customer 0 always is, so that the loop ends whatever the settings say.
            if customer == 0 || (from..until).contains(&day) {
                return customer;
            }
        }
    }

    fn event(&mut self, at: i64, customer: usize, kind: usize) -> Event {
        let contact = self.world.customers[customer].writers.spin(&mut self.dice);
        let stream = self.stream();
        let at = self.span.clamp(at);
        Event { at, customer, contact, kind, shape: Shape::Single, words: stream, facts: stream }
    }

    fn instant(&self, day: i64, customer: usize, second: i64) -> i64 {
        self.world.customers[customer].zone.instant(self.span.start() + day * DAY + second)
    }

    /// One person's request, with the echo or the further reports that it brings.
    fn person(&mut self, events: &mut Vec<Event>) {
        let day = self.work_days.spin(&mut self.dice) as i64;
        let customer = self.customer(day);
        let hour = if self.dice.chance(self.settings.mix.after_hours) {
            self.dice.between(0, 23)
        } else {
            self.hours.spin(&mut self.dice) as i64
        };
        let second = hour * HOUR + self.dice.between(0, HOUR - 1);
        let at = self.instant(day, customer, second);
        // The instant decides, not the day drawn: zones may carry it over midnight.
        let kind = self.kind(self.span.day_of(self.span.clamp(at)), customer);
        let first = self.event(at, customer, kind);
        if self.catalog.kinds[kind].traits.outage && self.dice.chance(self.settings.mix.outage_reports) {
            self.reports(&first, events);
        } else if self.dice.chance(self.settings.mix.echoes) {
            let later = self.dice.between(4 * HOUR, 4 * DAY);
            let at = first.at + later;
            if at < self.span.end() {
                events.push(Event { at, shape: Shape::Echo, ..first.clone() });
            }
        }
        events.push(first);
    }

    /// The kind of a request on `day`: the new product comes in slowly and makes what it replaces rarer.
    fn kind(&mut self, day: i64, customer: usize) -> usize {
        let live = day - i64::from(self.settings.product.day);
        let known = if live < 0 { 0.0 } else { ((live + 1) as f64 / ROLLOUT_DAYS).min(1.0) };
        if known > 0.0 && self.dice.chance(self.settings.product.share * known) {
            return self.product.spin(&mut self.dice);
        }
        let kind = self.people[customer].spin(&mut self.dice);
        if self.catalog.kinds[kind].traits.fades && self.dice.chance(0.7 * known) {
            return self.people[customer].spin(&mut self.dice);
        }
        kind
    }

    /// More people of the customer notice the same outage within the hour.
    fn reports(&mut self, first: &Event, events: &mut Vec<Event>) {
        for _ in 0..self.dice.between(1, 5) {
            let at = first.at + self.dice.between(MINUTE, HOUR);
            let own = self.event(at, first.customer, first.kind);
            events.push(Event { shape: Shape::Outage, facts: first.facts, ..own });
        }
    }

    fn alert(&mut self) -> Event {
        let day = self.dice.below(self.span.days as usize) as i64;
        let customer = self.customer(day);
        let kind = self.alerts[customer].spin(&mut self.dice);
        let nightly = self.catalog.kinds[kind].traits.nightly;
        let hour = if nightly { self.dice.between(1, 5) } else { self.dice.between(0, 23) };
        let second = hour * HOUR + self.dice.between(0, HOUR - 1);
        let at = self.instant(day, customer, second);
        let mut event = self.event(at, customer, kind);
        // A chronic failure: the same job on the same machine, worded by the same program, night after night.
        if nightly && self.dice.chance(0.7) {
            let chronic = CHRONIC + (customer * self.catalog.kinds.len() + kind) as u64;
            (event.words, event.facts) = (chronic, chronic);
        }
        event
    }

    /// One asset's alerts within half an hour, `budget` of them at the most.
    fn storm(&mut self, budget: usize, events: &mut Vec<Event>) {
        let day = self.dice.below(self.span.days as usize) as i64;
        let customer = self.customer(day);
        let kind = self.storms[customer].spin(&mut self.dice);
        let second = self.dice.between(0, DAY - STORM_SECONDS);
        let start = self.instant(day, customer, second);
        let first = self.event(start.min(self.span.end() - STORM_SECONDS), customer, kind);
        let size = self.dice.between(STORM_SIZE.0, STORM_SIZE.1) as usize;
        for _ in 0..size.min(budget) {
            let at = self.span.clamp(first.at + self.dice.between(0, STORM_SECONDS - 1));
            events.push(Event { at, shape: Shape::Storm, ..first.clone() });
        }
    }
}

/// Streams of chronic failures lie beyond those of single events.
const CHRONIC: u64 = 1 << 40;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::weekday;

    fn sample(count: usize) -> (Catalog, Settings, Vec<Event>) {
        let (catalog, settings) = (Catalog::load(), Settings::default());
        let world = World::new(&catalog, &settings, 5);
        let events = events(&catalog, &world, &settings, count, 5);
        (catalog, settings, events)
    }

    #[test]
    fn the_count_is_exact_and_time_is_ordered_within_the_span() {
        for count in [0, 1, 7, 999] {
            let (_, settings, events) = sample(count);
            assert_eq!(events.len(), count);
            assert!(events.is_sorted_by_key(|e| e.at));
            let span = Span::ending(settings.end, settings.days);
            assert!(events.iter().all(|e| (span.start()..span.end()).contains(&e.at)));
        }
    }

    #[test]
    fn every_kind_appears_and_the_new_product_only_from_its_day_on() {
        let (catalog, settings, events) = sample(20_000);
        let span = Span::ending(settings.end, settings.days);
        for (index, kind) in catalog.kinds.iter().enumerate() {
            let first = events.iter().find(|e| e.kind == index);
            let first = first.unwrap_or_else(|| panic!("no ticket of kind {}", kind.name));
            if kind.traits.product {
                assert!(span.day_of(first.at) >= i64::from(settings.product.day), "{}", kind.name);
            }
        }
    }

    #[test]
    fn storms_are_short_and_of_one_asset() {
        let (_, _, events) = sample(4000);
        let mut storms = std::collections::BTreeMap::<u64, Vec<&Event>>::new();
        for event in events.iter().filter(|e| e.shape == Shape::Storm) {
            storms.entry(event.facts).or_default().push(event);
        }
        assert!(storms.len() > 5);
        for storm in storms.values() {
            assert!(storm.last().unwrap().at - storm[0].at <= STORM_SECONDS);
            assert!(storm.iter().all(|e| (e.customer, e.kind) == (storm[0].customer, storm[0].kind)));
            assert!(storm.len() <= STORM_SIZE.1 as usize);
        }
    }

    #[test]
    fn people_write_on_weekdays_most_of_all_on_mondays() {
        let (catalog, _, events) = sample(8000);
        let mut days = [0; 7];
        for event in events.iter().filter(|e| !catalog.kinds[e.kind].traits.alert) {
            days[weekday(event.at.div_euclid(DAY))] += 1;
        }
        assert!(days[0] > days[1] && days[0] > days[4] && days[4] > 4 * days[5], "{days:?}");
    }

    #[test]
    fn customers_come_and_go() {
        let (catalog, settings, events) = sample(8000);
        let span = Span::ending(settings.end, settings.days);
        let days = |pick: fn(&crate::catalog::CustomerRow) -> bool| {
            let who = catalog.customers.iter().position(pick).unwrap();
            let days: Vec<i64> =
                events.iter().filter(|e| e.customer == who).map(|e| span.day_of(e.at)).collect();
            assert!(days.len() > 20);
            (*days.first().unwrap(), *days.last().unwrap())
        };
        // Zones and late echoes may carry an event a few days over the border.
        assert!(days(|c| c.joins).0 >= i64::from(settings.customers.joins_on) - 1);
        assert!(days(|c| c.leaves).1 <= i64::from(settings.customers.leaves_on) + 4);
    }
}
