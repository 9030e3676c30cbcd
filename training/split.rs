//! Train, calibrate, certify and test windows.
//!
//! By time where the tickets have dates, since a random split of ticket data flatters; as the data says where
//! it carries a `split`; at random by family otherwise. Near-duplicates never stand on both sides of a border.

use std::collections::{HashMap, HashSet};

use firstline_fault::{Code, Result, UserError};

use crate::Prepared;
use crate::shuffle::shuffled;

/// Which window a ticket is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// Heads are fitted on it.
    Train,
    /// Regularisation, mixture and temperature are chosen on it.
    Calibrate,
    /// Kept for certifying thresholds: nothing is fitted to it or chosen on it.
    Certify,
    /// Held out.
    Test,
    /// Used for nothing: a near-duplicate stands in another window.
    Repeat,
    /// Used for nothing: its `split` names no window, or it has no date in a split by time.
    Unused,
}

/// How to split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitMode {
    /// The data's own `split`, else by time, else a fault that names the way out.
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
    pub windows: Vec<Window>,
}

/// Fewest tickets a window must have for its figures to mean anything.
const MIN_WINDOW: usize = 10;
/// The windows that no family may stand in two of.
const ALL_WINDOWS: [Window; 4] = [Window::Train, Window::Calibrate, Window::Certify, Window::Test];

