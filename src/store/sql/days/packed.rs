//! A day as text: what figures need of its tickets and actions, in digits that both engines keep as they are.
//!
//! Six bits a character, of which five count and one says that more follow: small numbers are short. Must give back exactly what it
//! was given, and make nothing of a text that was cut.

use std::collections::HashMap;

use firstline_fault::Result;
use firstline_ticket::{Counted, DraftState, Field, JudgedTicket, Route, Verdict, VisibleAction};
use jiff::Timestamp;

use crate::CustomerSet;
use crate::db::json;

/// Microseconds of a second.
const MICROS: f64 = 1e6;
/// Microseconds up to which a number of seconds is written as such: below, all are exact.
const MOST_MICROS: f64 = 9e15;
/// The first of the 64 characters.
const ZERO: u8 = b'@';
/// The bit of a character that says that more follow.
const MORE: u8 = 32;

const ROUTES: [Route; 4] = [Route::Person, Route::Review, Route::Storm, Route::Auto];
const STATES: [DraftState; 8] = [
    DraftState::None,
    DraftState::Writing,
    DraftState::Pending,
    DraftState::Approved,
    DraftState::Edited,
    DraftState::Rejected,
    DraftState::Superseded,
    DraftState::Auto,
];
const KNOWN: [Option<bool>; 3] = [None, Some(false), Some(true)];

/// A day as it is put together: its tickets and actions in order of time, each with its customer.
#[derive(Debug, Default)]
pub(super) struct Packing {
    customers: Names,
    labels: Names,
    tickets: Digits,
    actions: Digits,
    counts: [u64; 2],
}

/// Names, each once, by their places.
#[derive(Debug, Default)]
struct Names {
    all: Vec<String>,
    places: HashMap<String, usize>,
}

impl Names {
    fn place(&mut self, name: &str) -> u64 {
        if let Some(place) = self.places.get(name) {
            return *place as u64;
        }
        self.places.insert(name.to_owned(), self.all.len());
        self.all.push(name.to_owned());
        self.all.len() as u64 - 1
    }
}

#[derive(Debug, Default)]
struct Digits {
    text: String,
    /// The time of the last one, in microseconds.
    last: i64,
}

impl Digits {
    fn number(&mut self, mut n: u64) {
        loop {
            let digit = (n & 31) as u8;
            n >>= 5;
            let more = if n > 0 { MORE } else { 0 };
            self.text.push(char::from(ZERO + (digit | more)));
            if n == 0 {
                return;
            }
        }
    }

    fn signed(&mut self, n: i64) {
        self.number(((n << 1) ^ (n >> 63)) as u64);
    }

    fn time(&mut self, at: Timestamp) {
        let at = at.as_microsecond();
        self.signed(at.wrapping_sub(self.last));
        self.last = at;
    }

    /// Seconds as whole microseconds, doubled, where these are exact; else 1 and the bits.
    fn real(&mut self, x: f64) {
        let micros = (x * MICROS).round();
        let same = micros.abs() < MOST_MICROS && (micros as i64 as f64 / MICROS).to_bits() == x.to_bits();
        if same {
            let micros = micros as i64;
            return self.number((((micros << 1) ^ (micros >> 63)) as u64) << 1);
        }
        self.number(1);
        self.number(x.to_bits());
    }
}

/// Small numbers in one, the first in the lowest bits.
struct Bits(u64, u32);

impl Bits {
    fn put(&mut self, value: usize, width: u32) {
        self.0 |= (value as u64) << self.1;
        self.1 += width;
    }

    fn get(&mut self, width: u32) -> usize {
        let value = (self.0 >> self.1) & ((1 << width) - 1);
        self.1 += width;
        value as usize
    }
}

fn place<T: PartialEq>(all: &[T], one: &T) -> usize {
    all.iter().position(|other| other == one).unwrap_or_default()
}

