//! Train, calibrate, certify and test windows.
//!
//! By time where the tickets have dates, since a random split of ticket data flatters; as the data says where
//! it carries a `split`; at random by family otherwise. A `split` that names only `train` and `test` gives up the windows
//! that training needs out of `train`; a validation window that it names certifies, whole. Near-duplicates must never stand on both
//! sides of a border.

use std::collections::{HashMap, HashSet};

use firstline_fault::{Code, Result, UserError};

use super::history::HistoryTicket;
use super::shuffle::shuffled;

/// Which window a ticket is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SplitWindow {
    /// Heads are fitted on it.
    Train,
    /// Regularisation, mixture and temperature are chosen on it.
    Calibrate,
    /// Kept for certifying thresholds: nothing is fitted to it or chosen on it.
    Certify,
    /// Held out.
    Test,
    /// Not used: a near-duplicate stands in another window.
    Repeat,
    /// Not used: its `split` names no window, or it has no date in a split by time.
    Unused,
}

/// How to split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitMode {
    /// By the data's own `split`, else by time; without either, a fault that names the next step.
    #[default]
    Auto,
    /// By opening date.
    Time,
    /// At random, whole families together.
    Random,
}

/// Shares of the windows.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct SplitOptions {
    /// How to split.
    pub mode: SplitMode,
    /// Share of the tickets that calibrate.
    pub calibrate: f64,
    /// Share of the tickets on which thresholds are certified: the newest before the held-out ones.
    pub certify: f64,
    /// Share of the tickets that are held out; 0 where the test tickets stand in a file of their own.
    pub test: f64,
    /// Seed of a random split.
    pub seed: u64,
}

/// The outcome of a split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// `given`, `time` or `random`.
    pub kind: &'static str,
    /// The window of each ticket.
    pub windows: Vec<SplitWindow>,
    /// What to know about it before believing the figures, in a sentence.
    pub note: Option<&'static str>,
}

/// Fewest tickets a window must have for its figures to mean anything.
const MIN_WINDOW: usize = 10;
/// Fewest labelled tickets that a pool, its temperature and its floor can be chosen on.
pub(super) const LEAST_CALIBRATE: usize = 20;
/// What is said of windows that were carved out of a given train window.
const CARVED_BY_TIME: &str = "The history's own split names no calibrate window, so the calibrate and certify windows \
                              were carved out of its newest train tickets, near-duplicates kept together.";
const CARVED_AT_RANDOM: &str = "The history's own split names no calibrate window, so the calibrate and certify \
                                windows were carved out of its train tickets at random.";
const CERTIFIES_BY_ITS_OWN: &str = "The history's own validation window was kept for certifying, whole, and the calibrate window carved \
                                    out of its train tickets.";
/// The windows that no family may stand in two of.
const ALL_WINDOWS: [SplitWindow; 4] =
    [SplitWindow::Train, SplitWindow::Calibrate, SplitWindow::Certify, SplitWindow::Test];

impl Split {
    /// Splits `tickets`, whose families are `families`. Those from index `held_out` on come from a test file
    /// of their own and are the test window, but for near-duplicates of what is learnt from.
    ///
    /// # Errors
    /// [`Code::Split`] when the data can't be split as asked, or a window is left with hardly a ticket.
    pub fn new(
        tickets: &[HistoryTicket],
        families: &[u32],
        held_out: usize,
        options: SplitOptions,
    ) -> Result<Self> {
        let (tickets, rest) = tickets.split_at(held_out);
        let options = if rest.is_empty() { options } else { SplitOptions { test: 0.0, ..options } };
        let (families, all_families) = (&families[..held_out], families);
        let dated = 2 * tickets.iter().filter(|t| t.opened_at.is_some()).count() > tickets.len();
        let given = tickets.iter().any(|t| t.split.is_some());
        let mut split = match options.mode {
            SplitMode::Auto if given => Self::given(tickets, families, options, dated),
            SplitMode::Auto | SplitMode::Time if dated => Self::by_time(tickets, families, options),
            SplitMode::Random => Self::random(families, options),
            SplitMode::Auto | SplitMode::Time => return Err(undated(tickets)),
        };
        if !rest.is_empty() {
            split.windows.extend(rest.iter().map(|_| SplitWindow::Test));
            part_families(&mut split.windows, all_families, &ALL_WINDOWS, Repeats::SetAside);
        }
        for (window, wanted) in [
            (SplitWindow::Train, true),
            (SplitWindow::Calibrate, true),
            (SplitWindow::Test, options.test > 0.0),
        ] {
            let found = split.count(window);
            if wanted && found < MIN_WINDOW && !(window == SplitWindow::Test && split.kind == "given") {
                let problem =
                    format!("{found} tickets are left for the {window:?} window of a {} split", split.kind);
                return Err(UserError::new(
                    Code::Split,
                    "--split",
                    problem,
                    "Give it more tickets, or other shares",
                )
                .into());
            }
        }
        Ok(split)
    }

