//! Reads a history as facts, with the desk's hours and tiers. Lines in another order give the same facts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_rollout::{
    Automation, Baseline, Desk, OpenHours, Opening, Population, RuleTicket, TicketFacts, Tiers, baseline,
    read_automation, select,
};
use firstline_ticket::{Field, Kind, Line, Ticket};
use firstline_training::Progress;
use firstline_triage::{
    Acknowledgements, AcknowledgementsBuilder, Hours, Policy, Reader, sha256_file, what_is_read,
};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::arguments::PolicyArg;
use crate::commands::policy;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::Ui;

/// Alerts of one kind within so many minutes are one storm, as a service counts them by default.
const STORM_MINUTES: i64 = 30;
/// Bad lines that are named.
const FAULTS_SHOWN: usize = 5;
/// Longest tiers, criteria, rules or automation file that is read, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// Days before the start that a baseline counts, unless it is told otherwise.
pub(super) const DAYS: u16 = 90;

/// The desk whose history is read.
#[derive(Debug, Args)]
pub(super) struct DeskArgs {
    /// Days before the start that count.
    #[arg(long, default_value_t = DAYS, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub(super) days: u16,

    /// Day on which the 90 days start, in the desk's time zone [default: the day after the newest ticket].
    #[arg(long, value_name = "DATE")]
    pub(super) start: Option<Date>,

    /// Tiers of boards, technicians and statuses, as `firstline rollout tiers --suggest` proposes them.
    #[arg(long, value_name = "FILE")]
    pub(super) tiers: Option<PathBuf>,

    #[command(flatten)]
    pub(super) policy: PolicyArg,
}

/// What could be automated, as it was measured.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct AutomationArg {
    /// Measured shares by category: the `automation.toml` that `firstline bench` writes, `[[category]]` with board, type, repeats and
    /// coverage.
    #[arg(long, value_name = "FILE")]
    pub(super) automation: Option<PathBuf>,
}

/// A history as facts, in order of time.
pub(in crate::commands) struct History {
    pub(in crate::commands) facts: Vec<TicketFacts>,
    /// Of each ticket, whether rules of the policy keep it with a person or ask who its writer is.
    blocked: Vec<bool>,
    /// Each ticket as routing rules see it, where they were asked for.
    pub(in crate::commands) seen: Vec<RuleTicket>,
    /// Each ticket whole, where that was asked for.
    pub(super) tickets: Vec<Ticket>,
    pub(super) name: String,
    pub(super) sha256: Option<String>,
    /// Lines without a usable ticket.
    pub(in crate::commands) bad: usize,
    /// Tickets without a time of opening, opened in the future, and with the id of another.
    pub(in crate::commands) undated: u64,
    pub(in crate::commands) future: u64,
    pub(in crate::commands) repeated: u64,
    /// The last moment that the history tells of.
    pub(super) until: Timestamp,
}

struct Item {
    facts: TicketFacts,
    blocked: bool,
    storm: Option<String>,
    seen: Option<RuleTicket>,
    ticket: Option<Ticket>,
}

/// What is read of a history beside facts.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::commands) struct Wanted {
    /// What routing rules see of tickets.
    pub(in crate::commands) rules: bool,
    /// Keeps whole tickets, for a replay from this moment on. Who wrote a ticket is then judged by its first message alone, and
    /// acknowledgements by what had been written until that moment.
    pub(in crate::commands) replayed_from: Option<Timestamp>,
}

impl History {
    /// Reads `path`, and of its tickets what is `wanted`.
    pub(in crate::commands) fn read(
        path: &Path,
        policy: &Policy,
        wanted: Wanted,
        ui: &Ui,
    ) -> Result<Self, Failure> {
        let mut bars = ui.bars();
        let acknowledgements = acknowledgements(path, wanted.replayed_from, &mut bars)?;
        let reader = Reader::default().under(&policy.words);
        let mut history = Self {
            facts: Vec::new(),
            blocked: Vec::new(),
            seen: Vec::new(),
            tickets: Vec::new(),
            name: files::name_of(path),
            sha256: (path != Path::new("-")).then(|| sha256_file(path)).transpose()?,
            bad: 0,
            undated: 0,
            future: 0,
            repeated: 0,
            until: Timestamp::MIN,
        };
        let mut items = Vec::new();
        each_line(path, "reading tickets", &mut bars, |line| {
            let place = format!("{}, line {}", history.name, line.number);
            let read = line.ticket.and_then(|mut ticket| {
                acknowledgements.set_aside(&mut ticket);
                item(&ticket, policy, &reader, wanted, &place)
            });
            match read {
                Ok(Some(item)) => items.push(item),
                Ok(None) => history.undated += 1,
                Err(fault) if fault.code() == Some(Code::Io) => return Err(fault.into()),
                Err(fault) => {
                    history.bad += 1;
                    if history.bad <= FAULTS_SHOWN {
                        eprintln!("warning: {fault}");
                    }
                }
            }
            Ok(())
        })?;
        bars.finish();
        if history.bad > FAULTS_SHOWN {
            eprintln!(
                "warning: {} more lines of {} held no usable ticket",
                history.bad - FAULTS_SHOWN,
                history.name
            );
        }
        history.fill(items)
    }