impl Packing {
    /// Adds a ticket of `customer`.
    pub(super) fn ticket(&mut self, customer: &str, one: &JudgedTicket<'_>) {
        let customer = self.customers.place(customer);
        let (mut bits, mut labels) = (Bits(0, 0), Vec::new());
        for verdict in one.verdicts {
            let (code, label) = match verdict {
                Verdict::Open => (0, None),
                Verdict::Same => (1, None),
                Verdict::Other(label) => (2, Some(label)),
                Verdict::Undecided(label) => (3, Some(label)),
            };
            labels.extend(label.map(|label| self.labels.place(label)));
            bits.put(code, 2);
        }
        bits.put(place(&ROUTES, &one.route), 2);
        bits.put(place(&STATES, &one.draft_state), 3);
        for known in [one.seen, one.reopened, one.escalated, one.customer_visible_error] {
            bits.put(place(&KNOWN, &known), 2);
        }
        for yes in [one.waits, one.draft_due, one.reported] {
            bits.put(usize::from(yes), 1);
        }
        let reals =
            [one.first_response, one.resolution, one.handle, one.drafted, one.draft_confidence, one.distance];
        for real in reals {
            bits.put(usize::from(real.is_some()), 1);
        }
        self.counts[0] += 1;
        self.tickets.time(one.received_at);
        self.tickets.number(customer);
        self.tickets.number(bits.0);
        labels.into_iter().for_each(|label| self.tickets.number(label));
        reals.into_iter().flatten().for_each(|real| self.tickets.real(real));
    }

    /// Adds an action that was done for `customer`.
    pub(super) fn action(&mut self, customer: &str, one: VisibleAction) {
        self.counts[1] += 1;
        self.actions.time(one.at);
        self.actions.number((self.customers.place(customer) << 1) | u64::from(one.alone));
    }

    /// The text of it.
    pub(super) fn text(self) -> Result<String> {
        let names = json(&(self.customers.all, self.labels.all))?;
        let mut head = Digits::default();
        [names.len() as u64, self.counts[0], self.counts[1]].into_iter().for_each(|n| head.number(n));
        Ok([head.text, names, self.tickets.text, self.actions.text].concat())
    }
}

/// A text as it is read.
struct Reading<'a> {
    rest: std::slice::Iter<'a, u8>,
    last: i64,
}

impl Reading<'_> {
    fn number(&mut self) -> Option<u64> {
        let (mut n, mut shift) = (0_u64, 0_u32);
        loop {
            let digit = self.rest.next()?.checked_sub(ZERO).filter(|digit| *digit < 64)?;
            n |= u64::from(digit & (MORE - 1)).checked_shl(shift)?;
            if digit & MORE == 0 {
                return Some(n);
            }
            shift += 5;
        }
    }

    fn place(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    fn signed(&mut self) -> Option<i64> {
        self.number().map(unfolded)
    }

    fn time(&mut self) -> Option<Timestamp> {
        self.last = self.last.wrapping_add(self.signed()?);
        Timestamp::from_microsecond(self.last).ok()
    }

    fn real(&mut self) -> Option<f64> {
        match self.number()? {
            1 => self.number().map(f64::from_bits),
            n => Some(unfolded(n >> 1) as f64 / MICROS),
        }
    }

    fn ticket<'l>(&mut self, labels: &'l [String]) -> Option<(usize, JudgedTicket<'l>)> {
        let (received_at, customer) = (self.time()?, self.place()?);
        let mut bits = Bits(self.number()?, 0);
        let mut verdicts: [Verdict<'_>; Field::ALL.len()] = Default::default();
        for verdict in &mut verdicts {
            *verdict = match bits.get(2) {
                0 => Verdict::Open,
                1 => Verdict::Same,
                2 => Verdict::Other(labels.get(self.place()?)?),
                _ => Verdict::Undecided(labels.get(self.place()?)?),
            };
        }
        let (route, draft_state) = (*ROUTES.get(bits.get(2))?, *STATES.get(bits.get(3))?);
        let mut known = || KNOWN.get(bits.get(2)).copied();
        let (seen, reopened, escalated, customer_visible_error) = (known()?, known()?, known()?, known()?);
        let mut yes = || bits.get(1) == 1;
        let (waits, draft_due, reported) = (yes(), yes(), yes());
        let mut reals = [None; 6];
        for real in &mut reals {
            if yes() {
                *real = Some(self.real()?);
            }
        }
        let [first_response, resolution, handle, drafted, draft_confidence, distance] = reals;
        let ticket = JudgedTicket {
            received_at,
            route,
            seen,
            waits,
            verdicts,
            first_response,
            resolution,
            handle,
            draft_due,
            drafted,
            draft_state,
            draft_confidence,
            distance,
            reported,
            reopened,
            escalated,
            customer_visible_error,
        };
        Some((customer, ticket))
    }
}