    /// Number of tickets in `window`.
    pub fn count(&self, window: SplitWindow) -> usize {
        self.windows.iter().filter(|&&w| w == window).count()
    }

    /// The indices of the tickets in `window`, ascending.
    pub fn rows(&self, window: SplitWindow) -> Vec<usize> {
        (0..self.windows.len()).filter(|&i| self.windows[i] == window).collect()
    }

    fn given(tickets: &[HistoryTicket], families: &[u32], options: SplitOptions, dated: bool) -> Self {
        let given: Vec<SplitWindow> = tickets.iter().map(named_window).collect();
        let has_own = given.contains(&SplitWindow::Certify);
        let carver = Carver { tickets, families, options, dated, has_own };
        let mut windows = given.clone();
        carver.by_ticket(&mut windows);
        let calibrate = windows.iter().filter(|&&w| w == SplitWindow::Calibrate).count();
        if calibrate < LEAST_CALIBRATE {
            // Too many of the newest tickets repeat older ones; whole families lose none.
            windows = given;
            carver.by_family(&mut windows);
        }
        let note = match (has_own, dated) {
            (true, _) => Some(CERTIFIES_BY_ITS_OWN),
            (false, true) => Some(CARVED_BY_TIME),
            (false, false) => Some(CARVED_AT_RANDOM),
        };
        Self { kind: "given", windows, note }
    }

    fn by_time(tickets: &[HistoryTicket], families: &[u32], options: SplitOptions) -> Self {
        let all: Vec<usize> = (0..tickets.len()).filter(|&i| tickets[i].opened_at.is_some()).collect();
        let mut windows = cut(&by_date(tickets, &all), tickets.len(), options);
        part_families(&mut windows, families, &ALL_WINDOWS, Repeats::SetAside);
        Self { kind: "time", windows, note: None }
    }

    fn random(families: &[u32], options: SplitOptions) -> Self {
        let all: Vec<usize> = (0..families.len()).collect();
        let mut windows = cut(&by_family(families, &all, options.seed), families.len(), options);
        part_families(&mut windows, families, &ALL_WINDOWS, Repeats::Move);
        Self { kind: "random", windows, note: None }
    }
}

/// The window that a ticket's own `split` names.
///
/// A validation window certifies, whole. Tickets of one window may have been written together, and then resemble each other more than
/// a test ticket resembles any of them: of a window that is cut in two, the part that is learnt from would flatter the part that certifies.
fn named_window(ticket: &HistoryTicket) -> SplitWindow {
    match ticket.split.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("train") => SplitWindow::Train,
        Some("calibrate" | "certify" | "val" | "valid" | "validation" | "dev") => SplitWindow::Certify,
        Some("test") => SplitWindow::Test,
        _ => SplitWindow::Unused,
    }
}

/// Carves windows that training needs out of those that the data names.
struct Carver<'a> {
    tickets: &'a [HistoryTicket],
    families: &'a [u32],
    options: SplitOptions,
    dated: bool,
    /// Whether the data names the certify window.
    has_own: bool,
}