    fn fill(mut self, mut items: Vec<Item>) -> Result<Self, Failure> {
        let latest = Timestamp::now() + SignedDuration::from_hours(24);
        let read = items.len();
        items.retain(|item| item.facts.opened_at <= latest);
        self.future = (read - items.len()) as u64;
        self.repeated = drop_repeated(&mut items);
        items.sort_by(|a, b| (a.facts.opened_at, &a.facts.id).cmp(&(b.facts.opened_at, &b.facts.id)));
        name_storms(&mut items);
        for Item { facts, blocked, seen, ticket, .. } in items {
            let times =
                [Some(facts.opened_at), facts.resolved_at, facts.response_stamp].into_iter().flatten();
            let times = times.chain(facts.events.iter().map(|event| event.at));
            self.until = times.filter(|at| *at <= latest).max().map_or(self.until, |at| at.max(self.until));
            self.facts.push(facts);
            self.blocked.push(blocked);
            self.seen.extend(seen);
            self.tickets.extend(ticket);
        }
        if self.facts.is_empty() {
            let problem = format!(
                "no ticket says when it was opened: {} have no `opened_at`, {} lines were bad",
                self.undated, self.bad
            );
            return Err(UserError::new(
                Code::Empty,
                self.name,
                problem,
                "Import the date of opening as `opened_at`",
            )
            .into());
        }
        Ok(self)
    }

    /// The exit status of a command that has read it.
    pub(in crate::commands) fn exit(&self) -> Exit {
        if self.bad > 0 { Exit::SomeFailed } else { Exit::Success }
    }

    /// What the file holds that no figure counts, in words.
    pub(super) fn left_out(&self) -> Vec<String> {
        let found = [
            (self.undated, "tickets without `opened_at`"),
            (self.future, "tickets opened in the future: a clock goes wrong"),
            (self.repeated, "lines that repeat the id of a ticket: the one that was resolved last counts"),
            (self.bad as u64, "lines without a usable ticket"),
        ];
        found.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}.")).collect()
    }
}

/// Calls `work` with each line of `path`; Ctrl-C ends it.
pub(in crate::commands) fn each_line(
    path: &Path,
    stage: &str,
    bars: &mut impl Progress,
    mut work: impl FnMut(Line) -> Result<(), Failure>,
) -> Result<(), Failure> {
    bars.stage(stage, 0);
    for line in files::tickets(path)? {
        let number = line.number;
        work(line)?;
        if number % 256 == 0 && bars.done(number).is_break() {
            let place = files::name_of(path);
            return Err(
                UserError::new(Code::Interrupted, place, "stopped while reading", "Run it again").into()
            );
        }
    }
    Ok(())
}

/// The desk's automatic acknowledgements, which are no first response, as far as they can be told `by` a moment. A stream can't be read
/// twice: there none is known.
fn acknowledgements(
    path: &Path,
    by: Option<Timestamp>,
    bars: &mut impl Progress,
) -> Result<Acknowledgements, Failure> {
    let mut builder = AcknowledgementsBuilder::default();
    if path != Path::new("-") {
        each_line(path, "looking for acknowledgements", bars, |line| {
            let Ok(mut ticket) = line.ticket else { return Ok(()) };
            if let Some(by) = by {
                ticket.messages.retain(|message| message.at.is_some_and(|at| at <= by));
            }
            builder.add(&ticket);
            Ok(())
        })?;
    }
    Ok(builder.finish())
}

