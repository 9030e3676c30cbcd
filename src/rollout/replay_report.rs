//! A replay as tables.
//!
//! Must never let a figure pass for something that happened: the page says first that nothing of it did.

use firstline_pages::{DASH, thousands};

use crate::{
    Alone, Check, Fired, GateLook, Replay, ReplayPhase, ReplayedWeek, Report, Share, Sheet, Step, StepKind,
    percent,
};

/// What a report says beside the replay itself.
#[derive(Debug, Clone, Default)]
pub struct ReplaySetting {
    /// What was replayed and how: names and values.
    pub facts: Vec<(&'static str, String)>,
    /// What the file holds that no figure counts, in words.
    pub left_out: Vec<String>,
    /// What was not measured and why, beside what no history can show.
    pub not_measured: Vec<String>,
}

/// Tickets that are named one by one.
const NAMED: usize = 20;

impl Report {
    /// The report of `replay`.
    pub fn of_replay(replay: &Replay, setting: ReplaySetting) -> Self {
        let mut facts = vec![("Verdict", replay.verdict.text.clone())];
        facts.extend(setting.facts);
        let best = &replay.agreement.best;
        facts
            .extend((best.of > 0).then(|| ("Best technicians", format!("{} (board and type)", share(best)))));
        let ceiling = replay.ceiling.as_ref().map(|found| {
            let share = share(&found.share);
            format!("{share} (pairs of near-identical tickets, same board and type: no model can be expected to agree more)")
        });
        facts.extend(ceiling.map(|found| ("Technicians with each other", found)));
        let mut tables = vec![weeks(&replay.weeks)];
        tables.extend(replay.gates.last().map(gate));
        if !replay.steps.is_empty() {
            tables.push(steps(&replay.steps));
        }
        tables.push(fields(replay));
        tables.push(priorities(replay));
        tables.extend(drafts(replay));
        Self {
            title: "Replay of a history".to_owned(),
            facts,
            notes: vec![
                ("Mind", mind(replay)),
                ("Not measured", setting.not_measured),
                ("Left out", setting.left_out),
            ],
            tables,
        }
    }
}

fn mind(replay: &Replay) -> Vec<String> {
    let mut notes: Vec<String> = [
        "Nothing of this happened: each ticket was decided by what was known when its week began, and compared with how it was closed.",
        "It assumes that a promotion is given as soon as the gate passes, that nobody resumes after a pause, and that two falls \
         running of the agreement or of a signed figure hold a promotion for a week. The desk's own figures are as they were without \
         Firstline.",
        "A history can't show the intake, the time to a draft, attacks and canaries: a service's gate asks for them too, so a replay \
         is no evidence for it.",
        "No incident is invented. R70 counts decisions that would have stood alone, as if each had reached a customer; R73 can't fire; \
         R72 is not met, since nobody knows what would have been saved.",
    ]
    .map(str::to_owned)
    .into();
    if replay.alone.n == 0 {
        notes.push(
            "No decision would have stood alone: no category of board and type had a certified threshold with decisions above it."
                .to_owned(),
        );
    }
    if replay.drafts.is_none() {
        notes.push("Drafts were not measured.".to_owned());
    }
    let missed = &replay.priorities.missed;
    if !missed.is_empty() {
        let named: Vec<&str> = missed.iter().take(NAMED).map(String::as_str).collect();
        let more =
            if missed.len() > NAMED { format!(" and {} more", missed.len() - NAMED) } else { String::new() };
        notes.push(format!(
            "{} tickets of the most urgent rank were called less urgent: {}{more}.",
            missed.len(),
            named.join(", ")
        ));
    }
    notes
}

fn count(n: u64) -> String {
    thousands(usize::try_from(n).unwrap_or(usize::MAX))
}

fn share(share: &Share) -> String {
    share.share.map_or_else(|| DASH.to_owned(), |found| format!("{} of {}", percent(found), count(share.of)))
}

fn phase(phase: ReplayPhase) -> &'static str {
    match phase {
        ReplayPhase::Shadow => "shadow",
        ReplayPhase::Assist => "assist",
        ReplayPhase::Paused => "paused",
        ReplayPhase::BackedOut => "backed out",
    }
}

fn minutes(alone: &Alone) -> String {
    let told = |minutes: f64| format!("{minutes:.0} min of {}", count(alone.timed));
    alone.minutes.map_or_else(|| "not known".to_owned(), told)
}

fn weeks(weeks: &[ReplayedWeek]) -> Sheet {
    let row = |week: &ReplayedWeek| {
        vec![
            format!("{} ({})", week.number, week.week),
            phase(week.phase).to_owned(),
            count(week.tickets),
            week.settled.as_ref().map_or_else(|| DASH.to_owned(), share),
            share(&week.agreement),
            count(week.alone.n),
            format!("{} of {}", count(week.alone.wrong), count(week.alone.closed)),
            minutes(&week.alone),
            count(week.learnt_from),
            count(week.certified),
        ]
    };
    Sheet {
        heading: "The weeks".to_owned(),
        about: "Agreement: board and type both as the ticket was closed, as known a week after the week's end, and as known at the end of \
            the history. Alone: board and type decided at or above the threshold that is certified for them together; wrong where one of \
            them was closed otherwise; minutes are those that technicians logged on the right ones."
            .to_owned(),
        columns: vec![
            "week",
            "phase",
            "tickets",
            "agreement, settled",
            "agreement, now",
            "alone",
            "wrong",
            "minutes",
            "learnt from",
            "certified categories",
        ],
        rows: weeks.iter().map(row).collect(),
    }
}

