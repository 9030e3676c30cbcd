//! What a baseline, a ranking or criteria look like as tables that a manager reads, the same in a terminal and on a page to print.
//!
//! Figures become words here and nowhere else: a figure never stands without what it is counted over, and one that is not known says so.

use firstline_pages::{DASH, thousands};

use crate::{
    Baseline, Basis, Figures, HandleBasis, LargestCategories, LeftOut, Pilot, Segment, Share, TicketFacts,
    Times,
};

/// A page of tables.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Its title.
    pub title: String,
    /// What it is about: names and values.
    pub facts: Vec<(&'static str, String)>,
    /// What it refuses to say and why; what to mind about the rest.
    pub notes: Vec<(&'static str, Vec<String>)>,
    /// The tables, in the order in which they are read.
    pub tables: Vec<Sheet>,
}

/// A table with what it says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sheet {
    /// Its heading.
    pub heading: String,
    /// What stands below it.
    pub about: String,
    /// Names of its columns; the first column names the rows.
    pub columns: Vec<&'static str>,
    /// The rows, one text a column.
    pub rows: Vec<Vec<String>>,
}

/// Stands where a figure is not known.
const UNKNOWN: &str = "not known";
/// Below so many tickets a group's figures are its own tickets and little more.
const FEW: u64 = 20;

/// Customers that are no pilots, of which so many are shown.
const EXCLUDED_SHOWN: usize = 10;

/// Seconds as people say them, in two units at most: `47 s`, `1 h 05 min`, `3 d 4 h`. A day has 24 hours.
pub fn spoken(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    match minutes {
        _ if seconds < 59.5 => format!("{seconds:.0} s"),
        0..60 => format!("{minutes} min"),
        60..1_440 => format!("{} h {:02} min", minutes / 60, minutes % 60),
        _ => {
            let hours = (seconds / 3_600.0).round() as u64;
            format!("{} d {} h", hours / 24, hours % 24)
        }
    }
}

/// A share as `87.3 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A number with its noun: `1 ticket`, `2 tickets`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn count(n: u64) -> String {
    thousands(usize::try_from(n).unwrap_or(usize::MAX))
}

fn or_unknown(value: Option<String>) -> String {
    value.unwrap_or_else(|| UNKNOWN.to_owned())
}

fn or_dash(value: Option<String>) -> String {
    value.unwrap_or_else(|| DASH.to_owned())
}

/// A value, its interval and what it is counted over.
struct Value {
    text: String,
    interval: String,
    n: u64,
}

impl Value {
    fn seconds(value: Option<f64>, interval: Option<[f64; 2]>, n: u64) -> Self {
        let interval = interval.map(|[low, high]| format!("{} to {}", spoken(low), spoken(high)));
        Self { text: or_unknown(value.map(spoken)), interval: or_dash(interval), n }
    }

    fn share(share: &Share) -> Self {
        let interval =
            share.low.zip(share.high).map(|(low, high)| format!("{} to {}", percent(low), percent(high)));
        Self { text: or_unknown(share.share.map(percent)), interval: or_dash(interval), n: share.of }
    }

    fn count(n: u64) -> Self {
        Self { text: count(n), interval: DASH.to_owned(), n }
    }
}

/// The figures of a table row by row, each with its name.
fn values(figures: &Figures, alerts: bool) -> Vec<(&'static str, Value)> {
    let Figures { first_response: wait, first_response_open_hours: open_wait, .. } = figures;
    let Figures {
        resolution,
        resolution_open_hours: open_resolution,
        resolution_without_waiting: net,
        handle,
        ..
    } = figures;
    let answered = |times: &Times, value: Option<f64>, interval| Value::seconds(value, interval, times.n);
    let mut rows = vec![("tickets", Value::count(figures.tickets))];
    if !alerts {
        // Where no answer is known of any ticket, its absence says nothing of one.
        let asked = if wait.n == 0 { 0 } else { wait.n + wait.open + figures.never_answered };
        let never = figures.never_answered.min(asked);
        rows.extend([
            ("first response, median", answered(wait, wait.p50, wait.p50_interval)),
            ("first response, mean", answered(wait, wait.mean, wait.mean_interval)),
            ("first response, 95 % within", answered(wait, wait.p95, None)),
            (
                "first response in open hours, median",
                answered(open_wait, open_wait.p50, open_wait.p50_interval),
            ),
            ("resolved without a word to the customer", Value::share(&Share::new(never, asked))),
        ]);
    }
    let censored = resolution.n + resolution.open;
    rows.extend([
        ("resolution, mean", answered(resolution, resolution.mean, resolution.mean_interval)),
        ("resolution, mean, slowest 1 % capped", answered(resolution, resolution.winsorised_mean, None)),
        ("resolution, median", answered(resolution, resolution.p50, resolution.p50_interval)),
        ("resolution, median with open tickets", Value::seconds(resolution.median_with_open, None, censored)),
        ("resolution, 95 % within", answered(resolution, resolution.p95, None)),
        (
            "resolution in open hours, median",
            answered(open_resolution, open_resolution.p50, open_resolution.p50_interval),
        ),
        ("resolution without waiting, mean", answered(net, net.mean, net.mean_interval)),
        ("still open", Value::share(&Share::new(resolution.open, censored))),
        ("resolved by first level", Value::share(&figures.level_one)),
        ("one technician on one board", Value::share(&figures.single_touch)),
        ("opened again", Value::share(&figures.reopened)),
        ("handed to another technician", Value::share(&figures.handed_off)),
        ("handle time, mean", answered(handle, handle.mean, handle.mean_interval)),
        ("handle time, median", answered(handle, handle.p50, handle.p50_interval)),
    ]);
    rows
}

