//! The report as words and tables, the same in a terminal and on the page.

use firstline_pages::{DASH, thousands};
use jiff::tz::TimeZone;

use super::{Beside, Day90, Day90Outcome, Day90Week, KpiResult, PastHold, signed_percent, verdict};
use crate::{Direction, Report, Share, Sheet, counted, percent, spoken};

/// Stands where a figure is not known.
const UNKNOWN: &str = "not known";

/// One of the three numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    /// Its name.
    pub(super) name: &'static str,
    /// The number with its unit.
    pub(super) value: String,
    /// Its interval, basis and what it is over; or why nobody knows it.
    pub(super) about: Vec<String>,
    /// Whether it is an estimate.
    pub(super) estimate: bool,
}

fn count(n: u64) -> String {
    thousands(usize::try_from(n).unwrap_or(usize::MAX))
}

/// A number with one decimal where it is small.
fn rounded(value: f64) -> String {
    let text = if value.abs() < 20.0 { format!("{value:.1}") } else { format!("{value:.0}") };
    // A minus before a zero says nothing.
    if text.trim_start_matches('-').chars().all(|c| "0.".contains(c)) { text.replace('-', "") } else { text }
}

fn range([low, high]: [f64; 2], unit: &str) -> String {
    format!("95 % interval {} to {} {unit}", rounded(low), rounded(high))
}

/// The three numbers, in their order.
pub(super) fn numbers(report: &Day90) -> [Number; 3] {
    [hours(report), response(report), capacity(report)]
}

fn hours(report: &Day90) -> Number {
    let of = &report.hours_redirected;
    let mut about: Vec<String> = of.interval.map(|ends| range(ends, "hours")).into_iter().collect();
    if let Some(saving) = &of.saving {
        about.push(format!("known by {}", saving.basis.in_words()));
        about.push(format!(
            "{} resolved tickets compared, {} left out, of {} in scope",
            count(saving.n),
            count(saving.left_out),
            count(of.in_scope)
        ));
        let reviews = rounded(saving.reviews / 60.0);
        about.push(format!(
            "{} hours by the means of before, {} taken ({reviews} of them at reviews), {} more for corrections",
            rounded(saving.before / 60.0),
            rounded(saving.after / 60.0),
            rounded(saving.corrections / 60.0)
        ));
    }
    about.extend(of.why_unknown.clone());
    let value = of.hours.map_or_else(|| UNKNOWN.to_owned(), |hours| format!("{} h", rounded(hours)));
    Number { name: "Hours redirected", value, about, estimate: of.estimate }
}

fn response(report: &Day90) -> Number {
    let of = &report.first_response;
    let mut about = Vec::new();
    let value = match &of.wall {
        None => UNKNOWN.to_owned(),
        Some(wall) => {
            let [low, high] = wall.change_interval.map(signed_percent);
            about.push(format!("mean {}, 95 % interval {low} to {high}", signed_percent(wall.change)));
            about.push(format!("{} answered tickets, mix of kinds as since", count(wall.after.n)));
            format!("{} \u{2192} {}", spoken(wall.before.mean), spoken(wall.after.mean))
        }
    };
    about.extend(of.basis.map(|basis| format!("known by {}", basis.in_words())));
    about.extend(of.why_unknown.clone());
    Number { name: "First response, before and after", value, about, estimate: false }
}

fn capacity(report: &Day90) -> Number {
    let of = &report.capacity;
    let mut about: Vec<String> = of.interval.map(|ends| range(ends, "tickets")).into_iter().collect();
    if let (Some(saved), Some(minutes), Some(technicians)) =
        (of.saved_minutes_per_week, of.minutes_per_ticket, of.technicians)
    {
        about.push(format!(
            "{} minutes saved a week, {} minutes a ticket now, {} technicians at work",
            rounded(saved),
            rounded(minutes),
            rounded(technicians)
        ));
    }
    about.extend(of.weeks.map(|weeks| format!("over {} weeks since Firstline may act", rounded(weeks))));
    about.extend(of.why_unknown.clone());
    let value =
        of.tickets_per_week.map_or_else(|| UNKNOWN.to_owned(), |n| format!("{} tickets a week", rounded(n)));
    Number { name: "Net new capacity per technician", value, about, estimate: of.estimate }
}

