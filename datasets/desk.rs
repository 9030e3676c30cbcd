//! The service desk: who takes a ticket, where it is filed, how urgent it is held to be, when it is answered
//! and resolved. Where the labels are wrong, it is known which.

use crate::arrivals::{Event, Shape};
use crate::calendar::{DAY, DeskCalendar, HOUR, MINUTE, Shift, Span, Zone};
use crate::catalog::{Catalog, Kind, Technician};
use crate::dice::{Dice, Stream};
use crate::queue::{Job, Served, serve};
use crate::settings::Settings;
use crate::world::{Customer, World};

/// The desk stands in one place, five hours behind UTC in winter.
const DESK_OFFSET: i64 = -5 * HOUR;
/// The priority that a ticket has if nobody thinks about it: P3.
const DEFAULT_PRIORITY: usize = 2;
/// Hours of a technician's working day.
const WORK_DAY: f64 = 8.0;

/// What the desk made of an event.
#[derive(Debug, Clone)]
pub(crate) struct Handling {
    /// Where it was filed, an index of the catalog's places.
    pub(crate) place: usize,
    pub(crate) technician: usize,
    /// How bad it really was, 0 for P1.
    pub(crate) severity: usize,
    /// The priority set, 0 for P1.
    pub(crate) priority: usize,
    /// Labels that were set wrongly.
    pub(crate) noisy: Vec<&'static str>,
    pub(crate) escalated: bool,
    /// Why it was opened again, where it was.
    pub(crate) reopening: Option<Reopening>,
    /// Seconds of work.
    pub(crate) work: i64,
    /// Whether goods or a vendor were waited for.
    pub(crate) vendor: bool,
    /// When somebody began.
    pub(crate) started_at: i64,
    pub(crate) responded_at: i64,
    /// When it was resolved for the last time.
    pub(crate) resolved_at: i64,
    /// Seconds between the first resolution and the customer's word that it is back.
    dormant: i64,
}

/// Why a ticket was opened again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reopening {
    /// It had not worked at all.
    Contradicted,
    /// It was back after a day or more.
    Relapsed {
        /// Whether the customer had said before that it works.
        confirmed: bool,
    },
}

/// Moments of a ticket as parts of the time from its first answer to its resolution, in which nothing happens while the matter seems
/// settled.
pub(crate) mod moment {
    pub(crate) const CUSTOMER_ANSWERS: f64 = 0.3;
    pub(crate) const VENDOR_FROM: f64 = 0.32;
    pub(crate) const VENDOR_TO: f64 = 0.48;
    pub(crate) const NOTE: f64 = 0.5;
    pub(crate) const ESCALATED: f64 = 0.55;
    /// Before a first resolution, where there are two.
    pub(crate) const BACK_EARLY: f64 = 0.58;
    pub(crate) const FIRST_CLOSED: f64 = 0.6;
    pub(crate) const OPENED_AGAIN: f64 = 0.8;
    pub(crate) const BACK: f64 = 0.9;
}

impl Handling {
    /// The instant at which `part` of the time from the first answer to the resolution has passed.
    pub(crate) fn at(&self, part: f64) -> i64 {
        let span = (self.resolved_at - self.responded_at - self.dormant).max(1);
        let dormant = if part > moment::FIRST_CLOSED { self.dormant } else { 0 };
        self.responded_at + (span as f64 * part) as i64 + dormant
    }

    /// When the customer said that the ticket is not done, where that was before `end`.
    pub(crate) fn opened_again(&self, end: i64) -> Option<i64> {
        self.reopening.map(|_| self.at(moment::OPENED_AGAIN)).filter(|at| *at < end)
    }

    /// When it was resolved, as known at `end`; `None` where it was not.
    pub(crate) fn resolved(&self, end: i64) -> Option<i64> {
        let first = self.reopening.filter(|_| self.opened_again(end).is_none());
        let at = first.map_or(self.resolved_at, |_| self.at(moment::FIRST_CLOSED));
        Some(at).filter(|at| *at < end)
    }

    /// When it went to the second tier, where that was before `end`.
    pub(crate) fn escalated_at(&self, end: i64) -> Option<i64> {
        self.escalated.then(|| self.at(moment::ESCALATED)).filter(|at| *at < end)
    }

