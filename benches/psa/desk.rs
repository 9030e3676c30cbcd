//! The desk whose day is played: what it has learnt from, the tickets of a day that it has not seen, and the day itself in less time.
//!
//! Must leave out nothing that the generator makes happen within the day: replies, edits, merges, moves, tickets that are opened again.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use firstline_datasets::{Settings, generate};
use firstline_fakes::{Author, Fake, Script};
use firstline_ticket::{Field, Ticket};
use jiff::{SignedDuration, Timestamp};

/// Days of the history.
const DAYS: u32 = 28;
/// A working day has about this share of a history's tickets.
const DAYS_SHARE: f64 = 0.05;
/// Tickets to learn from.
const LEARNT: usize = 5_000;
/// Days of the history that are before the one that is played, at least.
const BEFORE: f64 = 0.7;
/// Time in which nothing happens is cut to this, such as the night.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(10);
/// Each so-many-th ticket gets another subject from a technician.
const RENAMED: usize = 40;

/// The desk.
pub(crate) struct Desk {
    tickets: Vec<Ticket>,
    /// Where the day begins.
    first: usize,
    count: usize,
}

impl Desk {
    /// A desk with a day of `count` tickets.
    pub(crate) fn new(count: usize, seed: u64) -> Self {
        let settings = Settings { days: DAYS, ..Settings::default() };
        let all = ((count as f64 / DAYS_SHARE) as usize).max(LEARNT * 3 / 2);
        let tickets: Vec<Ticket> = generate(&settings, all, seed).collect();
        let day = |ticket: &Ticket| ticket.opened_at.map(|at| at.as_second().div_euclid(86_400));
        // A working day in the last part: the one with the most tickets.
        let mut best = (0, all.saturating_sub(count));
        let mut first = (all as f64 * BEFORE) as usize;
        while first + count <= all {
            let same =
                tickets[first..].iter().take_while(|ticket| day(ticket) == day(&tickets[first])).count();
            if first > 0 && day(&tickets[first - 1]) != day(&tickets[first]) && same > best.0 {
                best = (same, first);
            }
            first += same.max(1);
        }
        // A part of a day is its middle, when people are awake.
        let first = best.1 + best.0.saturating_sub(count) / 2;
        Self { tickets, first, count }
    }

    /// Writes what was closed before the day, to learn from.
    pub(crate) fn write_history(&self, dir: &Path) -> PathBuf {
        let path = dir.join("history.jsonl");
        let mut file = std::io::BufWriter::new(std::fs::File::create(&path).expect("a file"));
        for ticket in &self.tickets[self.first.saturating_sub(LEARNT)..self.first] {
            let line = serde_json::to_string(ticket).expect("a ticket is JSON");
            writeln!(file, "{line}").expect("the disk has room");
        }
        file.flush().expect("the disk has room");
        path
    }

    /// Gives a PSA all that the desk's tickets are filed under.
    pub(crate) fn furnish(&self, fake: &Fake) {
        let label = |ticket: &Ticket, field| ticket.label(field).map(str::to_owned);
        fake.world(|world| {
            for ticket in &self.tickets {
                label(ticket, Field::Technician).map(|name| world.technician(&name));
                label(ticket, Field::Priority).map(|name| world.priority(&name));
                let board = label(ticket, Field::Board).map(|name| world.board(&name));
                let kind =
                    board.zip(label(ticket, Field::Type)).map(|(board, name)| world.kind(board, &name));
                kind.zip(label(ticket, Field::Subtype)).map(|(kind, name)| world.subkind(kind, &name));
            }
        });
    }

    /// The day, to be played from now on in `minutes`.
    pub(crate) fn day(&self, minutes: f64) -> Day {
        let tickets = &self.tickets[self.first..self.first + self.count];
        let last = tickets.last().and_then(|ticket| ticket.opened_at).expect("tickets are opened");
        let begin = tickets[0].opened_at.expect("tickets are opened");
        let day = SignedDuration::from_hours(24);
        let end = (begin + day).max(last + SignedDuration::from_hours(2));
        let mut script = Script::of(tickets);
        script.steps.retain(|step| step.at <= end);
        let now = Timestamp::now();
        let speed = squeeze(&mut script, now, minutes * 60.0);
        let renamed = tickets.iter().step_by(RENAMED).map(|ticket| ticket.id.clone()).collect();
        Day { steps: script.steps.len(), opened: tickets.len(), script, speed, renamed }
    }
}

/// Days of a history that is pulled, less than the 90 that are asked for.
const PAST: u32 = 80;

/// The steps of `count` closed tickets, the last of which was an hour ago.
pub(crate) fn past(count: usize, seed: u64) -> Script {
    let settings = Settings { days: PAST, ..Settings::default() };
    // Those at the end of the history are open still.
    let all = generate(&settings, count + count / 10 + 50, seed);
    let closed: Vec<Ticket> = all.filter(|ticket| ticket.resolved_at.is_some()).collect();
    let mut script = Script::of(&closed[closed.len().saturating_sub(count)..]);
    let last = script.steps.iter().map(|step| step.at).max().expect("a history has steps");
    let later = Timestamp::now().duration_since(last) - SignedDuration::from_hours(1);
    script.steps.iter_mut().for_each(|step| step.at += later);
    script
}

/// Puts the steps into `seconds` from `now` on, the pauses cut; gives how many times faster than on the desk that is.
fn squeeze(script: &mut Script, now: Timestamp, seconds: f64) -> f64 {
    let mut before = script.steps.iter().map(|step| step.at).min().expect("a day has steps");
    let mut run = SignedDuration::ZERO;
    let runs: Vec<f64> = script
        .steps
        .iter()
        .map(|step| {
            run += step.at.duration_since(before).min(LONGEST_PAUSE);
            before = step.at;
            run.as_secs_f64()
        })
        .collect();
    let speed = (run.as_secs_f64() / seconds).max(f64::MIN_POSITIVE);
    for (step, run) in script.steps.iter_mut().zip(runs) {
        step.at = now + SignedDuration::try_from_secs_f64(run / speed).expect("a time within a day");
    }
    speed
}

/// A day that is being played.
pub(crate) struct Day {
    script: Script,
    renamed: Vec<String>,
    /// How many times faster than on the desk, pauses aside.
    pub(crate) speed: f64,
    pub(crate) steps: usize,
    pub(crate) opened: usize,
}

impl Day {
    /// Does what is due; `false` once all is done.
    pub(crate) fn play(&mut self, fake: &Fake) -> bool {
        fake.play(&mut self.script);
        let renamed = &mut self.renamed;
        fake.world(|world| {
            let technician = Author::Technician(world.technician("Dispatch"));
            let now = world.now();
            // Some seconds after they were opened: they may have been decided by then.
            renamed.retain(|name| {
                let opened = world.by_name.get(name).and_then(|id| world.tickets.get(id));
                let Some(ticket) = opened.filter(|t| now.duration_since(t.entered_at).as_secs() >= 15) else {
                    return true;
                };
                let (id, summary) = (ticket.id, format!("{} (call back)", ticket.summary));
                world.rename(id, &summary, (technician, now));
                false
            });
        });
        !self.script.steps.is_empty() || !self.renamed.is_empty()
    }

    /// Plays it to its end.
    pub(crate) fn play_all(mut self, fake: &Fake) {
        while self.play(fake) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