fn item(
    ticket: &Ticket,
    policy: &Policy,
    reader: &Reader,
    wanted: Wanted,
    place: &str,
) -> firstline_fault::Result<Option<Item>> {
    let came = wanted.replayed_from.map(|_| what_is_read(ticket));
    let read = came.as_ref().unwrap_or(ticket);
    let input = reader.compose(read);
    let kind = reader.kind_of(read, &input);
    let Some(facts) = TicketFacts::of_ticket(ticket, kind, place)? else { return Ok(None) };
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let seen = wanted.rules.then(|| {
        let contact = text(&ticket.contact);
        let domain = contact.rsplit_once('@').map_or("", |(_, domain)| domain.trim_end_matches('>'));
        let (source, customer) = (text(&ticket.source), text(&ticket.customer));
        let fields =
            [("source", source.as_str()), ("customer", &customer), ("contact", &contact), ("domain", domain)];
        RuleTicket::new(fields, &format!("{} {}", input.subject, input.body))
    });
    Ok(Some(Item {
        blocked: kind == Kind::Person && policy.blocks(ticket, &input, reader),
        storm: reader.storm(ticket, kind).filter(|_| kind == Kind::Alert),
        seen,
        ticket: came.map(|_| ticket.clone()),
        facts,
    }))
}

/// Keeps one ticket of each id, the one that was resolved last; how many are dropped.
fn drop_repeated(items: &mut Vec<Item>) -> u64 {
    items.sort_by(|a, b| {
        let (a, b) = (&a.facts, &b.facts);
        let newer = a.id.cmp(&b.id).then(b.resolved_at.cmp(&a.resolved_at));
        newer.then_with(|| format!("{a:?}").cmp(&format!("{b:?}")))
    });
    let read = items.len();
    items.dedup_by(|other, kept| other.facts.id == kept.facts.id);
    (read - items.len()) as u64
}

/// Gives alerts that follow another of their kind within half an hour of the first the id of that one. `items` are in order of time.
fn name_storms(items: &mut [Item]) {
    let mut heads: BTreeMap<String, (Timestamp, String)> = BTreeMap::new();
    for item in items {
        let Some(key) = item.storm.take() else { continue };
        let own = || (item.facts.opened_at, item.facts.id.clone());
        let (began, head) = heads.entry(key).or_insert_with(own);
        if item.facts.opened_at.duration_since(*began) > SignedDuration::from_mins(STORM_MINUTES) {
            (*began, *head) = own();
        }
        item.facts.storm = Some(head.clone());
    }
}

/// A desk with its history: the time of the baseline, hours, tiers.
pub(super) struct DeskHistory {
    pub(super) history: History,
    pub(super) hours: OpenHours,
    pub(super) tiers: Tiers,
    pub(super) named_hours: Hours,
    /// When the 90 days start.
    pub(super) start: Timestamp,
    days: u16,
    own_policy: bool,
}

impl DeskHistory {
    pub(super) fn read(tickets: &Path, args: &DeskArgs, ui: &Ui) -> Result<Self, Failure> {
        let policy = policy::read(args.policy.policy.as_deref())?;
        let place =
            args.policy.policy.as_deref().map_or_else(|| "the built-in policy".to_owned(), files::name_of);
        let (hours, named_hours) = open_hours(&policy, &place)?;
        let tiers = match &args.tiers {
            Some(path) => Tiers::parse(&read_text(path)?, &files::name_of(path))?,
            None => Tiers::default(),
        };
        let history = History::read(tickets, &policy, Wanted::default(), ui)?;
        let start = start(args.start, &history, hours.zone())?;
        let own_policy = args.policy.policy.is_some();
        Ok(Self { history, hours, tiers, named_hours, start, days: args.days, own_policy })
    }