    /// When the second tier was done with it.
    pub(crate) fn back_at(&self) -> i64 {
        self.at(if self.reopening.is_some() { moment::BACK_EARLY } else { moment::BACK })
    }
}

/// The desk's holidays and zone.
pub(crate) fn calendar(settings: &Settings) -> DeskCalendar {
    let zone = Zone::new(DESK_OFFSET, settings.calendar.clock_changes);
    DeskCalendar::new(zone, &settings.calendar.holidays)
}

/// Handles all `events`, which are in order of time.
pub(crate) fn handle(
    catalog: &Catalog,
    world: &World,
    settings: &Settings,
    events: &[Event],
    seed: u64,
) -> Vec<Handling> {
    let calendar = calendar(settings);
    let mut desk = SimulatedDesk::new(catalog, settings, &calendar);
    let work_scale = desk.work_scale(events);
    let mut handled = Vec::with_capacity(events.len());
    let mut jobs = Vec::with_capacity(events.len());
    let mut ends = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        let mut dice = Dice::new(seed, Stream::Desk, index as u64);
        let customer = &world.customers[event.customer];
        let handling = desk.take(event, customer, &mut dice);
        let work = desk.work(event, work_scale, &mut dice);
        desk.load[handling.technician] += work;
        jobs.push(job(event, &handling, work as i64, &desk.shifts[handling.technician], &mut dice));
        let wait = Waiting::draw(&catalog.kinds[event.kind], &handling, &mut dice);
        let reopening = handling.reopening.map(|_| wait.reopening(settings, &mut dice));
        let work = (work as i64).max(MINUTE);
        handled.push(Handling { work, vendor: wait.vendor, reopening, ..handling });
        ends.push(wait);
    }
    let served = work_off(&jobs, &handled, &desk.shifts);
    for ((handling, wait), served) in handled.iter_mut().zip(ends).zip(served) {
        handling.started_at = served.start;
        handling.responded_at = served.start + wait.to_answer;
        handling.resolved_at = (served.end + wait.after_work).max(handling.responded_at);
        if matches!(handling.reopening, Some(Reopening::Relapsed { .. })) {
            handling.dormant = wait.dormant;
            handling.resolved_at += wait.dormant;
        }
    }
    handled
}

/// Runs each technician's queue.
fn work_off(jobs: &[Job], handled: &[Handling], shifts: &[Shift<'_>]) -> Vec<Served> {
    let mut all = vec![Served { start: 0, end: 0 }; jobs.len()];
    for (technician, shift) in shifts.iter().enumerate() {
        let mut mine: Vec<usize> = (0..jobs.len()).filter(|&i| handled[i].technician == technician).collect();
        mine.sort_by_key(|&i| jobs[i].arrival);
        let own: Vec<Job> = mine.iter().map(|&i| jobs[i]).collect();
        for (index, served) in mine.into_iter().zip(serve(&own, shift)) {
            all[index] = served;
        }
    }
    all
}

/// Median working time, in minutes, until somebody looks at a new P1 to P4 at all.
const TRIAGE: [f64; 4] = [0.0, 14.0, 40.0, 110.0];

/// For a P1 all else is dropped, by whoever is on call outside the shift; the others wait for their turn.
fn job(event: &Event, handling: &Handling, work: i64, shift: &Shift<'_>, dice: &mut Dice) -> Job {
    let slowest = if shift.covers(event.at) { 12 } else { 35 };
    let on_call = (handling.priority == 0).then(|| dice.between(3 * MINUTE, slowest * MINUTE));
    let triage = TRIAGE[handling.priority] * dice.skewed() * MINUTE as f64;
    let arrival = if on_call.is_some() { event.at } else { shift.advance(event.at, triage as i64) };
    Job { arrival, priority: handling.priority, work, on_call }
}

/// Time that passes without work on the ticket.
struct Waiting {
    to_answer: i64,
    after_work: i64,
    vendor: bool,
    dormant: i64,
}

impl Waiting {
    fn draw(kind: &Kind, handling: &Handling, dice: &mut Dice) -> Self {
        let mut after = 0.0;
        if !kind.traits.alert && dice.chance(0.3) {
            after += dice.skewed() * (2 * HOUR) as f64;
        }
        // Goods and vendors take days.
        let vendor = kind.minutes >= 40.0 && dice.chance(0.25);
        if vendor {
            after += dice.skewed() * DAY as f64;
        }
        if handling.escalated {
            after += dice.skewed() * (5 * HOUR) as f64;
        }
        if handling.reopening.is_some() {
            after += dice.skewed() * (20 * HOUR) as f64;
        }
        let to_answer = dice.between(40, 6 * MINUTE);
        Self { to_answer, after_work: after as i64, vendor, dormant: DAY + dice.between(0, 2 * DAY) }
    }

    fn reopening(&self, settings: &Settings, dice: &mut Dice) -> Reopening {
        match dice.chance(settings.replies.contradicted) {
            true => Reopening::Contradicted,
            false => Reopening::Relapsed { confirmed: dice.chance(settings.replies.wrongly_confirmed) },
        }
    }
}

/// The desk while it works the history off.
struct SimulatedDesk<'a> {
    catalog: &'a Catalog,
    settings: &'a Settings,
    span: Span,
    shifts: Vec<Shift<'a>>,
    /// Seconds of work that lie before each technician, roughly.
    load: Vec<f64>,
    load_at: i64,
    care: f64,
}