/// The baseline's own table: people's tickets beside alerts.
fn whole(baseline: &Baseline) -> Sheet {
    let alerts: Vec<(&str, Value)> = values(&baseline.alerts, true);
    let of_alerts = |name: &str| alerts.iter().find(|(other, _)| *other == name).map(|(_, value)| value);
    let row = |(name, value): (&'static str, Value)| {
        let other = of_alerts(name);
        vec![
            name.to_owned(),
            value.text,
            value.interval,
            count(value.n),
            or_dash(other.map(|other| other.text.clone())),
            or_dash(other.map(|other| count(other.n))),
        ]
    };
    Sheet {
        heading: "Where the desk stands".to_owned(),
        about: "People's tickets and alerts apart. Each figure is counted over the n tickets beside it."
            .to_owned(),
        columns: vec!["figure", "people's tickets", "95 % interval", "n", "alerts", "n of alerts"],
        rows: values(&baseline.people, false).into_iter().map(row).collect(),
    }
}

/// The heading of a segment's table.
fn heading(segment: Segment) -> &'static str {
    match segment {
        Segment::Board => "By board",
        Segment::Type => "By type",
        Segment::Subtype => "By subtype",
        Segment::Priority => "By priority",
        Segment::Customer => "By customer",
        Segment::Technician => "By technician",
        Segment::Source => "By source",
        Segment::HourBand => "By hour of opening",
    }
}

fn by_segment(segment: Segment, groups: &[(String, Figures)], top: usize) -> Sheet {
    let share = |share: &Share| or_dash(share.share.map(percent));
    let time = |seconds: Option<f64>| or_dash(seconds.map(spoken));
    let row = |(name, figures): &(String, Figures)| {
        let few = if figures.tickets < FEW { " (few)" } else { "" };
        vec![
            name.clone(),
            format!("{}{few}", count(figures.tickets)),
            time(figures.first_response.p50),
            count(figures.first_response.n),
            time(figures.resolution.median_with_open),
            time(figures.resolution.mean),
            count(figures.resolution.n),
            share(&figures.level_one),
            share(&figures.reopened),
            time(figures.handle.mean),
        ]
    };
    let rest: u64 = groups.iter().skip(top).map(|(_, figures)| figures.tickets).sum();
    let about = match groups.len().saturating_sub(top) {
        0 => "People's tickets, the largest group first.".to_owned(),
        more => {
            format!("People's tickets, the {top} largest groups; {more} more have {} tickets.", count(rest))
        }
    };
    Sheet {
        heading: heading(segment).to_owned(),
        about,
        columns: vec![
            "group",
            "tickets",
            "first response, median",
            "answered",
            "resolution, median with open",
            "resolution, mean",
            "resolved",
            "first level",
            "opened again",
            "handle time, mean",
        ],
        rows: groups.iter().take(top).map(row).collect(),
    }
}