fn unfolded(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

/// Gives `each` the tickets and actions of `customers` in a day's text; `None` where it is no such text.
pub(super) fn read(text: &str, customers: &CustomerSet, each: &mut dyn FnMut(&Counted<'_>)) -> Option<()> {
    let mut reading = Reading { rest: text.as_bytes().iter(), last: 0 };
    let (long, tickets, actions) = (reading.place()?, reading.number()?, reading.number()?);
    let (names, digits) = reading.rest.as_slice().split_at_checked(long)?;
    let (names, labels): (Vec<String>, Vec<String>) = serde_json::from_slice(names).ok()?;
    let wanted: Vec<bool> = names.iter().map(|name| customers.has(name)).collect();
    reading.rest = digits.iter();
    for _ in 0..tickets {
        let (customer, ticket) = reading.ticket(&labels)?;
        if *wanted.get(customer)? {
            each(&Counted::Ticket(&ticket));
        }
    }
    reading.last = 0;
    for _ in 0..actions {
        let (at, whose) = (reading.time()?, reading.place()?);
        if *wanted.get(whose >> 1)? {
            each(&Counted::Action(VisibleAction { at, alone: whose & 1 == 1 }));
        }
    }
    reading.rest.as_slice().is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(us: i64) -> Timestamp {
        Timestamp::from_microsecond(us).unwrap()
    }

    /// A ticket with numbers of every size.
    fn ticket(n: u64) -> JudgedTicket<'static> {
        let odd = [0.0, -0.0, 0.1, 90.5, 1e300, f64::MIN_POSITIVE, -7.25, 1.0 / 3.0, 8_999_999_999.123_456];
        let real = |k: u64| (n + k).is_multiple_of(3).then(|| odd[((n + k) % odd.len() as u64) as usize]);
        let known = |k: u64| KNOWN[((n + k) % 3) as usize];
        JudgedTicket {
            received_at: at((n as i64 - 3) * 86_399_999_999),
            route: ROUTES[(n % 3) as usize],
            seen: known(0),
            waits: n.is_multiple_of(2),
            verdicts: [
                Verdict::Open,
                Verdict::Same,
                Verdict::Other("Netz \"Süd\""),
                Verdict::Undecided(if n.is_multiple_of(4) { "Réseau\u{0}" } else { "" }),
                Verdict::Other("障害"),
            ],
            first_response: real(0),
            resolution: real(1),
            handle: real(2),
            draft_due: n.is_multiple_of(5),
            drafted: real(3),
            draft_state: STATES[(n % 7) as usize],
            draft_confidence: real(4),
            distance: real(5),
            reported: n.is_multiple_of(3),
            reopened: known(1),
            escalated: known(2),
            customer_visible_error: known(3),
        }
    }

    fn packed(n: u64) -> String {
        let mut day = Packing::default();
        for k in 0..n {
            day.ticket(if k.is_multiple_of(3) { "acme" } else { "Ünï" }, &ticket(k));
            day.action("acme", VisibleAction { at: at(k as i64 * 1_000 - 5), alone: k.is_multiple_of(2) });
        }
        day.text().unwrap()
    }

    /// What is read back, as text: bits of floats, too.
    fn back(text: &str, customers: &CustomerSet) -> Option<Vec<String>> {
        let mut found = Vec::new();
        read(text, customers, &mut |counted| found.push(format!("{counted:?}"))).map(|()| found)
    }

    #[test]
    fn what_is_read_is_what_was_packed_to_the_bit() {
        let found = back(&packed(70), &CustomerSet::All).unwrap();
        let due = (0..70).map(|n| format!("{:?}", Counted::Ticket(&ticket(n))));
        assert_eq!(found[..70], due.collect::<Vec<_>>());
        let action = |k: i64| VisibleAction { at: at(k * 1_000 - 5), alone: k % 2 == 0 };
        assert_eq!(
            found[70..],
            (0..70).map(|k| format!("{:?}", Counted::Action(action(k)))).collect::<Vec<_>>()
        );
        let one = CustomerSet::Only(["Ünï".to_owned()].into());
        assert_eq!(back(&packed(9), &one).unwrap().len(), 6);
        assert_eq!(back(&packed(0), &CustomerSet::All), Some(Vec::new()));
    }

    #[test]
    fn a_text_that_was_cut_or_grew_is_none() {
        let text = packed(5);
        let cuts = text.char_indices().map(|(i, _)| &text[..i]);
        cuts.for_each(|cut| assert_eq!(back(cut, &CustomerSet::All), None, "{cut}"));
        assert_eq!(back(&format!("{text}@"), &CustomerSet::All), None);
        for odd in ["", "x", "[]", "@@@", "~~~~~~~~~~~~~~~~~~~~~~~~~~~~", "\u{7f}\u{7f}", "ünï"] {
            assert_eq!(back(odd, &CustomerSet::All), None, "{odd}");
        }
    }
}