impl<'a> SimulatedDesk<'a> {
    fn new(catalog: &'a Catalog, settings: &'a Settings, calendar: &'a DeskCalendar) -> Self {
        let shift = |t: &Technician| Shift { from: t.shift[0] * HOUR, to: t.shift[1] * HOUR, calendar };
        let span = Span::ending(settings.end, settings.days);
        let staff = &catalog.staff[..catalog.first_level()];
        Self {
            catalog,
            settings,
            span,
            shifts: staff.iter().map(shift).collect(),
            load: vec![0.0; staff.len()],
            load_at: span.start(),
            care: staff.iter().map(|t| t.care).sum::<f64>() / staff.len() as f64,
        }
    }

    /// A busier history is worked off by the same people: the time a ticket takes shrinks to fit.
    fn work_scale(&self, events: &[Event]) -> f64 {
        let needed: f64 = events.iter().map(|e| self.catalog.kinds[e.kind].minutes).sum();
        let days = |t: &Technician| {
            (t.left.unwrap_or(self.span.days).min(self.span.days) - t.joined.unwrap_or(0)).max(0)
        };
        let days: i64 = self.catalog.staff[..self.shifts.len()].iter().map(days).sum();
        let minutes = days as f64 * 5.0 / 7.0 * WORK_DAY * 60.0;
        (self.settings.desk.utilisation * minutes / needed.max(1.0)).min(1.0)
    }

    fn work(&self, event: &Event, scale: f64, dice: &mut Dice) -> f64 {
        let minutes = if event.shape == Shape::Storm { 2.0 } else { self.catalog.kinds[event.kind].minutes };
        minutes * scale * dice.skewed() * MINUTE as f64
    }

    fn take(&mut self, event: &Event, customer: &Customer, dice: &mut Dice) -> Handling {
        self.pass_time(event.at);
        let kind = &self.catalog.kinds[event.kind];
        let right = self.rightly_filed(event, kind, customer, dice);
        let technician = self.assign(event, right, customer, dice);
        let mut noisy = Vec::new();
        let place = self.file(right, kind, technician, &mut noisy, dice);
        let severity = severity(event, kind, customer, dice);
        let priority = self.prioritise(severity, dice);
        if priority != severity {
            noisy.push("priority");
        }
        let hard = if kind.minutes >= 45.0 { 1.8 } else { 0.8 };
        let person = !kind.traits.alert;
        let escalated = dice.chance(self.settings.desk.escalated * hard);
        let reopened = dice.chance(self.settings.desk.reopened * if person { 1.15 } else { 0.2 });
        Handling {
            place,
            technician,
            severity,
            priority,
            noisy,
            escalated,
            // Which it was is drawn later.
            reopening: reopened.then_some(Reopening::Contradicted),
            work: 0,
            vendor: false,
            started_at: event.at,
            responded_at: event.at,
            resolved_at: event.at,
            dormant: 0,
        }
    }

    fn pass_time(&mut self, now: i64) {
        // A shift is about a quarter of the week's hours.
        let done = (now - self.load_at) as f64 * 0.25;
        self.load_at = now;
        for load in &mut self.load {
            *load = (*load - done).max(0.0);
        }
    }