/// The outcome as a word on the page.
pub(super) fn outcome(outcome: Day90Outcome) -> &'static str {
    match outcome {
        Day90Outcome::Running => "Running",
        Day90Outcome::Succeeded => "Succeeded",
        Day90Outcome::Paused => "Paused",
        Day90Outcome::BackedOut => "Backed out",
    }
}

fn share(share: &Share) -> String {
    share
        .share
        .map_or_else(|| UNKNOWN.to_owned(), |found| format!("{} of {}", percent(found), count(share.of)))
}

fn or_dash(value: Option<String>) -> String {
    value.unwrap_or_else(|| DASH.to_owned())
}

/// The days that the report is about, in the desk's zone.
pub(super) fn days(report: &Day90, zone: &TimeZone) -> String {
    let day = |at: jiff::Timestamp| at.to_zoned(zone.clone()).date();
    let last = day(report.to).yesterday().unwrap_or_else(|_| day(report.to));
    format!("{} to {last}", day(report.from))
}

/// What the report is about: names and values.
pub(super) fn facts(report: &Day90, zone: &TimeZone) -> Vec<(&'static str, String)> {
    let names = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let signed = match report.criteria_version {
        None => "no criteria are signed".to_owned(),
        Some(version) => {
            let names = report.signed_by.iter().map(|one| format!("{} ({})", one.name, one.role));
            format!("version {version} of the criteria, by {}", names.collect::<Vec<_>>().join(", "))
        }
    };
    vec![
        ("Weeks", format!("{}; as known at {:.0}", days(report, zone), report.made_at)),
        ("Pilots", names(&report.pilots)),
        ("Granted", names(&report.granted)),
        ("Signed", signed),
    ]
}