/// A figure of a check: shares as percent, others as they are.
fn figure(check: &Check, value: f64) -> String {
    if check.needed.abs() <= 1.0 && value.abs() <= 1.0 { percent(value) } else { format!("{value:.0}") }
}

/// By how much a check is missed.
fn missed(check: &Check, short: f64) -> String {
    if check.needed.abs() <= 1.0 { format!("{:.1} points", 100.0 * short) } else { format!("{short:.0}") }
}

fn gate(look: &GateLook) -> Sheet {
    let row = |check: &Check| {
        let bounds = check
            .bounds
            .map(|bounds| format!("{} to {}", figure(check, bounds.lo), figure(check, bounds.hi)));
        let verdict = match (check.passed, check.short_by, &check.missing) {
            (true, ..) => "passed".to_owned(),
            (_, Some(short), Some(missing)) => format!("short by {}; {missing}", missed(check, short)),
            (_, Some(short), None) => format!("short by {}", missed(check, short)),
            (_, None, Some(missing)) => missing.clone(),
            (_, None, None) => "not passed".to_owned(),
        };
        vec![
            check.name.clone(),
            figure(check, check.needed),
            check.found.map_or_else(|| DASH.to_owned(), |found| figure(check, found)),
            bounds.unwrap_or_else(|| DASH.to_owned()),
            count(check.n),
            verdict,
        ]
    };
    let verdict = if look.passed { "passes" } else { "does not pass" };
    Sheet {
        heading: format!("The gate from shadow to assist before week {}", look.week),
        about: format!(
            "On {} settled weeks, each as known a week after its end: it {verdict}, as far as a history can show. What it can't show is \
             not measured.",
            look.settled_weeks
        ),
        columns: vec!["what is asked", "needed", "found", "95 % bounds", "n", "verdict"],
        rows: look.gate.checks.iter().map(row).collect(),
    }
}

fn fired(fired: &Fired) -> String {
    let found = fired.found.map_or_else(|| "not known".to_owned(), |found| format!("{found:.3}"));
    let note = fired.note.map_or_else(String::new, |note| format!(" ({note})"));
    format!("{}: {found}, limit {:.3}, of {}{note}", fired.trigger.row(), fired.limit, count(fired.n))
}

fn steps(steps: &[Step]) -> Sheet {
    let row = |step: &Step| {
        let (when, what) = match &step.kind {
            StepKind::Promoted => ("begins", "the gate passes: promoted to assist".to_owned()),
            StepKind::Fired(found) => ("ends", fired(found)),
            StepKind::Fell { kpi, found } => {
                let real = match found.real {
                    Some(true) => "a test calls the fall real",
                    Some(false) => "a test does not call the fall real",
                    None => "too few weeks to test it",
                };
                ("ends", format!("R62: {} fell twice running; {real}", kpi.name()))
            }
        };
        vec![format!("{} {when}", step.week), what, phase(step.phase).to_owned()]
    };
    Sheet {
        heading: "What would have happened".to_owned(),
        about: "Promotions, triggers and falls in order of time, with the phase from then on.".to_owned(),
        columns: vec!["week", "what", "phase"],
        rows: steps.iter().map(row).collect(),
    }
}

fn fields(replay: &Replay) -> Sheet {
    let row = |(field, found): (&firstline_ticket::Field, &crate::FieldAgreement)| {
        let interval = found.share.low.zip(found.share.high);
        vec![
            field.to_string(),
            share(&found.share),
            interval.map_or_else(
                || DASH.to_owned(),
                |(low, high)| format!("{} to {}", percent(low), percent(high)),
            ),
            format!("{:.2}", found.kappa),
        ]
    };
    Sheet {
        heading: "Agreement by field".to_owned(),
        about:
            "Over all weeks, as known at the end of the history. Kappa is the part that is more than chance."
                .to_owned(),
        columns: vec!["field", "agreement", "95 % interval", "kappa"],
        rows: replay.agreement.fields.iter().map(row).collect(),
    }
}

fn priorities(replay: &Replay) -> Sheet {
    let row = |(rank, [right, low, high]): (&usize, &[u64; 3])| {
        let mut cells = vec![if *rank == 0 { "0, the most urgent".to_owned() } else { rank.to_string() }];
        cells.extend([right, low, high].map(|n| count(*n)));
        cells
    };
    Sheet {
        heading: "Priorities".to_owned(),
        about: "By the rank at closing.".to_owned(),
        columns: vec!["rank", "called right", "called less urgent", "called more urgent"],
        rows: replay.priorities.ranks.iter().map(row).collect(),
    }
}

fn drafts(replay: &Replay) -> Option<Sheet> {
    let drafts = replay.drafts.as_ref()?;
    Some(Sheet {
        heading: "Drafts that could have been sent as they were".to_owned(),
        about: "Of a sample of people's tickets that were answered: the draft without greeting and signature is what was sent. A ticket \
            without a draft is not usable."
            .to_owned(),
        columns: vec!["category", "usable"],
        rows: drafts.iter().map(|(category, found)| vec![category.clone(), share(found)]).collect(),
    })
}