fn largest(categories: &LargestCategories) -> [Sheet; 2] {
    let handle = |minutes: Option<(f64, u64)>| {
        or_unknown(minutes.map(|(mean, n)| format!("{mean:.0} min ({})", count(n))))
    };
    let row = |category: &crate::Category| {
        let known = category.automation.unwrap_or_default();
        let share = |share: Option<f64>| or_unknown(share.map(percent));
        vec![
            format!("{} > {}", category.board, category.r#type),
            count(category.tickets),
            format!("{:.1}", category.per_week),
            handle(category.handle_minutes),
            share(known.repeats),
            share(known.coverage),
            share(known.blocked),
            or_unknown(category.minutes_per_week.map(|minutes| format!("{minutes:.0} min"))),
        ]
    };
    let people = Sheet {
        heading: "The largest categories".to_owned(),
        about: "What could be saved a week: tickets a week, times the share of replies that repeat, the share above a certified \
            threshold, what rules do not keep with a person, and the mean handle time. Not known where one of them is not."
            .to_owned(),
        columns: vec!["category", "tickets", "a week", "handle time (n)", "replies repeat", "certified", "kept by rules", "could save a week"],
        rows: categories.people.iter().map(row).collect(),
    };
    let alerts = Sheet {
        heading: "The largest categories of alerts".to_owned(),
        about: "Alerts get no reply, so nothing is offered for them.".to_owned(),
        columns: vec!["category", "tickets", "a week", "handle time (n)"],
        rows: categories.alerts.iter().map(|category| row(category)[..4].to_vec()).collect(),
    };
    [people, alerts]
}

/// What the record can't say, each with the reason and what would change it.
pub fn refused(figures: &Figures) -> Vec<String> {
    let wait = &figures.first_response;
    let why_no_wait = match figures.opened_by_technician {
        0 => "no message that the customer could see has a time, and no PSA stamp stands in its place"
            .to_owned(),
        n => format!(
            "{} of {} tickets came by phone, where nobody waits for a first answer, and of the others none is known",
            count(n),
            count(figures.tickets)
        ),
    };
    let found = [
        (wait.n == 0, format!("First response: {why_no_wait}.")),
        (
            figures.level_one.of == 0,
            "The share that first level resolves: no ticket says whether it was escalated, and no tiers tell it from the history of \
             changes. `firstline rollout tiers --suggest` proposes a file for --tiers."
                .to_owned(),
        ),
        (figures.reopened.of == 0, "Tickets opened again: the export does not say it of any.".to_owned()),
        (
            figures.handed_off.of == 0,
            "Hand-offs, work by one technician alone, and clearing out in bulk: the export has no history of changes (`events`).".to_owned(),
        ),
        (
            figures.resolution_without_waiting.n == 0,
            "Time without waiting for others: needs the history of statuses, and `waiting` in the tiers file.".to_owned(),
        ),
        (figures.handle.n == 0, "Handle time, and so every saving: no ticket has time entries or `handle_seconds`.".to_owned()),
    ];
    found.into_iter().filter(|(holds, _)| *holds).map(|(_, text)| text).collect()
}

/// What a baseline leaves out, in words; nothing where it leaves nothing out.
fn left_out(out: &LeftOut, figures: &Figures) -> Vec<String> {
    let found = [
        (out.storm, "alerts that repeat the first of their storm"),
        (out.merged, "tickets merged into others"),
        (out.project, "tickets of projects"),
        (out.deleted, "deleted tickets"),
        (out.machines, "mails of machines: automatic replies, bounces, newsletters, notices"),
        (figures.opened_by_technician, "tickets that came by phone: in no first-response time"),
        (figures.closed_in_bulk, "tickets closed at once with many others: in no resolution time"),
        (figures.first_response.left_out, "first responses long before the opening: a clock goes wrong"),
        (figures.resolution.left_out, "resolutions before the opening: a clock goes wrong"),
    ];
    found.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}.", count(n))).collect()
}

/// How the figures are known.
fn bases(figures: &Figures, tickets: &[&TicketFacts]) -> String {
    let name = |basis: Basis| match basis {
        Basis::Message => "a message that the customer could see",
        Basis::TimeEntry => "a time entry with visible notes",
        Basis::Stamp => "the PSA's stamp",
    };
    let responses: Vec<String> =
        figures.bases.iter().map(|(basis, n)| format!("{} by {}", count(*n), name(*basis))).collect();
    let handled =
        |basis| tickets.iter().filter(|ticket| ticket.handle_time_by(basis).is_some()).count() as u64;
    let times = HandleBasis::LOGGED.map(|basis| (basis, handled(basis)));
    let logged = times
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|(basis, n)| format!("handle time of {} by {}", count(*n), basis.in_words()));
    let first = match responses.is_empty() {
        true => "first responses are not known".to_owned(),
        false => format!("first responses: {}", responses.join(", ")),
    };
    std::iter::once(first).chain(logged).collect::<Vec<_>>().join("; ")
}

