//! The figures of a week, from the store's rows: each with its interval and what it is counted over.
//!
//! Computed as of a moment: what was reported later changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use firstline_rollout::{
    Figures, Judged, Population, PriorityCalls, Reviewed, ShadowAgreement, Share, TicketFacts, Times, Week,
    priority_calls, select, shadow_agreement, usable_drafts, week_figures, week_groups,
};
use firstline_stats::Duration;
use firstline_store::TicketRow;
use firstline_ticket::{DraftState, Field, Kept, Phase};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::desk::DeskRules;

/// Seconds within which a draft is to be ready.
const DRAFT_SECONDS: f64 = 60.0;

/// A figure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Figure {
    /// The share, or seconds; null where it is not known.
    pub value: Option<f64>,
    /// Lower end of its 95 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Its upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Of a share: those that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Tickets that it is over.
    pub n: u64,
}

impl From<&Share> for Figure {
    fn from(share: &Share) -> Self {
        let Share { count, of, share, low, high } = *share;
        Self { value: share, low, high, count: Some(count), n: of }
    }
}

impl Figure {
    /// A number of tickets.
    pub(super) fn count(n: u64) -> Self {
        Self { value: Some(n as f64), n, ..Self::default() }
    }

    pub(super) fn plain(value: Option<f64>, n: u64) -> Self {
        Self { value, n, ..Self::default() }
    }

    pub(super) fn of(value: Option<f64>, interval: Option<[f64; 2]>, n: u64) -> Self {
        Self { value, low: interval.map(|of| of[0]), high: interval.map(|of| of[1]), count: None, n }
    }
}

/// The figures of a week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WeekSheet {
    /// Its number in the programme, 1 for the first.
    pub number: u32,
    /// Days of it that were open: fewer in a week with a holiday.
    pub open_days: u64,
    /// The figures by name. Shares are 0 to 1, times in seconds, but in minutes where the name says so.
    pub figures: BTreeMap<String, Figure>,
    /// Of figures of work, how they are known: `time_entries`, `reported`, `reviews`, `estimate`.
    #[serde(default, rename = "known_by", skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    pub basis: BTreeMap<String, String>,
    /// Agreement on board and type by the bundle that decided.
    pub by_bundle: BTreeMap<String, Figure>,
    /// Tickets that the figures leave out, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Some of the figures by category, `board > type`: the 20 largest, and all the others together. Of single customers there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    pub by_category: BTreeMap<String, BTreeMap<String, Figure>>,
    /// Agreement by the category that was decided, `board > type`, of the whole desk and of all pilots: what a grant of a category goes by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    pub by_decided: BTreeMap<String, Figure>,
}

/// Categories that a week has rows of,
const CATEGORIES: usize = 20;
/// categories that it has the agreement of,
const DECIDED: usize = 500;
/// and the name of the row of all others,
const OTHERS: &str = "others";
/// with these figures.
const OF_CATEGORIES: [&str; 11] = [
    "tickets",
    "people",
    "agreement",
    "drafted_in_time",
    "usable_verbatim",
    "first_response_median",
    "first_response_p95",
    "resolution_mean",
    "handle_mean",
    "level_one",
    "reopened",
];

/// A ticket with what figures need beside its facts.
pub(super) struct Seen {
    pub(super) facts: TicketFacts,
    judged: Option<Judged>,
    /// Seconds from the opening to the intake.
    lag: Option<f64>,
    /// Seconds from intake to the draft, and when that was.
    draft: Option<(f64, Timestamp)>,
    /// How far what was sent is from the draft.
    distance: Option<f64>,
    wants_answer: bool,
    customer: String,
    number: String,
    /// How far Firstline might go when it was decided.
    phase: Option<Phase>,
    /// Whether its draft was sent, as it was or in other words.
    sent: bool,
}