impl Carver<'_> {
    /// Carves the calibrate window out of train, and the certify window with it where the data names none: the newest tickets,
    /// or any whole families where there are no dates. What repeats another window is set aside.
    fn by_ticket(&self, windows: &mut [SplitWindow]) {
        let (calibrate, certify) = (self.calibrate(windows), self.options.certify);
        if self.has_own {
            self.take(windows, SplitWindow::Train, SplitWindow::Calibrate, calibrate);
        } else {
            self.take(windows, SplitWindow::Train, SplitWindow::Calibrate, calibrate + certify);
            let share = certify / (calibrate + certify).max(f64::MIN_POSITIVE);
            self.take(windows, SplitWindow::Calibrate, SplitWindow::Certify, share);
        }
        let repeats = if self.dated || self.has_own { Repeats::SetAside } else { Repeats::Move };
        part_families(windows, self.families, &ALL_WINDOWS[..3], repeats);
        self.set_tested_aside(windows);
    }

    /// The share of train that calibrates. A history that names its certify window may be small: it gives up to half.
    fn calibrate(&self, windows: &[SplitWindow]) -> f64 {
        let train = windows.iter().filter(|&&w| w == SplitWindow::Train).count().max(1);
        let least = if self.has_own { (LEAST_CALIBRATE as f64 / train as f64).min(0.5) } else { 0.0 };
        self.options.calibrate.max(least)
    }

    /// Makes the end of the window `from`, of which `share` is taken, the window `to`.
    fn take(&self, windows: &mut [SplitWindow], from: SplitWindow, to: SplitWindow, share: f64) {
        let order = self.order(windows, from);
        let kept = order.len() - (order.len() as f64 * share) as usize;
        order[kept..].iter().for_each(|&i| windows[i] = to);
    }

    /// Carves the calibrate window out of train, and the certify window where the data names none, by whole families: those that began
    /// last, or any where there are no dates. A family that is larger than what is left of a window stays with train.
    fn by_family(&self, windows: &mut [SplitWindow]) {
        self.set_tested_aside(windows);
        let order = self.order(windows, SplitWindow::Train);
        let mut members: HashMap<u32, Vec<usize>> = HashMap::new();
        let mut families: Vec<u32> = Vec::new();
        for &row in &order {
            let family = members.entry(self.families[row]).or_default();
            if family.is_empty() {
                families.push(self.families[row]);
            }
            family.push(row);
        }
        families.reverse();
        let calibrate = self.calibrate(windows);
        let certify = (SplitWindow::Certify, if self.has_own { 0.0 } else { self.options.certify });
        for (window, share) in [certify, (SplitWindow::Calibrate, calibrate)] {
            let mut left = (order.len() as f64 * share) as usize;
            families.retain(|family| {
                let rows = &members[family];
                let fits = rows.len() <= left;
                if fits {
                    left -= rows.len();
                    rows.iter().for_each(|&row| windows[row] = window);
                }
                !fits
            });
        }
        part_families(windows, self.families, &ALL_WINDOWS[..3], Repeats::SetAside);
    }

    /// The rows of `window`, oldest first; shuffled with families together where there are no dates.
    fn order(&self, windows: &[SplitWindow], window: SplitWindow) -> Vec<usize> {
        let rows: Vec<usize> = (0..windows.len()).filter(|&i| windows[i] == window).collect();
        match self.dated {
            true => by_date(self.tickets, &rows),
            false => by_family(self.families, &rows, self.options.seed),
        }
    }

    /// The test window stays as it was given: what repeats it is not learnt from.
    fn set_tested_aside(&self, windows: &mut [SplitWindow]) {
        let is_test = |(window, _): &(&SplitWindow, _)| **window == SplitWindow::Test;
        let tested: HashSet<u32> =
            windows.iter().zip(self.families).filter(is_test).map(|(_, &family)| family).collect();
        for (window, family) in windows.iter_mut().zip(self.families) {
            if ALL_WINDOWS[..3].contains(window) && tested.contains(family) {
                *window = SplitWindow::Repeat;
            }
        }
    }
}

fn undated(tickets: &[HistoryTicket]) -> firstline_fault::Error {
    let without = tickets.iter().filter(|t| t.opened_at.is_none()).count();
    let problem =
        format!("{without} of {} tickets have no opened_at: too many to split by time", tickets.len());
    let next = "Import their dates, or accept a flattering split with --split random";
    UserError::new(Code::Split, "--split", problem, next).into()
}

/// `rows`, oldest first; equal dates keep the order of the file.
fn by_date(tickets: &[HistoryTicket], rows: &[usize]) -> Vec<usize> {
    let mut order = rows.to_vec();
    order.sort_by_key(|&i| tickets[i].opened_at);
    order
}