    /// Where the desk's own custom puts the ticket: no mistake, but not always the kind's first place.
    fn rightly_filed(&self, event: &Event, kind: &Kind, customer: &Customer, dice: &mut Dice) -> usize {
        let day = self.span.day_of(event.at);
        if let Some(place) = kind.moves.filter(|_| day >= i64::from(self.settings.labels.reorganised_on)) {
            return place;
        }
        match kind.also.first() {
            Some(&second) if customer.habits[event.kind] => second,
            Some(_) if dice.chance(self.settings.labels.judgement) => *dice.pick(&kind.also),
            _ => kind.at,
        }
    }

    fn assign(&self, event: &Event, place: usize, customer: &Customer, dice: &mut Dice) -> usize {
        let day = self.span.day_of(event.at);
        let skill = |i: usize| self.skill(i, place, day);
        let primary = customer.primary;
        if skill(primary) > 0.3 && dice.chance(self.settings.desk.primary) {
            return primary;
        }
        let weights: Vec<f64> = (0..self.shifts.len())
            .map(|i| {
                let skill = skill(i);
                let here = if self.shifts[i].covers(event.at) { 1.0 } else { 0.35 };
                // Squared: a specialist is mostly asked first.
                skill * skill * here / (1.0 + self.load[i] / (24 * HOUR) as f64)
            })
            .collect();
        dice.weighted(&weights)
    }

    /// How well technician `i` fits the place; 0 outside the time of employment.
    fn skill(&self, i: usize, place: usize, day: i64) -> f64 {
        let (technician, place) = (&self.catalog.staff[i], &self.catalog.places[place]);
        if technician.left.is_some_and(|d| day >= d) || technician.joined.is_some_and(|d| day < d) {
            return 0.0;
        }
        let board = technician.skills.get(&place.board).copied().unwrap_or(0.02);
        if technician.focus.contains(&place.kind) { board * 2.4 } else { board }
    }

    /// Sets board, type and subtype, more or less carefully.
    fn file(
        &self,
        right: usize,
        kind: &Kind,
        technician: usize,
        noisy: &mut Vec<&'static str>,
        dice: &mut Dice,
    ) -> usize {
        let labels = &self.settings.labels;
        // Machines file their own tickets: fewer hands, fewer slips.
        let hand = if kind.traits.alert { 0.3 } else { 1.12 };
        let slip = hand * self.catalog.staff[technician].care / self.care;
        let place = if dice.chance(labels.noise * slip) {
            self.wrong_place(right, kind, dice)
        } else if dice.chance(labels.lazy * slip) {
            self.catalog.catch_all()
        } else if dice.chance(labels.subtype_noise * slip) {
            self.wrong_subtype(right, dice)
        } else {
            right
        };
        let (is, was) = (&self.catalog.places[place], &self.catalog.places[right]);
        let differs = [("board", is.board != was.board), ("type", is.kind != was.kind)];
        noisy.extend(differs.iter().filter(|d| d.1).map(|d| d.0));
        if place != right {
            noisy.push("subtype");
        }
        place
    }

    /// Half of the mistakes are understandable, a third stay on the board, the others are anywhere.
    fn wrong_place(&self, right: usize, kind: &Kind, dice: &mut Dice) -> usize {
        let draw = dice.unit();
        let plausible: Vec<usize> =
            kind.also.iter().copied().chain([kind.at]).filter(|&p| p != right).collect();
        if draw < 0.5 && !plausible.is_empty() {
            return *dice.pick(&plausible);
        }
        let board = &self.catalog.places[right].board;
        let others: Vec<usize> = (0..self.catalog.places.len())
            .filter(|&p| p != right && (draw > 0.8 || self.catalog.places[p].board == *board))
            .collect();
        *dice.pick(&others)
    }

    fn wrong_subtype(&self, right: usize, dice: &mut Dice) -> usize {
        let place = &self.catalog.places[right];
        let same = |p: usize| {
            let other = &self.catalog.places[p];
            other.board == place.board && other.kind == place.kind
        };
        let siblings: Vec<usize> =
            (0..self.catalog.places.len()).filter(|&p| p != right && same(p)).collect();
        if siblings.is_empty() { right } else { *dice.pick(&siblings) }
    }