impl Seen {
    /// From a row of the store.
    pub(super) fn of(row: TicketRow) -> Self {
        let TicketRow {
            judged,
            first_received_at,
            source,
            decided_at,
            bundle,
            storm,
            reported_at,
            review,
            events,
        } = row;
        let outcome = judged.outcome;
        // Numbers are a customer's own: another's may have the same.
        let id = format!("{}/{}", judged.customer, judged.ticket_id);
        let decided = judged.decision.fields.iter();
        let own = decided.filter(|(field, _)| judged.decision.kept.get(field) != Some(&Kept::Person));
        let (phase, blind) = (judged.phase, judged.blind);
        let judgement = phase.map(|phase| Judged {
            ticket_id: id.clone(),
            decided_at,
            bundle,
            decided: own.map(|(field, decided)| (*field, decided.label.clone())).collect(),
            technician: outcome.labels.get(&Field::Technician).cloned(),
            seen: review.is_some() || (phase >= Phase::Assist && !blind),
            ..Judged::default()
        });
        let facts = TicketFacts {
            id,
            customer: judged.customer.clone(),
            source,
            kind: judged.decision.kind,
            opened_at: judged.opened_at.unwrap_or(first_received_at),
            opened_by_technician: outcome.opened_by_technician == Some(true),
            resolved_at: outcome.resolved_at,
            response_stamp: outcome.first_response_at,
            initial: outcome.initial_labels,
            outcome_reported_at: reported_at,
            labels: outcome.labels,
            escalated: outcome.escalated.or(outcome.tier.map(|tier| tier > 1)),
            reopened: outcome.reopened,
            handle_seconds: outcome.handle_seconds,
            review: review.map(|of| Reviewed { at: of.at, seconds: of.active_seconds }),
            merged_into: outcome.merged_into,
            storm,
            project: outcome.project == Some(true),
            deleted: outcome.deleted == Some(true),
            history_known: outcome.history_known == Some(true),
            events,
            ..TicketFacts::default()
        };
        let drafted = judged.drafted_at;
        Self {
            lag: judged.opened_at.map(|at| first_received_at.duration_since(at).as_secs_f64()),
            draft: drafted.map(|at| (at.duration_since(judged.received_at).as_secs_f64(), at)),
            distance: outcome.distance.filter(|_| drafted.is_some()),
            wants_answer: judged.decision.kind.wants_answer(),
            phase,
            sent: matches!(judged.draft_state, DraftState::Approved | DraftState::Edited),
            customer: judged.customer,
            number: judged.ticket_id,
            judged: judgement,
            facts,
        }
    }

    /// What is judged of it, as known at `moment`; its facts are those of then.
    fn judged(&self, then: &TicketFacts, moment: Timestamp) -> Option<Judged> {
        // Nothing can be shown of a ticket that was closed when it was decided.
        let in_time = |at: Timestamp| at <= moment && then.resolved_at.is_none_or(|closed| at < closed);
        let judged = self.judged.as_ref().filter(|judged| in_time(judged.decided_at))?;
        let closed = then.resolved_at.is_some() || !then.labels.is_empty();
        let label = |field| closed.then(|| then.closing_label(field)).flatten();
        let closing = Field::ALL.into_iter().filter_map(|field| Some((field, label(field)?.to_owned())));
        Some(Judged { closing: closing.collect(), ..judged.clone() })
    }

    /// The category that it was closed in, as `then` knows it; while that is not known, the one that was decided.
    fn category(&self, then: &TicketFacts) -> Option<String> {
        let decided = self.judged.as_ref().map(|judged| &judged.decided);
        let label = |field| then.closing_label(field).or_else(|| Some(decided?.get(&field)?.as_str()));
        Some(format!("{} > {}", label(Field::Board)?, label(Field::Type)?))
    }

    /// The category that was decided.
    fn decided(&self) -> Option<String> {
        let decided = &self.judged.as_ref()?.decided;
        Some(format!("{} > {}", decided.get(&Field::Board)?, decided.get(&Field::Type)?))
    }

    /// Seconds from the opening to the intake.
    pub(super) fn lag(&self) -> Option<f64> {
        self.lag
    }

    /// How far Firstline might go when it was decided.
    pub(super) fn phase(&self) -> Option<Phase> {
        self.phase
    }

    /// Its facts as of `moment`, with the category that was decided while it is not known in which it closed.
    pub(super) fn named_facts(&self, moment: Timestamp) -> TicketFacts {
        let mut facts = self.facts.as_of(moment);
        for (field, label) in self.judged.iter().flat_map(|judged| &judged.decided) {
            if facts.label(*field).is_none() && facts.resolved_at.is_none() {
                facts.labels.insert(*field, label.clone());
            }
        }
        facts
    }

    /// Whether its draft was sent, as it was or in other words.
    pub(super) fn was_sent(&self) -> bool {
        self.sent
    }

    /// The customer, and the number that its senders know it by.
    pub(super) fn named(&self) -> (&str, &str) {
        (&self.customer, &self.number)
    }
}

/// What shadow shows of some tickets, as known at a moment.
pub(super) struct Shown {
    pub(super) agreement: ShadowAgreement,
    pub(super) priorities: PriorityCalls,
    pub(super) usable: BTreeMap<String, Share>,
    /// People's tickets with a draft in time: those that a rule keeps with a person are among them.
    pub(super) drafted: Share,
    pub(super) draft_seconds: Times,
    pub(super) lag: Times,
    /// Tickets that took longer than a minute to come in.
    pub(super) late: Share,
}