/// `rows` in an order in which families stand together and are shuffled.
fn by_family(families: &[u32], rows: &[usize], seed: u64) -> Vec<usize> {
    let mut names: Vec<u32> = rows.iter().map(|&i| families[i]).collect();
    names.sort_unstable();
    names.dedup();
    let rank: HashMap<u32, usize> =
        shuffled(names.len(), seed).into_iter().enumerate().map(|(r, i)| (names[i], r)).collect();
    let mut order = rows.to_vec();
    order.sort_by_key(|&i| rank[&families[i]]);
    order
}

/// Cuts an order of rows, among `rows` in all, into the windows.
fn cut(order: &[usize], rows: usize, options: SplitOptions) -> Vec<SplitWindow> {
    let n = order.len();
    let test = n - (n as f64 * options.test) as usize;
    let certify = test - (n as f64 * options.certify) as usize;
    let calibrate = certify - (n as f64 * options.calibrate) as usize;
    let mut windows = vec![SplitWindow::Unused; rows];
    order[..calibrate].iter().for_each(|&i| windows[i] = SplitWindow::Train);
    order[calibrate..certify].iter().for_each(|&i| windows[i] = SplitWindow::Calibrate);
    order[certify..test].iter().for_each(|&i| windows[i] = SplitWindow::Certify);
    order[test..].iter().for_each(|&i| windows[i] = SplitWindow::Test);
    windows
}

/// What happens to a family's tickets that stand in a later window than its first.
#[derive(Clone, Copy, PartialEq)]
enum Repeats {
    /// They are not used: time must not run backwards.
    SetAside,
    /// They go to the family's earliest window.
    Move,
}

/// Leaves no family in two of the windows `among`.
fn part_families(windows: &mut [SplitWindow], families: &[u32], among: &[SplitWindow], repeats: Repeats) {
    let mut earliest: HashMap<u32, SplitWindow> = HashMap::new();
    for (&window, &family) in windows.iter().zip(families).filter(|(w, _)| among.contains(w)) {
        let first = earliest.entry(family).or_insert(window);
        *first = window.min(*first);
    }
    for (window, family) in windows.iter_mut().zip(families).filter(|(w, _)| among.contains(w)) {
        let first = earliest[family];
        if first != *window {
            *window = if repeats == Repeats::Move { first } else { SplitWindow::Repeat };
        }
    }
}

#[cfg(test)]
mod tests {
    use firstline_triage::Reader;

    use super::*;
    use firstline_ticket::Ticket;

    const ALL: SplitOptions =
        SplitOptions { mode: SplitMode::Auto, calibrate: 0.2, certify: 0.1, test: 0.2, seed: 1 };

    fn history(n: usize, dated: bool) -> Vec<HistoryTicket> {
        (0..n)
            .map(|i| {
                let opened_at = dated
                    .then(|| jiff::Timestamp::from_second(1_700_000_000 + ((i * 37) % n) as i64).unwrap());
                HistoryTicket::new(
                    &Ticket {
                        id: i.to_string(),
                        body: Some(format!("t{i}")),
                        opened_at,
                        ..Ticket::default()
                    },
                    &Reader::default(),
                )
            })
            .collect()
    }

    fn crosses(split: &Split, families: &[u32]) -> bool {
        let mut seen: HashMap<u32, SplitWindow> = HashMap::new();
        let inside = split.windows.iter().zip(families).filter(|(w, _)| **w != SplitWindow::Repeat);
        inside.into_iter().any(|(&w, &f)| *seen.entry(f).or_insert(w) != w)
    }

    #[test]
    fn time_split_is_ordered_and_sets_repeats_aside() {
        let tickets = history(200, true);
        // Pairs that follow each other in time, with the borders between the two of a pair.
        let families: Vec<u32> = (0..200u32).map(|i| (i * 37 % 200).div_ceil(2)).collect();
        let split = Split::new(&tickets, &families, tickets.len(), ALL).unwrap();
        assert_eq!(split.kind, "time");
        let span = |w| split.rows(w).into_iter().map(|i| tickets[i].opened_at.unwrap()).minmax();
        assert!(
            span(SplitWindow::Train).1 < span(SplitWindow::Calibrate).0
                && span(SplitWindow::Calibrate).1 < span(SplitWindow::Test).0
        );
        assert!(!crosses(&split, &families) && split.count(SplitWindow::Repeat) > 0);
    }