impl Report {
    /// The report of day 90 as tables, with days in the desk's zone.
    pub fn of_day90(report: &Day90, zone: &TimeZone) -> Self {
        let mut facts_of: Vec<(&'static str, String)> = numbers(report)
            .into_iter()
            .map(|number| {
                let mark = if number.estimate { "ESTIMATE: " } else { "" };
                let more = number.about.first().map_or_else(String::new, |about| format!(" ({about})"));
                (number.name, format!("{mark}{}{more}", number.value))
            })
            .collect();
        facts_of.push(("Verdict", report.verdict.text.clone()));
        facts_of.extend(facts(report, zone));
        Self {
            title: "Report of day 90".to_owned(),
            facts: facts_of,
            notes: notes(report),
            tables: tables(report),
        }
    }
}

/// What to mind.
pub(super) fn notes(report: &Day90) -> Vec<(&'static str, Vec<String>)> {
    vec![
        ("Why", report.verdict.why.clone()),
        ("Estimated", report.estimated.clone()),
        ("Not known", report.not_known.clone()),
        ("Next", report.next.clone()),
    ]
}

/// The tables, in the order in which they are read.
fn tables(report: &Day90) -> Vec<Sheet> {
    let holds = [rollbacks(&report.rollbacks)].into_iter().filter(|sheet| !sheet.rows.is_empty());
    figures(report).into_iter().chain(holds).chain(records(report)).collect()
}

/// Those of figures.
pub(super) fn figures(report: &Day90) -> Vec<Sheet> {
    let all = [kpis(&report.kpis), responses(report), promises(report), weeks(&report.weeks)];
    all.into_iter().filter(|sheet| !sheet.rows.is_empty()).collect()
}

/// Those of what is on record.
pub(super) fn records(report: &Day90) -> Vec<Sheet> {
    let all = [incidents(&report.incidents), evidence(report)];
    all.into_iter().filter(|sheet| !sheet.rows.is_empty()).collect()
}

fn kpis(results: &[KpiResult]) -> Sheet {
    let row = |one: &KpiResult| {
        let side = if one.direction == Direction::AtLeast { "at least" } else { "at most" };
        let interval = one.interval.map(|ends| ends.map(|end| verdict::value(one, end)));
        let met = match (one.met, one.sure) {
            (Some(true), true) => "met",
            (Some(true), false) => "met, perhaps by chance",
            (Some(false), _) => "missed",
            (None, _) => UNKNOWN,
        };
        vec![
            format!("{}{}", one.name.name().replace('_', " "), if one.headline { " *" } else { "" }),
            format!("{side} {}", verdict::value(one, one.needed)),
            one.found.map_or_else(|| UNKNOWN.to_owned(), |found| verdict::value(one, found)),
            or_dash(interval.map(|[low, high]| format!("{low} to {high}"))),
            count(one.n),
            met.to_owned(),
        ]
    };
    Sheet {
        heading: "The signed thresholds".to_owned(),
        about: "Those with a star are the three that the verdict names. Changes are beside the baseline, freed of changes in the mix."
            .to_owned(),
        columns: vec!["figure", "signed", "found", "95 % interval", "n", "verdict"],
        rows: results.iter().map(row).collect(),
    }
}

fn responses(report: &Day90) -> Sheet {
    let rows = |name: &str, of: Option<Beside>| -> Vec<Vec<String>> {
        let Some(Beside { before, after, change, change_interval: [low, high] }) = of else {
            return Vec::new();
        };
        let row = |what: &str, was: Option<f64>, is: Option<f64>, change: String| {
            let time = |seconds: Option<f64>| or_dash(seconds.map(spoken));
            vec![format!("{name}, {what}"), time(was), time(is), change]
        };
        let changed = |was: Option<f64>, is: Option<f64>| {
            or_dash(was.filter(|was| *was > 0.0).zip(is).map(|(was, is)| signed_percent(is / was - 1.0)))
        };
        let mean =
            format!("{} ({} to {})", signed_percent(change), signed_percent(low), signed_percent(high));
        vec![
            row("mean", Some(before.mean), Some(after.mean), mean),
            row("median", before.median, after.median, changed(before.median, after.median)),
            row("95 % within", before.p95, after.p95, changed(before.p95, after.p95)),
        ]
    };
    let of = &report.first_response;
    let n = of.wall.map_or_else(String::new, |wall| {
        format!(
            " {} tickets before and {} since; {} since are of a kind that did not occur before.",
            count(wall.before.n),
            count(wall.after.n),
            count(of.left_out)
        )
    });
    Sheet {
        heading: "First response".to_owned(),
        about: format!(
            "Tickets in scope since Firstline may act, beside the baseline as if it had had the same mix of kinds.{n}"
        ),
        columns: vec!["first response", "before", "since", "change"],
        rows: [rows("by the clock", of.wall), rows("in open hours", of.open_hours)].concat(),
    }
}

/// The other figures that the roadmap speaks of.
fn promises(report: &Day90) -> Sheet {
    let l1 = &report.l1_autonomous;
    let confirmed = format!(
        "{}, {} of them provisional",
        counted(l1.confirmed, "ticket", "tickets"),
        count(l1.provisional)
    );
    let hours = |seconds: f64| seconds / 3_600.0;
    let seniors = |of: Option<crate::Seniors>| {
        of.map_or_else(
            || UNKNOWN.to_owned(),
            |of| {
                let share = of.share().map_or_else(|| DASH.to_owned(), percent);
                let per_week = hours(of.all) / of.technician_weeks.max(1) as f64;
                format!("{share} of {} h a week logged by each", rounded(per_week))
            },
        )
    };
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let freed = report.seniors.freed.map_or_else(|| UNKNOWN.to_owned(), percent);
    Sheet {
        heading: "What else the roadmap speaks of".to_owned(),
        about: "The roadmap expects 30 to 50 % of first-level tickets resolved alone, 15 to 25 % of senior technicians' time freed, and 80 % of \
            drafts within 60 seconds."
            .to_owned(),
        columns: vec!["figure", "found"],
        rows: vec![
            row("resolved alone, since it may", confirmed),
            row("of all that first level resolved", share(&l1.of_desk)),
            row("of that within the scope", share(&l1.of_scope)),
            row("of all, with those that only ran out", share(&l1.with_timed_out)),
            row("drafts within 60 seconds", share(&report.shares.drafted_in_time)),
            row("drafts sent unchanged", share(&report.shares.verbatim)),
            row("agreement on board and type, unseen", share(&report.shares.agreement)),
            row("errors of actions that customers could see", format!("{} of {}", count(report.shares.errors.count), count(report.shares.errors.of))),
            row("senior technicians on first-level work, before", seniors(report.seniors.before)),
            row("senior technicians on first-level work, since", seniors(report.seniors.after)),
            row("freed of their time of before", freed),
        ],
    }
}

fn weeks(weeks: &[Day90Week]) -> Sheet {
    let percents = |share: Option<f64>| or_dash(share.map(percent));
    let row = |week: &Day90Week| {
        let [errors, actions] = week.customer_visible_error;
        vec![
            format!("{} ({})", week.week, week.iso),
            week.phase.clone(),
            count(week.tickets),
            percents(week.agreement),
            or_dash((errors + actions > 0).then(|| format!("{} of {}", count(errors), count(actions)))),
            or_dash(week.frt_p50.map(spoken)),
            or_dash(week.frt_p95.map(spoken)),
            percents(week.drafted_in_time),
            percents(week.l1_autonomous),
            or_dash(week.minutes_per_ticket.map(|minutes| format!("{minutes:.0}"))),
            percents(week.saved),
            if week.triggers.is_empty() { DASH.to_owned() } else { week.triggers.join(", ") },
        ]
    };
    Sheet {
        heading: "Week by week".to_owned(),
        about: "As put on record when the week had settled, or was over; a dash stands where nobody knows."
            .to_owned(),
        columns: vec![
            "week",
            "phase",
            "tickets",
            "agree\u{ad}ment",
            "errors",
            "first response, median",
            "95 % within",
            "drafts in 60 s",
            "alone",
            "minutes a ticket",
            "saved",
            "holds",
        ],
        rows: weeks.iter().map(row).collect(),
    }
}

pub(super) fn rollbacks(holds: &[PastHold]) -> Sheet {
    let row = |hold: &PastHold| {
        let end = match &hold.released {
            None => "in force".to_owned(),
            Some((at, by, reason)) => format!("{at:.0}, by {by}: {reason}"),
        };
        vec![
            format!("{} {}", hold.hold, hold.level.replace('_', " ")),
            hold.scope.clone(),
            format!("{:.0}", hold.at),
            format!("{}: {}", hold.by, hold.reason),
            end,
        ]
    };
    Sheet {
        heading: "Holds and rollbacks".to_owned(),
        about: "Every one, with its cause and how it ended.".to_owned(),
        columns: vec!["hold", "scope", "since", "by whom and why", "ended"],
        rows: holds.iter().map(row).collect(),
    }
}

/// Incidents that are listed on the page; the JSON has all.
const LISTED: usize = 40;

fn incidents(ids: &[String]) -> Sheet {
    let more = ids.len().saturating_sub(LISTED);
    let about = match more {
        0 => "By id; what they were about stands in the store.".to_owned(),
        more => format!("By id; what they were about stands in the store. {} more.", count(more as u64)),
    };
    Sheet {
        heading: "Incidents that count as errors".to_owned(),
        about,
        columns: vec!["incident"],
        rows: ids.iter().take(LISTED).map(|id| vec![id.clone()]).collect(),
    }
}

fn evidence(report: &Day90) -> Sheet {
    Sheet {
        heading: "Evidence".to_owned(),
        about: "Each sha256 stands in the audit log; `firstline store audit` checks it.".to_owned(),
        columns: vec!["what", "sha256"],
        rows: report.evidence.iter().map(|hash| vec![hash.what.clone(), hash.sha256.clone()]).collect(),
    }
}