    fn prioritise(&self, severity: usize, dice: &mut Dice) -> usize {
        let labels = &self.settings.labels;
        if dice.chance(labels.priority_default) {
            return DEFAULT_PRIORITY;
        }
        if dice.chance(labels.priority_noise) {
            return if dice.chance(0.5) { (severity + 1).min(3) } else { severity.saturating_sub(1) };
        }
        severity
    }
}

/// How bad it is: by kind, worse for several people and for executives.
fn severity(event: &Event, kind: &Kind, customer: &Customer, dice: &mut Dice) -> usize {
    // Sharper than the table, which was written with the eye on the tails: one kind's tickets mostly have
    // one severity.
    let sharp = |(w, lift): (f64, f64)| (w * lift) * (w * lift + 2.0);
    let weights: Vec<f64> = kind.priority.into_iter().zip([1.2, 1.4, 1.0, 1.4]).map(sharp).collect();
    let drawn = dice.weighted(&weights);
    let vip = !kind.traits.alert && customer.contacts[event.contact].vip;
    let worse = event.shape == Shape::Outage || (vip && dice.chance(0.3));
    if worse { drawn.saturating_sub(1) } else { drawn }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrivals;

    fn sample(count: usize) -> (Catalog, Settings, Vec<Event>, Vec<Handling>) {
        let (catalog, settings) = (Catalog::load(), Settings::default());
        let world = World::new(&catalog, &settings, 3);
        let events = arrivals::events(&catalog, &world, &settings, count, 3);
        let handled = handle(&catalog, &world, &settings, &events, 3);
        (catalog, settings, events, handled)
    }

    fn share(handled: &[Handling], pick: impl Fn(&Handling) -> bool) -> f64 {
        handled.iter().filter(|h| pick(h)).count() as f64 / handled.len() as f64
    }

    #[test]
    fn label_noise_is_about_what_the_settings_say() {
        let (_, settings, _, handled) = sample(12_000);
        let labels = &settings.labels;
        let subtype = share(&handled, |h| h.noisy.contains(&"subtype"));
        let expected = labels.noise + labels.lazy + labels.subtype_noise;
        assert!((subtype - expected).abs() < 0.025, "{subtype} for {expected}");
        let board = share(&handled, |h| h.noisy.contains(&"board"));
        assert!((0.02..0.065).contains(&board), "{board}");
        let priority = share(&handled, |h| h.noisy.contains(&"priority"));
        assert!((0.07..0.24).contains(&priority), "{priority}");
    }

    #[test]
    fn answers_come_after_the_question_and_before_the_end() {
        let (_, _, events, handled) = sample(6000);
        for (event, h) in events.iter().zip(&handled) {
            assert!(event.at < h.responded_at && h.responded_at <= h.resolved_at);
        }
        let mut waits: Vec<i64> = events.iter().zip(&handled).map(|(e, h)| h.responded_at - e.at).collect();
        waits.sort_unstable();
        assert!((4 * MINUTE..12 * HOUR).contains(&waits[waits.len() / 2]), "{}", waits[waits.len() / 2]);
        let urgent = |p: usize| {
            let mut w: Vec<i64> = events
                .iter()
                .zip(&handled)
                .filter(|(_, h)| h.priority == p)
                .map(|(e, h)| h.responded_at - e.at)
                .collect();
            w.sort_unstable();
            w[w.len() / 2]
        };
        assert!(urgent(0) < urgent(3));
    }

    #[test]
    fn rates_are_plausible_and_people_work_while_they_are_employed() {
        let (catalog, settings, events, handled) = sample(8000);
        assert!((0.025..0.07).contains(&share(&handled, |h| h.escalated)));
        assert!((0.02..0.06).contains(&share(&handled, |h| h.reopening.is_some())));
        let span = Span::ending(settings.end, settings.days);
        for (event, h) in events.iter().zip(&handled) {
            let (day, who) = (span.day_of(event.at), &catalog.staff[h.technician]);
            assert!(who.left.is_none_or(|d| day < d) && who.joined.is_none_or(|d| day >= d), "{}", who.name);
        }
        for technician in 0..catalog.first_level() {
            assert!(
                share(&handled, |h| h.technician == technician) > 0.005,
                "{technician} has nothing to do"
            );
        }
    }
}