    #[test]
    fn random_split_keeps_families_whole_and_follows_the_seed() {
        let tickets = history(300, false);
        let families: Vec<u32> = (0..300).map(|i| i / 3).collect();
        let random = |seed| {
            Split::new(&tickets, &families, 300, SplitOptions { mode: SplitMode::Random, seed, ..ALL })
                .unwrap()
        };
        assert!(!crosses(&random(1), &families));
        assert_eq!(random(1).count(SplitWindow::Repeat), 0);
        assert_eq!(random(1), random(1));
        assert_ne!(random(1), random(2));
    }

    #[test]
    fn a_given_split_is_honoured_and_train_gives_up_a_calibrate_window() {
        let mut tickets = history(120, false);
        for (i, t) in tickets.iter_mut().enumerate() {
            t.split = Some(["train", "train", "test", "oos_test"][i % 4].into());
        }
        let families: Vec<u32> = (0..120).collect();
        let split = Split::new(&tickets, &families, tickets.len(), ALL).unwrap();
        assert_eq!(
            (split.kind, split.count(SplitWindow::Test), split.count(SplitWindow::Unused)),
            ("given", 30, 30)
        );
        assert_eq!(split.count(SplitWindow::Calibrate), 12);
        assert!(split.note.is_some_and(|note| note.contains("at random")), "{:?}", split.note);
        tickets.iter_mut().step_by(4).for_each(|t| t.split = Some("val".into()));
        // A validation window of its own certifies, whole, and nothing of it is learnt from.
        let split = Split::new(&tickets, &families, tickets.len(), ALL).unwrap();
        let own = |i: &usize| tickets[*i].split.as_deref() == Some("val");
        let named: Vec<usize> = (0..tickets.len()).filter(own).collect();
        assert_eq!(split.rows(SplitWindow::Certify), named);
        assert_eq!(sizes(&split), [15, 15, 30, 30]);
        assert!(split.note.is_some_and(|note| note.contains("kept for certifying, whole")));
    }

    #[test]
    fn what_repeats_what_is_learnt_from_does_not_certify() {
        let mut tickets = history(400, false);
        named(&mut tickets, |i| {
            if i < 200 {
                "train"
            } else if i < 300 {
                "val"
            } else {
                "test"
            }
        });
        // Ten of the validation window repeat train tickets, and ten train tickets repeat the test window.
        let families: Vec<u32> = (0..400)
            .map(|i| if (200..210).contains(&i) || (300..310).contains(&i) { i - 200 } else { i })
            .collect();
        let split = Split::new(&tickets, &families, 400, ALL).unwrap();
        assert!(!crosses(&split, &families));
        assert!(
            split.rows(SplitWindow::Certify).iter().all(|i| (210..300).contains(i)),
            "{:?}",
            sizes(&split)
        );
        assert_eq!(split.count(SplitWindow::Certify), 90);
    }

    fn named(tickets: &mut [HistoryTicket], name: impl Fn(usize) -> &'static str) {
        tickets.iter_mut().enumerate().for_each(|(i, t)| t.split = Some(name(i).into()));
    }

    fn sizes(split: &Split) -> [usize; 4] {
        ALL_WINDOWS.map(|window| split.count(window))
    }

    #[test]
    fn a_given_train_window_of_the_same_few_texts_gives_up_whole_families_that_began_last() {
        // Forty texts that come again and again: the newest train tickets all repeat older ones.
        let mut tickets = history(500, true);
        named(&mut tickets, |i| if i < 400 { "train" } else { "test" });
        let families: Vec<u32> = (0..500).map(|i| if i < 400 { i % 40 } else { i }).collect();
        let split = Split::new(&tickets, &families, 500, ALL).unwrap();
        assert_eq!(sizes(&split), [280, 80, 40, 100]);
        assert!(!crosses(&split, &families) && split.count(SplitWindow::Repeat) == 0);
        assert!(split.kind == "given" && split.note.is_some_and(|note| note.contains("newest")));
        let began = |window| {
            let families_of = split.rows(window).into_iter().map(|i| families[i]);
            let first = |f| (0..400).filter(|&i| families[i] == f).map(|i| tickets[i].opened_at).min();
            families_of.map(first).minmax()
        };
        assert!(began(SplitWindow::Train).1 < began(SplitWindow::Calibrate).0);
        assert!(began(SplitWindow::Calibrate).1 < began(SplitWindow::Certify).0);
    }