/// What a baseline is reported with, beside itself.
#[derive(Debug, Clone)]
pub struct BaselineSetting<'a> {
    /// People's tickets of the time.
    pub people: &'a [&'a TicketFacts],
    /// The largest categories.
    pub largest: &'a LargestCategories,
    /// The segments that are shown, and how many groups of each.
    pub segments: (&'a [Segment], usize),
    /// What else the file leaves out, in words.
    pub left_out: Vec<String>,
    /// What the file is, and by which hours it is read: names and values.
    pub facts: Vec<(&'static str, String)>,
}

impl Report {
    /// A baseline as tables.
    pub fn of_baseline(baseline: &Baseline, setting: BaselineSetting<'_>) -> Self {
        let mut facts = setting.facts;
        let before = match baseline.opened_before {
            0 => String::new(),
            n => format!(", {} of them opened before", count(n)),
        };
        facts.push((
            "Tickets",
            format!(
                "{} of people{before}; {} alerts",
                count(baseline.people.tickets),
                count(baseline.alerts.tickets)
            ),
        ));
        facts.push(("Known by", bases(&baseline.people, setting.people)));
        let mut out = left_out(&baseline.left_out, &baseline.people);
        out.extend(setting.left_out);
        let (segments, top) = setting.segments;
        let groups = |segment: &Segment| {
            baseline.segments.get(segment).map(|groups| by_segment(*segment, groups, top))
        };
        let mut tables = vec![whole(baseline)];
        tables.extend(segments.iter().filter_map(groups));
        tables.extend(largest(setting.largest).into_iter().filter(|sheet| !sheet.rows.is_empty()));
        Self {
            title: "Where the desk stands before it begins".to_owned(),
            facts,
            notes: vec![
                ("It refuses to say", refused(&baseline.people)),
                ("Left out", out),
                ("Mind", baseline.warnings.clone()),
            ],
            tables,
        }
    }

    /// A ranking of pilots as a table.
    pub fn of_pilots(pilots: &[Pilot], facts: Vec<(&'static str, String)>) -> Self {
        let row = |(i, pilot): (usize, &Pilot)| {
            let mut row = vec![
                pilot.customer.clone(),
                if pilot.excluded.is_some() { DASH.to_owned() } else { (i + 1).to_string() },
            ];
            row.push(format!("{:.0}", pilot.score));
            row.push(format!("{:.1}", pilot.per_week));
            let part = |part: &Option<f64>| or_unknown(part.map(|part| format!("{part:.2}")));
            row.extend(pilot.parts.values().map(part));
            row.push(pilot.excluded.map_or_else(String::new, |why| why.in_words().to_owned()));
            row
        };
        let unknown = |part: &crate::Part| pilots.iter().all(|pilot| pilot.parts[part].is_none());
        let missing: Vec<String> = crate::Part::WEIGHTS
            .iter()
            .filter(|(part, _)| !pilots.is_empty() && unknown(part))
            .map(|(part, weight)| {
                format!(
                    "{}: its weight of {} is shared out among the others.",
                    part.in_words(),
                    percent(*weight)
                )
            })
            .collect();
        let shown = pilots.iter().filter(|pilot| pilot.excluded.is_none()).count() + EXCLUDED_SHOWN;
        let more = match pilots.len().saturating_sub(shown) {
            0 => String::new(),
            n => format!(" {} more customers are no pilots.", count(n as u64)),
        };
        let table = Sheet {
            heading: "Customers, the best pilot first".to_owned(),
            about: format!(
                "A score of 0 to 100, and its parts of 0 to 1: volume (weight 25 %), how near the middle in complexity (20 %), answers \
                 within a business day (20 %), how fully filled in (20 %), what could be automated (15 %). A person picks.{more}"
            ),
            columns: vec![
                "customer",
                "rank",
                "score",
                "tickets a week",
                "volume",
                "middle",
                "cooperation",
                "hygiene",
                "potential",
                "no pilot because",
            ],
            rows: pilots.iter().take(shown).enumerate().map(row).collect(),
        };
        Self {
            title: "Which customers to begin with".to_owned(),
            facts,
            notes: vec![("Not known", missing)],
            tables: vec![table],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spoken_in_two_units() {
        let found = [0.4, 59.0, 59.6, 3_599.0, 3_900.0, 86_399.0, 90_000.0, 273_600.0].map(spoken);
        assert_eq!(
            found,
            ["0 s", "59 s", "1 min", "1 h 00 min", "1 h 05 min", "1 d 0 h", "1 d 1 h", "3 d 4 h"]
        );
    }

    #[test]
    fn r1_what_is_not_known_is_refused_by_name_and_never_a_zero() {
        let nothing = Figures { tickets: 40, ..Figures::default() };
        let said = refused(&nothing).join("\n");
        for part in ["First response", "first level", "opened again", "Hand-offs", "waiting", "Handle time"] {
            assert!(said.contains(part), "{part}:\n{said}");
        }
        let rows = values(&nothing, false);
        let text = |name: &str| rows.iter().find(|(found, _)| *found == name).unwrap().1.text.as_str();
        assert_eq!(
            (text("resolved by first level"), text("handle time, mean"), text("tickets")),
            (UNKNOWN, UNKNOWN, "40")
        );
        let all = Figures {
            level_one: Share::new(3, 4),
            reopened: Share::new(1, 40),
            handed_off: Share::new(0, 40),
            first_response: Times { n: 40, ..Times::default() },
            resolution_without_waiting: Times { n: 4, ..Times::default() },
            handle: Times { n: 1, ..Times::default() },
            ..nothing
        };
        assert_eq!(refused(&all), Vec::<String>::new());
    }
}