/// What shadow shows of `tickets`, as known at `moment`.
pub(super) fn shown(tickets: &[&Seen], rules: &DeskRules, moment: Timestamp) -> Shown {
    let then: Vec<TicketFacts> = tickets.iter().map(|ticket| ticket.facts.as_of(moment)).collect();
    let of = |population| -> BTreeSet<&str> {
        select(&then, population).tickets.into_iter().map(|facts| facts.id.as_str()).collect()
    };
    let (all, people) = (of(Population::All), of(Population::People));
    let counted = || tickets.iter().zip(&then).filter(|(_, facts)| all.contains(facts.id.as_str()));
    let judged: Vec<Judged> = counted().filter_map(|(ticket, facts)| ticket.judged(facts, moment)).collect();
    let unseen: Vec<Judged> = judged.iter().filter(|ticket| !ticket.seen).cloned().collect();
    let waiting = || {
        counted().map(|(ticket, _)| ticket).filter(|t| t.wants_answer && people.contains(t.facts.id.as_str()))
    };
    let seconds = |ticket: &Seen| ticket.draft.filter(|(_, at)| *at <= moment).map(|(seconds, _)| seconds);
    let in_time = |ticket: &Seen| seconds(ticket).is_some_and(|seconds| seconds <= DRAFT_SECONDS);
    let lags: Vec<f64> = counted().filter_map(|(ticket, _)| ticket.lag).map(|lag| lag.max(0.0)).collect();
    let usable = counted().filter(|(_, facts)| facts.resolved_at.is_some());
    let usable: Vec<(String, f64)> =
        usable.filter_map(|(ticket, facts)| Some((ticket.category(facts)?, ticket.distance?))).collect();
    let ended = |seconds| Duration { seconds, ended: true };
    Shown {
        agreement: shadow_agreement(&judged, &rules.best, &rules.aliases),
        priorities: priority_calls(&unseen, |label| rules.ranks.rank(label)),
        usable: usable_drafts(usable.iter().map(|(category, distance)| (category.as_str(), *distance))),
        drafted: Share::of(waiting().map(|ticket| in_time(ticket))),
        draft_seconds: Times::of(waiting().filter_map(|ticket| seconds(ticket)).map(ended)),
        late: Share::of(lags.iter().map(|lag| *lag > DRAFT_SECONDS)),
        lag: Times::of(lags.into_iter().map(ended)),
    }
}

/// The figures of the tickets that were opened in `week`, the `number`th of the programme, as known at `moment`.
pub(super) fn sheet(
    tickets: &[&Seen],
    rules: &DeskRules,
    (week, number): (&Week, u32),
    moment: Timestamp,
) -> WeekSheet {
    let facts: Vec<TicketFacts> = tickets.iter().map(|ticket| ticket.facts.clone()).collect();
    let people = week_figures(&facts, &rules.desk(), (week, Population::People), moment);
    let shown = shown(tickets, rules, moment);
    WeekSheet {
        number,
        open_days: people.open_days,
        figures: figures(tickets.len() as u64, &people.figures, &shown),
        basis: BTreeMap::new(),
        by_bundle: shown.agreement.bundles.iter().map(|(id, share)| (id.clone(), share.into())).collect(),
        left_out: left_out(&people.left_out),
        by_category: BTreeMap::new(),
        by_decided: BTreeMap::new(),
    }
}

/// [`WeekSheet::by_decided`] of the same tickets: the categories with most tickets, where there are very many.
pub(super) fn by_decided(
    tickets: &[&Seen],
    rules: &DeskRules,
    moment: Timestamp,
) -> BTreeMap<String, Figure> {
    let mut groups: BTreeMap<String, Vec<Judged>> = BTreeMap::new();
    for ticket in tickets {
        let judged = ticket.judged(&ticket.facts.as_of(moment), moment);
        if let Some((category, judged)) = judged.and_then(|judged| Some((ticket.decided()?, judged))) {
            groups.entry(category).or_default().push(judged);
        }
    }
    let mut groups: Vec<(String, Vec<Judged>)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, judged)| std::cmp::Reverse(judged.len()));
    groups.truncate(DECIDED);
    let agreement = |judged: &[Judged]| (&shadow_agreement(judged, &rules.best, &rules.aliases).joint).into();
    groups.into_iter().map(|(category, judged)| (category, agreement(&judged))).collect()
}