    #[test]
    fn one_text_that_fills_a_given_train_window_leaves_the_others_to_calibrate() {
        let mut tickets = history(300, false);
        named(&mut tickets, |i| if i < 250 { "train" } else { "test" });
        // 180 of 250 train tickets say the same, and ten more repeat the test window.
        let families: Vec<u32> =
            (0..300).map(|i| if i < 180 { 0 } else { i + 10 * u32::from(i < 250) }).collect();
        for seed in 0..20 {
            let split = Split::new(&tickets, &families, 300, SplitOptions { seed, ..ALL }).unwrap();
            let [train, calibrate, certify, test] = sizes(&split);
            assert!(calibrate >= LEAST_CALIBRATE && certify > 0 && test == 50, "{:?}", sizes(&split));
            assert_eq!(train + calibrate + certify + split.count(SplitWindow::Repeat), 250);
            assert!(!crosses(&split, &families));
        }
    }

    #[test]
    fn a_split_that_names_only_train_has_no_test_window() {
        let mut tickets = history(200, true);
        named(&mut tickets, |_| "train");
        let split = Split::new(&tickets, &(0..200).collect::<Vec<_>>(), 200, ALL).unwrap();
        assert_eq!(sizes(&split), [140, 40, 20, 0]);
        assert!(split.note.is_some());
    }

    #[test]
    fn what_repeats_a_given_test_window_is_not_learnt_from() {
        let mut tickets = history(120, false);
        for (i, t) in tickets.iter_mut().enumerate() {
            t.split = Some(if i < 100 { "train" } else { "test" }.into());
        }
        let families: Vec<u32> = (0..120).map(|i| i % 110).collect();
        let split = Split::new(&tickets, &families, 120, ALL).unwrap();
        assert_eq!((split.count(SplitWindow::Test), split.count(SplitWindow::Repeat)), (20, 10));
        assert!(!crosses(&split, &families));
    }

    #[test]
    fn a_few_undated_tickets_are_left_out_of_a_split_by_time() {
        let mut tickets = history(100, true);
        tickets[7].opened_at = None;
        let split = Split::new(&tickets, &(0..100).collect::<Vec<_>>(), 100, ALL).unwrap();
        assert_eq!(
            (split.kind, split.windows[7], split.count(SplitWindow::Unused)),
            ("time", SplitWindow::Unused, 1)
        );
    }

    #[test]
    fn a_test_file_is_held_out_but_for_what_repeats_the_history() {
        let tickets = history(120, true);
        let families: Vec<u32> = (0..120).map(|i| if i == 110 { 3 } else { i }).collect();
        let split = Split::new(&tickets, &families, 100, ALL).unwrap();
        assert_eq!(split.count(SplitWindow::Test), 19);
        assert_eq!(split.windows[110], SplitWindow::Repeat);
        let learnt =
            [SplitWindow::Train, SplitWindow::Calibrate, SplitWindow::Certify].map(|w| split.count(w));
        assert_eq!((learnt.iter().sum::<usize>(), learnt[2]), (100, 10));
    }

    #[test]
    fn data_without_dates_must_ask_for_a_random_split() {
        let error = Split::new(&history(100, false), &[0; 100], 100, ALL).unwrap_err();
        assert!(error.code() == Some(Code::Split) && error.to_string().contains("--split random"), "{error}");
    }

    #[test]
    fn a_window_without_tickets_is_a_fault() {
        let one_family = Split::new(&history(100, true), &[0; 100], 100, ALL).unwrap_err();
        assert_eq!(one_family.code(), Some(Code::Split));
    }

    trait MinMax: Iterator {
        fn minmax(self) -> (Self::Item, Self::Item);
    }

    impl<T: Ord + Copy, I: Iterator<Item = T>> MinMax for I {
        fn minmax(self) -> (T, T) {
            let all: Vec<T> = self.collect();
            (*all.iter().min().unwrap(), *all.iter().max().unwrap())
        }
    }
}