    pub(super) fn desk(&self) -> Desk<'_> {
        Desk { hours: &self.hours, tiers: &self.tiers, basis: None }
    }

    pub(super) fn baseline(&self) -> Result<Baseline, Failure> {
        Ok(baseline(&self.history.facts, &self.desk(), (self.start, self.days), self.history.until)?)
    }

    /// The tickets of `population` that were opened in the time of `of`.
    pub(super) fn opened_in(&self, of: &Baseline, population: Population) -> Vec<&TicketFacts> {
        let opened = self.history.facts.iter().filter(|t| t.opened_at >= of.from && t.opened_at < of.to);
        select(opened, population).tickets
    }

    /// What is known of automation by category: as measured, and what the policy's rules block of people's tickets in the time of `of`.
    pub(super) fn automation(
        &self,
        of: &Baseline,
        measured: &AutomationArg,
    ) -> Result<BTreeMap<(String, String), Automation>, Failure> {
        let mut known = match &measured.automation {
            Some(path) => read_automation(&read_text(path)?, &files::name_of(path))?,
            None => BTreeMap::new(),
        };
        let blocked = self.history.facts.iter().zip(&self.history.blocked).filter(|(_, blocked)| **blocked);
        let blocked: BTreeSet<&str> = blocked.map(|(ticket, _)| ticket.id.as_str()).collect();
        let mut counts: BTreeMap<(String, String), (f64, f64)> = BTreeMap::new();
        for ticket in self.opened_in(of, Population::People) {
            let (Some(board), Some(kind)) = (ticket.label(Field::Board), ticket.label(Field::Type)) else {
                continue;
            };
            let (kept, all) = counts.entry((board.to_owned(), kind.to_owned())).or_default();
            *kept += f64::from(u8::from(blocked.contains(ticket.id.as_str())));
            *all += 1.0;
        }
        for (category, (kept, all)) in counts {
            known.entry(category).or_default().blocked.get_or_insert(kept / all);
        }
        Ok(known)
    }

    /// What the file is and how it is read: names and values.
    pub(super) fn facts(&self, of: &Baseline) -> Vec<(&'static str, String)> {
        let day = |at: Timestamp| at.to_zoned(self.hours.zone().clone()).date();
        let last = day(of.to).yesterday().unwrap_or(day(of.to));
        let hours = &self.named_hours;
        let whose = if self.own_policy { "" } else { ", by the built-in policy: give yours with --policy" };
        let closed = match hours.holidays.len() {
            0 => String::new(),
            n => format!(", {n} holidays"),
        };
        let clock = |time: Time| time.strftime("%H:%M");
        let shift = |(days, from, to): (&[String], Time, Time)| {
            format!("{} {} to {}", days.join(", "), clock(from), clock(to))
        };
        let shifts: Vec<String> = hours.all_shifts().map(shift).collect();
        vec![
            ("History", self.history.name.clone()),
            ("Time", format!("{} to {last}, {} days of it in the history", day(of.from), of.days)),
            ("Open hours", format!("{}, {}{closed}{whose}", shifts.join("; "), hours.time_zone)),
        ]
    }
}

/// The policy's hours.
pub(in crate::commands) fn open_hours(policy: &Policy, place: &str) -> Result<(OpenHours, Hours), Failure> {
    let known = policy.hours.as_ref().and_then(|hours| Some((hours, hours.zone()?)));
    let Some((hours, zone)) = known else {
        let next = "Add [hours] with time_zone, days, from and to; `firstline policy` prints an example";
        return Err(UserError::new(
            Code::Config,
            place,
            "the policy does not say when the desk is open",
            next,
        )
        .into());
    };
    let openings = hours.openings().map(|(day, from, to)| Opening { day, from, to }).collect();
    Ok((OpenHours::new(zone, openings, hours.holidays.iter().copied()), hours.clone()))
}

/// Midnight of the day that was asked for, else of the day after the newest ticket.
fn start(asked: Option<Date>, history: &History, zone: &TimeZone) -> Result<Timestamp, Failure> {
    let newest = history.facts.last().map_or(history.until, |ticket| ticket.opened_at);
    let day = asked.map_or_else(|| newest.to_zoned(zone.clone()).date().checked_add(1.day()), Ok);
    let day = day.map_err(|e| UserError::new(Code::Config, "--start", e.to_string(), DAY))?;
    midnight("--start", day, asked.is_some(), zone)
}

/// What a fault of a day says to do.
const DAY: &str = "Give a day such as 2026-11-30";

/// The first moment of `day`, which `flag` names where it was `asked` for.
pub(super) fn midnight(flag: &str, day: Date, asked: bool, zone: &TimeZone) -> Result<Timestamp, Failure> {
    let fault = |problem: String| UserError::new(Code::Config, flag, problem, DAY);
    if asked && !(1980..=2200).contains(&day.year()) {
        return Err(fault(format!("{day} is out of range")).into());
    }
    Ok(day.to_zoned(zone.clone()).map_err(|e| fault(e.to_string()))?.timestamp())
}

/// The text of a small file.
pub(in crate::commands) fn read_text(path: &Path) -> Result<String, Failure> {
    let text = String::from_utf8(read_small(path, MAX_BYTES)?);
    Ok(text.map_err(|_| refused(path, "the file is no UTF-8 text", "Name a text file"))?)
}

fn refused(path: &Path, problem: &str, next: &str) -> UserError {
    UserError::new(Code::Config, path.display().to_string(), problem, next)
}

/// The bytes of a regular file of at most `most`. A device or a pipe may have no end, and is refused unopened.
pub(in crate::commands) fn read_small(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let io = |e: std::io::Error| UserError::io(path.display(), &e);
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(refused(path, "it is no regular file", "Write it to a file, and name that").into());
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(most + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > most {
        return Err(refused(path, &format!("the file is longer than {most} bytes"), "Name another").into());
    }
    Ok(bytes)
}