/// [`WeekSheet::by_category`] of the same tickets.
pub(super) fn by_category(
    tickets: &[&Seen],
    rules: &DeskRules,
    week: &Week,
    moment: Timestamp,
) -> BTreeMap<String, BTreeMap<String, Figure>> {
    let mut groups: BTreeMap<String, Vec<&Seen>> = BTreeMap::new();
    for ticket in tickets {
        let category = ticket.category(&ticket.facts.as_of(moment));
        groups.entry(category.unwrap_or_else(|| OTHERS.to_owned())).or_default().push(ticket);
    }
    let mut others = groups.remove(OTHERS).unwrap_or_default();
    let mut groups: Vec<(String, Vec<&Seen>)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, tickets)| std::cmp::Reverse(tickets.len()));
    others.extend(groups.drain(CATEGORIES.min(groups.len())..).flat_map(|(_, tickets)| tickets));
    groups.extend((!others.is_empty()).then(|| (OTHERS.to_owned(), others)));
    let row_of: BTreeMap<&str, &str> = groups
        .iter()
        .flat_map(|(name, tickets)| tickets.iter().map(|ticket| (ticket.facts.id.as_str(), name.as_str())))
        .collect();
    let facts: Vec<TicketFacts> = tickets.iter().map(|ticket| ticket.facts.clone()).collect();
    let group = |ticket: &TicketFacts| row_of.get(ticket.id.as_str()).copied().unwrap_or(OTHERS).to_owned();
    let people = week_groups(&facts, &rules.desk(), (week, Population::People), moment, group);
    let row = |(name, tickets): &(String, Vec<&Seen>)| {
        let of_people = people.get(name).cloned().unwrap_or_default();
        let mut found = figures(tickets.len() as u64, &of_people, &shown(tickets, rules, moment));
        found.retain(|name, _| OF_CATEGORIES.contains(&name.as_str()));
        (name.clone(), found)
    };
    groups.iter().map(row).collect()
}

/// The figures by name, of so many `tickets`.
fn figures(tickets: u64, of: &Figures, shown: &Shown) -> BTreeMap<String, Figure> {
    let mut figures = BTreeMap::new();
    let mut put = |name: &str, figure: Figure| figures.insert(name.to_owned(), figure);
    put("tickets", Figure::count(tickets));
    put("people", Figure::count(of.tickets));
    for (name, times) in [
        ("first_response", &of.first_response),
        ("first_response_open_hours", &of.first_response_open_hours),
        ("resolution", &of.resolution),
        ("handle", &of.handle),
        ("draft_seconds", &shown.draft_seconds),
        ("intake_lag", &shown.lag),
    ] {
        put(&format!("{name}_median"), Figure::of(times.p50, times.p50_interval, times.n));
        put(&format!("{name}_mean"), Figure::of(times.mean, times.mean_interval, times.n));
        put(&format!("{name}_p95"), Figure::plain(times.p95, times.n));
    }
    for (name, share) in [
        ("level_one", &of.level_one),
        ("reopened", &of.reopened),
        ("handed_off", &of.handed_off),
        ("agreement", &shown.agreement.joint),
        ("agreement_best", &shown.agreement.best),
        ("kept", &shown.agreement.kept),
        ("drafted_in_time", &shown.drafted),
        ("intake_late", &shown.late),
    ] {
        put(name, share.into());
    }
    for (field, found) in &shown.agreement.fields {
        put(&format!("agreement_{field}"), (&found.share).into());
        put(&format!("kappa_{field}"), Figure::plain(Some(found.kappa), found.share.of));
    }
    let usable = shown.usable.values().fold((0, 0), |sum, share| (sum.0 + share.count, sum.1 + share.of));
    put("usable_verbatim", (&Share::new(usable.0, usable.1)).into());
    let (under, over, ranked) = calls(&shown.priorities);
    put("priority_under", (&Share::new(under, ranked)).into());
    put("priority_over", (&Share::new(over, ranked)).into());
    put("missed_most_urgent", Figure::count(shown.priorities.missed.len() as u64));
    figures
}

/// Priorities called too low, too high, and all.
pub(super) fn calls(priorities: &PriorityCalls) -> (u64, u64, u64) {
    priorities.ranks.values().fold((0, 0, 0), |sum, [right, under, over]| {
        (sum.0 + under, sum.1 + over, sum.2 + right + under + over)
    })
}

fn left_out(out: &firstline_rollout::LeftOut) -> BTreeMap<String, u64> {
    let firstline_rollout::LeftOut { deleted, merged, project, storm, alerts, machines, people } = *out;
    let all = [
        ("deleted", deleted),
        ("merged", merged),
        ("project", project),
        ("storm", storm),
        ("alerts", alerts),
        ("machines", machines),
        ("people", people),
    ];
    all.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| (name.to_owned(), n)).collect()
}