impl Split {
    /// Splits `tickets`, whose families are `families`. Those from index `held_out` on come from a test file
    /// of their own and are the test window, but for near-duplicates of what is learnt from.
    ///
    /// # Errors
    /// [`Code::Split`] when the data can't be split as asked, or a window is left with hardly a ticket.
    pub fn new(
        tickets: &[Prepared],
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
            split.windows.extend(rest.iter().map(|_| Window::Test));
            part_families(&mut split.windows, all_families, &ALL_WINDOWS, Repeats::SetAside);
        }
        for (window, wanted) in
            [(Window::Train, true), (Window::Calibrate, true), (Window::Test, options.test > 0.0)]
        {
            let found = split.count(window);
            if wanted && found < MIN_WINDOW && !(window == Window::Test && split.kind == "given") {
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
    pub fn count(&self, window: Window) -> usize {
        self.windows.iter().filter(|&&w| w == window).count()
    }

    /// The indices of the tickets in `window`, ascending.
    pub fn rows(&self, window: Window) -> Vec<usize> {
        (0..self.windows.len()).filter(|&i| self.windows[i] == window).collect()
    }

    fn given(tickets: &[Prepared], families: &[u32], options: SplitOptions, dated: bool) -> Self {
        let window = |t: &Prepared| match t.split.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("train") => Window::Train,
            Some("calibrate" | "val" | "valid" | "validation" | "dev") => Window::Calibrate,
            Some("test") => Window::Test,
            _ => Window::Unused,
        };
        let mut windows: Vec<Window> = tickets.iter().map(window).collect();
        // The end of the window that `from` names, of which `share` is taken, becomes the window `to`.
        let mut take = |from: Window, to: Window, share: f64| {
            let rows: Vec<usize> = (0..windows.len()).filter(|&i| windows[i] == from).collect();
            let order = match dated {
                true => by_date(tickets, &rows),
                false => by_family(families, &rows, options.seed),
            };
            let kept = order.len() - (order.len() as f64 * share) as usize;
            order[kept..].iter().for_each(|&i| windows[i] = to);
        };
        let SplitOptions { calibrate, certify, .. } = options;
        let has_own = tickets.iter().any(|t| window(t) == Window::Calibrate);
        if !has_own {
            take(Window::Train, Window::Calibrate, calibrate + certify);
        }
        take(Window::Calibrate, Window::Certify, certify / (calibrate + certify).max(f64::MIN_POSITIVE));
        let repeats = if dated || has_own { Repeats::SetAside } else { Repeats::Move };
        part_families(&mut windows, families, &ALL_WINDOWS[..3], repeats);
        // The test window stays as it was given: what repeats it is not learnt from.
        let tested: HashSet<u32> =
            windows.iter().zip(families).filter(|(w, _)| **w == Window::Test).map(|(_, &f)| f).collect();
        for (window, family) in windows.iter_mut().zip(families) {
            if ALL_WINDOWS[..3].contains(window) && tested.contains(family) {
                *window = Window::Repeat;
            }
        }
        Self { kind: "given", windows }
    }

    fn by_time(tickets: &[Prepared], families: &[u32], options: SplitOptions) -> Self {
        let all: Vec<usize> = (0..tickets.len()).filter(|&i| tickets[i].opened_at.is_some()).collect();
        let mut windows = cut(&by_date(tickets, &all), tickets.len(), options);
        part_families(&mut windows, families, &ALL_WINDOWS, Repeats::SetAside);
        Self { kind: "time", windows }
    }

    fn random(families: &[u32], options: SplitOptions) -> Self {
        let all: Vec<usize> = (0..families.len()).collect();
        let mut windows = cut(&by_family(families, &all, options.seed), families.len(), options);
        part_families(&mut windows, families, &ALL_WINDOWS, Repeats::Move);
        Self { kind: "random", windows }
    }
}

fn undated(tickets: &[Prepared]) -> firstline_fault::Error {
    let without = tickets.iter().filter(|t| t.opened_at.is_none()).count();
    let problem =
        format!("{without} of {} tickets have no opened_at: too many to split by time", tickets.len());
    let next = "Import their dates, or accept a flattering split with --split random";
    UserError::new(Code::Split, "--split", problem, next).into()
}

/// `rows`, oldest first; equal dates keep the order of the file.
fn by_date(tickets: &[Prepared], rows: &[usize]) -> Vec<usize> {
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
fn cut(order: &[usize], rows: usize, options: SplitOptions) -> Vec<Window> {
    let n = order.len();
    let test = n - (n as f64 * options.test) as usize;
    let certify = test - (n as f64 * options.certify) as usize;
    let calibrate = certify - (n as f64 * options.calibrate) as usize;
    let mut windows = vec![Window::Unused; rows];
    order[..calibrate].iter().for_each(|&i| windows[i] = Window::Train);
    order[calibrate..certify].iter().for_each(|&i| windows[i] = Window::Calibrate);
    order[certify..test].iter().for_each(|&i| windows[i] = Window::Certify);
    order[test..].iter().for_each(|&i| windows[i] = Window::Test);
    windows
}

/// What happens to those of a family's tickets that stand in a later window than its first.
#[derive(Clone, Copy, PartialEq)]
enum Repeats {
    /// They are used for nothing: time must not run backwards.
    SetAside,
    /// They go to the family's earliest window.
    Move,
}

/// Sees to it that no family stands in two of the windows `among`.
fn part_families(windows: &mut [Window], families: &[u32], among: &[Window], repeats: Repeats) {
    let mut earliest: HashMap<u32, Window> = HashMap::new();
    for (&window, &family) in windows.iter().zip(families).filter(|(w, _)| among.contains(w)) {
        let first = earliest.entry(family).or_insert(window);
        *first = window.min(*first);
    }
    for (window, family) in windows.iter_mut().zip(families).filter(|(w, _)| among.contains(w)) {
        let first = earliest[family];
        if first != *window {
            *window = if repeats == Repeats::Move { first } else { Window::Repeat };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_ticket::Ticket;

    const ALL: SplitOptions =
        SplitOptions { mode: SplitMode::Auto, calibrate: 0.2, certify: 0.1, test: 0.2, seed: 1 };

    fn history(n: usize, dated: bool) -> Vec<Prepared> {
        (0..n)
            .map(|i| {
                let opened_at = dated
                    .then(|| jiff::Timestamp::from_second(1_700_000_000 + ((i * 37) % n) as i64).unwrap());
                Prepared::new(&Ticket {
                    id: i.to_string(),
                    body: Some(format!("t{i}")),
                    opened_at,
                    ..Ticket::default()
                })
            })
            .collect()
    }

    fn crosses(split: &Split, families: &[u32]) -> bool {
        let mut seen: HashMap<u32, Window> = HashMap::new();
        let inside = split.windows.iter().zip(families).filter(|(w, _)| **w != Window::Repeat);
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
            span(Window::Train).1 < span(Window::Calibrate).0
                && span(Window::Calibrate).1 < span(Window::Test).0
        );
        assert!(!crosses(&split, &families) && split.count(Window::Repeat) > 0);
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
        assert_eq!(random(1).count(Window::Repeat), 0);
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
        assert_eq!((split.kind, split.count(Window::Test), split.count(Window::Unused)), ("given", 30, 30));
        assert_eq!(split.count(Window::Calibrate), 12);
        tickets.iter_mut().step_by(4).for_each(|t| t.split = Some("val".into()));
        // A calibrate window of its own gives up the share that certifies.
        let split = Split::new(&tickets, &families, tickets.len(), ALL).unwrap();
        assert_eq!((split.count(Window::Calibrate), split.count(Window::Certify)), (20, 10));
    }

    #[test]
    fn what_repeats_a_given_test_window_is_not_learnt_from() {
        let mut tickets = history(120, false);
        for (i, t) in tickets.iter_mut().enumerate() {
            t.split = Some(if i < 100 { "train" } else { "test" }.into());
        }
        let families: Vec<u32> = (0..120).map(|i| i % 110).collect();
        let split = Split::new(&tickets, &families, 120, ALL).unwrap();
        assert_eq!((split.count(Window::Test), split.count(Window::Repeat)), (20, 10));
        assert!(!crosses(&split, &families));
    }

    #[test]
    fn a_few_undated_tickets_are_left_out_of_a_split_by_time() {
        let mut tickets = history(100, true);
        tickets[7].opened_at = None;
        let split = Split::new(&tickets, &(0..100).collect::<Vec<_>>(), 100, ALL).unwrap();
        assert_eq!((split.kind, split.windows[7], split.count(Window::Unused)), ("time", Window::Unused, 1));
    }

    #[test]
    fn a_test_file_is_held_out_but_for_what_repeats_the_history() {
        let tickets = history(120, true);
        let families: Vec<u32> = (0..120).map(|i| if i == 110 { 3 } else { i }).collect();
        let split = Split::new(&tickets, &families, 100, ALL).unwrap();
        assert_eq!(split.count(Window::Test), 19);
        assert_eq!(split.windows[110], Window::Repeat);
        let learnt = [Window::Train, Window::Calibrate, Window::Certify].map(|w| split.count(w));
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
